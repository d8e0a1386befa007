/** Complete pipelines. */
@NullMarked
package dev.millrace.pipelines;

import org.jspecify.annotations.NullMarked;

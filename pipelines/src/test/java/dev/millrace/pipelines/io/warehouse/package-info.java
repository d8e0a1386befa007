@NullMarked
package dev.millrace.pipelines.io.warehouse;

import org.jspecify.annotations.NullMarked;

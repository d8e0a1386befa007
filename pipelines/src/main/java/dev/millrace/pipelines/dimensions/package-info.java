/** Dimensions that several pipelines read. */
@NullMarked
package dev.millrace.pipelines.dimensions;

import org.jspecify.annotations.NullMarked;

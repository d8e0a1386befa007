/** The pipeline {@code sales}: retail facts from raw files to a lake and a warehouse. */
@NullMarked
package dev.millrace.pipelines.sales;

import org.jspecify.annotations.NullMarked;

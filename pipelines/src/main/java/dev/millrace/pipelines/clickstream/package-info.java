/** The pipeline {@code clickstream}: events of the web shop. */
@NullMarked
package dev.millrace.pipelines.clickstream;

import org.jspecify.annotations.NullMarked;

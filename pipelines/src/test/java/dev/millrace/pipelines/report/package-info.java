/** Tests of the run report. */
@NullMarked
package dev.millrace.pipelines.report;

import org.jspecify.annotations.NullMarked;

/** What every pipeline does around its flow: inputs, tables, lake, report. */
@NullMarked
package dev.millrace.pipelines.job;

import org.jspecify.annotations.NullMarked;

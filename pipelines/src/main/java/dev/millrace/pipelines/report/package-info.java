/**
 * The report of a run: {@code report.json} for machines and one self-contained {@code report.html}
 * for people, both made from the same plain model.
 */
@NullMarked
package dev.millrace.pipelines.report;

import org.jspecify.annotations.NullMarked;

/** Millrace beside other ways to do the same work: commands that print ratios. */
@NullMarked
package dev.millrace.benchmarks;

import org.jspecify.annotations.NullMarked;

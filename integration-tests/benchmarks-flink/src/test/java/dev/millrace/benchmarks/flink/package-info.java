/** Tests of the jobs that are measured: they do the same work. */
@NullMarked
package dev.millrace.benchmarks.flink;

import org.jspecify.annotations.NullMarked;

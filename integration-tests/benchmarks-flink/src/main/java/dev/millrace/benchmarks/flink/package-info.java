/** Jobs written by hand against Flink, and Millrace's own, which do the same work. */
@NullMarked
package dev.millrace.benchmarks.flink;

import org.jspecify.annotations.NullMarked;

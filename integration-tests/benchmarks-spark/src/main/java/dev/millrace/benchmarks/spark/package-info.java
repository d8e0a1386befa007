/** The answers of {@code sales} by Spark's own means, to be compared with. */
@NullMarked
package dev.millrace.benchmarks.spark;

import org.jspecify.annotations.NullMarked;

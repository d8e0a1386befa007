/** Tests of the benchmarks: that what they say can be believed. */
@NullMarked
package dev.millrace.benchmarks;

import org.jspecify.annotations.NullMarked;

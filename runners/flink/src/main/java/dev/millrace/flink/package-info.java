/** Millrace on Beam's Flink runner. */
@NullMarked
package dev.millrace.flink;

import org.jspecify.annotations.NullMarked;

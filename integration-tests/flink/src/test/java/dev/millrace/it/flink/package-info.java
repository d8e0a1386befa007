/** The whole program on Flink, beside the same on the Direct runner. */
@NullMarked
package dev.millrace.it.flink;

import org.jspecify.annotations.NullMarked;

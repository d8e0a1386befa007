/** Every pipeline on every runner, beside the same on the Direct runner. */
@NullMarked
package dev.millrace.it.equivalence;

import org.jspecify.annotations.NullMarked;

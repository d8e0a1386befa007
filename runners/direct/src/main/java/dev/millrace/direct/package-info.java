/** Millrace on Beam's Direct runner. */
@NullMarked
package dev.millrace.direct;

import org.jspecify.annotations.NullMarked;

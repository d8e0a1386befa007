/** Ranks and running totals. */
@NullMarked
package dev.millrace.transforms.rank;

import org.jspecify.annotations.NullMarked;

/** Combining per key in few, compact groups. */
@NullMarked
package dev.millrace.transforms.combine;

import org.jspecify.annotations.NullMarked;

/** Aggregates per key and event-time window. */
@NullMarked
package dev.millrace.transforms.window;

import org.jspecify.annotations.NullMarked;

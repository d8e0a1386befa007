/** The elements that flow through a Millrace pipeline, and what every stage returns. */
@NullMarked
package dev.millrace.transforms;

import org.jspecify.annotations.NullMarked;

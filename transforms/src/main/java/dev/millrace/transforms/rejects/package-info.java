/** The refused records of all stages, together. */
@NullMarked
package dev.millrace.transforms.rejects;

import org.jspecify.annotations.NullMarked;

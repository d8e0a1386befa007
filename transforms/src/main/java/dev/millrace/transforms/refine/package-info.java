/**
 * The refining pass: all decisions about a single record, from raw bytes to a typed record or a
 * dead letter.
 */
@NullMarked
package dev.millrace.transforms.refine;

import org.jspecify.annotations.NullMarked;

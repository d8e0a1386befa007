/** The archive, unpacked, as a user has it. */
@NullMarked
package dev.millrace.it.archive;

import org.jspecify.annotations.NullMarked;

/** Tests of the whole program, as a user runs it. */
@NullMarked
package dev.millrace.it;

import org.jspecify.annotations.NullMarked;

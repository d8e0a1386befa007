/** Programs that tests start. */
@NullMarked
package dev.millrace.it.programs;

import org.jspecify.annotations.NullMarked;

/** The command line that every runner shares. */
@NullMarked
package dev.millrace.runners;

import org.jspecify.annotations.NullMarked;

/** Servers that a laptop needs, started as child processes and bound to 127.0.0.1. */
@NullMarked
package dev.millrace.local;

import org.jspecify.annotations.NullMarked;

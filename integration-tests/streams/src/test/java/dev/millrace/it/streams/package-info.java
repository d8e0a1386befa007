/** Tests of topics, with a real broker. */
@NullMarked
package dev.millrace.it.streams;

import org.jspecify.annotations.NullMarked;

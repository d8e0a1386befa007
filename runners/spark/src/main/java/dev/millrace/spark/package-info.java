/** The command line on the Spark runner. */
@NullMarked
package dev.millrace.spark;

import org.jspecify.annotations.NullMarked;

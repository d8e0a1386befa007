/** The edges of the pipelines: files in any usual form, and the lake. */
@NullMarked
package dev.millrace.pipelines.io;

import org.jspecify.annotations.NullMarked;

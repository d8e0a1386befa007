/** Tests of what all runs share. */
@NullMarked
package dev.millrace.pipelines.job;

import org.jspecify.annotations.NullMarked;

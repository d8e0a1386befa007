/** Helpers to test pipelines: records, matchers of outcomes, and checks of a pipeline's graph. */
@NullMarked
package dev.millrace.testing;

import org.jspecify.annotations.NullMarked;

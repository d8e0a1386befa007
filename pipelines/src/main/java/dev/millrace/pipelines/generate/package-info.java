/** Test data with known faults, and the exact answer a pipeline must give for it. */
@NullMarked
package dev.millrace.pipelines.generate;

import org.jspecify.annotations.NullMarked;

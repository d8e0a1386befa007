/** One record per identity: which of several copies or versions stays. */
@NullMarked
package dev.millrace.transforms.dedup;

import org.jspecify.annotations.NullMarked;

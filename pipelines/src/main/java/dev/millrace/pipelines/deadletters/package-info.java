/** Dead letters as they are handled by people: found, explained, mended and replayed, purged. */
@NullMarked
package dev.millrace.pipelines.deadletters;

import org.jspecify.annotations.NullMarked;

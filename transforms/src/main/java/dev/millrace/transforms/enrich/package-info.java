/** Records with what dimensions say about their foreign keys. */
@NullMarked
package dev.millrace.transforms.enrich;

import org.jspecify.annotations.NullMarked;

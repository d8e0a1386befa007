/** The account of every record: tallies of all stages, and the check that they balance. */
@NullMarked
package dev.millrace.transforms.ledger;

import org.jspecify.annotations.NullMarked;

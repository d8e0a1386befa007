/** Contracts: what a record is, which rules hold for it, how it is told apart, dated and masked. */
@NullMarked
package dev.millrace.contract;

import org.jspecify.annotations.NullMarked;

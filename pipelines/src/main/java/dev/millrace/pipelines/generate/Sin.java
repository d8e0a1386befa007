package dev.millrace.pipelines.generate;

import dev.millrace.contract.Reason;

/**
 * One way in which a record can be wrong. A record gets one at most, and nothing in it leaves open
 * by which reason it must be refused.
 *
 * @param <L> type of the line it is written to
 * @param <D> type of the good record
 * @param reason the reason a pipeline must give
 * @param needsVersion2 whether it sits in a field that only version 2 has
 * @param atMost how often it may stand in one set, for records of great size
 * @param writer writes the wrong record in place of a good one
 */
record Sin<L extends Line, D>(
    Reason reason, boolean needsVersion2, int atMost, Writer<L, D> writer) {

  /** Writes a wrong record. */
  @FunctionalInterface
  interface Writer<L extends Line, D> {
    void write(L line, D draft, Randomness random);
  }
}

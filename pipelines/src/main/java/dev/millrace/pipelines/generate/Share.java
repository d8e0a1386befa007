package dev.millrace.pipelines.generate;

/** Kinds of records whose share of a generated set can be chosen. */
public enum Share {
  /** Not readable: broken JSON or text, wrong types, beyond a limit. */
  MALFORMED(0.01),
  /** Readable, but against the contract: a rule, a missing field, a text that is no time. */
  RULE_BREAKS(0.01),
  /** Good, but one foreign key points to nothing. */
  ORPHANS(0.005),
  /** A second copy of a good record. */
  DUPLICATES(0.01),
  /** A second version of a good record, with other amounts. */
  NEWER_VERSIONS(0.01),
  /** Arrived too long after the day of the sale. */
  LATE(0.01),
  /** Arrived too long before the day of the sale. */
  FUTURE(0.003),
  /**
   * Of version 2 of the contract, among the records whose kind does not need one. Late records,
   * records from the future and newer versions always are.
   */
  VERSION_2(0.5);

  private final double usual;

  Share(double usual) {
    this.usual = usual;
  }

  /** The share unless another is chosen, from 0 to 1. */
  public double usual() {
    return usual;
  }
}

package dev.millrace.transforms;

/** What became of a record in a stage. In every stage {@code READ} equals the sum of all others. */
public enum Outcome {
  /** It entered the stage. */
  READ,
  /** It left the stage as good. */
  WRITTEN,
  /** It was refused: malformed, against a rule of its contract, or an orphan. */
  INVALID,
  /** It was refused: too late, or from the future. */
  LATE,
  /** It was a copy, or a superseded version, of another record. */
  DUPLICATE,
  /** It was left out on purpose. */
  FILTERED
}

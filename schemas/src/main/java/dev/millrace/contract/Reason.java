package dev.millrace.contract;

/**
 * Why a record was refused. The list is closed: each code has a meaning and a remedy, and each has
 * a test.
 *
 * <p>Codes are stored in dead letters and compared across runs: they are never renamed.
 */
public enum Reason {
  /** The bytes are not valid UTF-8. */
  INVALID_ENCODING("The bytes are not valid UTF-8.", "Let the producer write UTF-8."),
  /** The text is not JSON. */
  MALFORMED("The text is not well-formed JSON.", "Repair the text at the stated place and replay."),
  /** The text ends before the record does. */
  TRUNCATED("The record ends before it is complete.", "Fetch the record again from its producer."),
  /** The text is JSON but no object. */
  NOT_AN_OBJECT("The text is JSON, but not an object.", "Send one JSON object per record."),
  /** A field stands twice. */
  DUPLICATE_FIELD("A field stands twice in the record.", "Keep one of the two values."),
  /** A value has another type than the contract says. */
  TYPE_MISMATCH(
      "A value has another type than the contract says.", "Send the type of the contract."),
  /** A number does not fit the type of its field. */
  NUMBER_OUT_OF_RANGE(
      "A number does not fit its field: an integer overflows, or a decimal has too many digits.",
      "Check the unit and the scale of the value."),
  /** The record has more bytes than the limit. */
  TOO_LARGE("The record has more bytes than the limit.", "Split it, or raise the limit."),
  /** The record nests deeper than the limit. */
  TOO_DEEP("The record nests deeper than the limit.", "Flatten it, or raise the limit."),
  /** The record has more fields than the limit. */
  TOO_MANY_FIELDS("The record has more fields than the limit.", "Drop fields, or raise the limit."),
  /** A string is longer than the limit. */
  STRING_TOO_LONG("A string is longer than the limit.", "Shorten it, or raise the limit."),
  /** A number has more digits than the limit. */
  NUMBER_TOO_LONG("A number has more digits than the limit.", "Send a number of sensible length."),
  /** A required field is absent or null. */
  MISSING_FIELD("A required field is absent or null.", "Send the field."),
  /** A value breaks a rule of the contract. */
  RULE_VIOLATION("A value breaks a rule of its contract.", "Mend the value, or the rule."),
  /** The record arrived too long after its event. */
  LATE(
      "The record arrived later after its event than the bound on lateness.",
      "Backfill the windows it belongs to."),
  /** The record's event lies after its arrival. */
  FUTURE(
      "The record's event time lies after its arrival, beyond the bound on clock skew.",
      "Set the producer's clock."),
  /** A foreign key points to nothing. */
  ORPHAN_KEY(
      "A foreign key points to no row of its dimension.", "Load the dimension row, then replay."),
  /** A connector of Beam could not read or write the record. */
  CONNECTOR_FAILURE(
      "A connector of Beam could not read or write the record.",
      "Repair the record, or what reads or writes it, as its exception says.");

  private final String description;
  private final String remedy;

  Reason(String description, String remedy) {
    this.description = description;
    this.remedy = remedy;
  }

  /** What the code means, one sentence. */
  public String description() {
    return description;
  }

  /** What to do about it, one sentence. */
  public String remedy() {
    return remedy;
  }

  /** Whether the ledger counts the record as late rather than invalid. */
  public boolean isLateness() {
    return this == LATE || this == FUTURE;
  }
}

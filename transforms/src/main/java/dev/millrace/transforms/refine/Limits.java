package dev.millrace.transforms.refine;

import java.io.Serializable;

/**
 * Bounds that hold before and while a record is parsed, so that no record can exhaust memory.
 *
 * @param maxBytes bytes of the record
 * @param maxDepth nesting, the record itself being 1
 * @param maxFields fields, those of nested objects included
 * @param maxStringLength characters of one string
 * @param maxNumberLength characters of one number
 */
public record Limits(
    int maxBytes, int maxDepth, int maxFields, int maxStringLength, int maxNumberLength)
    implements Serializable {

  /** 1 MiB, 32 levels, 256 fields, 65,536 characters, 100 digits. */
  public static final Limits DEFAULT = new Limits(1 << 20, 32, 256, 1 << 16, 100);

  /** Every bound is at least 1. */
  public Limits {
    if (maxBytes < 1
        || maxDepth < 1
        || maxFields < 1
        || maxStringLength < 1
        || maxNumberLength < 1) {
      throw new IllegalArgumentException("every limit is at least 1");
    }
  }

  /** The same with another bound on bytes. */
  public Limits withMaxBytes(int bytes) {
    return new Limits(bytes, maxDepth, maxFields, maxStringLength, maxNumberLength);
  }

  /** The same with another bound on nesting. */
  public Limits withMaxDepth(int depth) {
    return new Limits(maxBytes, depth, maxFields, maxStringLength, maxNumberLength);
  }

  /** The same with another bound on fields. */
  public Limits withMaxFields(int fields) {
    return new Limits(maxBytes, maxDepth, fields, maxStringLength, maxNumberLength);
  }

  /** The same with another bound on the characters of a string. */
  public Limits withMaxStringLength(int characters) {
    return new Limits(maxBytes, maxDepth, maxFields, characters, maxNumberLength);
  }

  /** The same with another bound on the digits of a number. */
  public Limits withMaxNumberLength(int digits) {
    return new Limits(maxBytes, maxDepth, maxFields, maxStringLength, digits);
  }
}

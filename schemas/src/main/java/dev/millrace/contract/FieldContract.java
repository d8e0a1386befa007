package dev.millrace.contract;

import java.util.List;
import java.util.Optional;
import org.apache.avro.Schema;
import org.apache.avro.generic.IndexedRecord;
import org.jspecify.annotations.Nullable;

/**
 * One field of a {@link Contract}.
 *
 * @param name its name in every form of the record: JSON, CSV, Avro, Parquet, SQL (there in lower
 *     case)
 * @param path where it stands: the indexes of the fields to follow from the outer record; one index
 *     unless it comes from a nested record, whose fields a contract shows as its own
 * @param type its type
 * @param schema its Avro schema, without the union with null
 * @param nullable whether it may be absent or null
 * @param since version of the contract that brought it
 * @param rules what its value must keep, in declared order
 * @param unit unit of the value, in words
 * @param privacy how its value is kept private
 * @param references name of the contract or table whose key it holds
 * @param examples values that keep all rules, for a string
 * @param doc what it means, one sentence
 */
public record FieldContract(
    String name,
    List<Integer> path,
    Type type,
    Schema schema,
    boolean nullable,
    int since,
    List<Rule> rules,
    Optional<String> unit,
    Optional<Privacy> privacy,
    Optional<String> references,
    List<String> examples,
    String doc) {

  /** Types a field can have, with the Java type of its value. */
  public enum Type {
    /** {@link Boolean}. */
    BOOLEAN,
    /** {@link Integer}. */
    INT,
    /** {@link Long}. */
    LONG,
    /** {@link Double}. */
    DOUBLE,
    /** {@link java.math.BigDecimal} with the scale of the schema. */
    DECIMAL,
    /** {@link String}. */
    STRING,
    /** {@link java.nio.ByteBuffer}. */
    BYTES,
    /** {@link java.time.LocalDate}. */
    DATE,
    /** {@link java.time.Instant}, in milliseconds. */
    TIMESTAMP
  }

  /** How a private value is kept private. */
  public enum Privacy {
    /** Each word becomes its first character and three stars. */
    MASK,
    /** A keyed, stable token of 32 hexadecimal digits: equal values have equal tokens. */
    TOKENIZE,
    /** Deterministic authenticated encryption, in Base64: whoever has the key can read it. */
    ENCRYPT,
    /** The value is left out; the field must be nullable. */
    DROP
  }

  /** Index of the field in its record; only for a field that stands in the record itself. */
  public int index() {
    if (path.size() != 1) {
      throw new IllegalStateException("field " + name + " stands in a nested record: " + path);
    }
    return path.get(0);
  }

  /** The field's value in a record, following nested records; null where one of them is null. */
  public @Nullable Object valueIn(IndexedRecord record) {
    if (path.size() == 1) {
      return record.get(path.get(0));
    }
    Object value = record;
    for (int index : path) {
      if (value == null) {
        return null;
      }
      value = ((IndexedRecord) value).get(index);
    }
    return value;
  }
}

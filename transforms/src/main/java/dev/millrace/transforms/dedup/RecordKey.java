package dev.millrace.transforms.dedup;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.jspecify.annotations.Nullable;

/**
 * The identity of a record, as its contract declares it, in one text.
 *
 * <ul>
 *   <li>A key of one field: the text of its value.
 *   <li>A key of several fields: the hash of their values.
 *   <li>Where a field of the key is null: the hash of the values of {@code keyElse}.
 * </ul>
 *
 * <p>The hash is the first 16 bytes of SHA-256, as 32 hexadecimal digits, over the fields' texts in
 * UTF-8, written as a line of PostgreSQL's COPY text format: a tab between fields, {@code \N} for
 * null, a backslash before backslash, tab, newline and carriage return ({@code \t}, {@code \n},
 * {@code \r}). Decimals are plain and without trailing zeros ({@code 1.5000} is {@code 1.5}), so
 * that a change of scale keeps the identity; dates and timestamps are ISO-8601; bytes are
 * hexadecimal. So other programs can compute the same key.
 *
 * <p>Example: {@code RecordKey.of(Sale.class).apply(sale)}.
 *
 * @param <T> type of the record
 */
public final class RecordKey<T extends IndexedRecord> implements SerializableFunction<T, String> {

  private final Contract contract;

  private RecordKey(Contract contract) {
    this.contract = contract;
  }

  /** The key of the records of a class. */
  public static <T extends SpecificRecord> RecordKey<T> of(Class<T> type) {
    return of(Contract.of(type));
  }

  /**
   * The key of the records of a contract. An {@link IllegalArgumentException} if the contract
   * declares none, or one that can be null without a {@code keyElse}.
   */
  public static <T extends IndexedRecord> RecordKey<T> of(Contract contract) {
    if (contract.key().isEmpty()) {
      throw new IllegalArgumentException("contract " + contract.name() + " declares no key");
    }
    if (contract.keyElse().isEmpty() && contract.key().stream().anyMatch(FieldContract::nullable)) {
      throw new IllegalArgumentException(
          "contract "
              + contract.name()
              + ": its key can be null; declare keyElse, the fields that identify a record then");
    }
    return new RecordKey<>(contract);
  }

  /** The contract the key comes from. */
  public Contract contract() {
    return contract;
  }

  @Override
  public String apply(T record) {
    List<FieldContract> fields = contract.key();
    for (FieldContract field : fields) {
      Object value = field.valueIn(record);
      if (value == null) {
        return hash(line(contract.keyElse(), record));
      }
      if (fields.size() == 1) {
        return text(value);
      }
    }
    return hash(line(fields, record));
  }

  /** The values of some fields as such a line: of other values another one. */
  public static String line(Collection<FieldContract> fields, IndexedRecord record) {
    StringBuilder line = new StringBuilder(96);
    String separator = "";
    for (FieldContract field : fields) {
      line.append(separator);
      separator = "\t";
      Object value = field.valueIn(record);
      if (value instanceof String text) {
        escape(text, line);
      } else {
        line.append(value == null ? "\\N" : text(value));
      }
    }
    return line.toString();
  }

  private static String text(Object value) {
    if (value instanceof BigDecimal decimal) {
      return decimal.stripTrailingZeros().toPlainString();
    }
    if (value instanceof ByteBuffer bytes) {
      byte[] copy = new byte[bytes.remaining()];
      bytes.duplicate().get(copy);
      return HexFormat.of().formatHex(copy);
    }
    return value.toString();
  }

  private static void escape(String text, StringBuilder line) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '\\' -> line.append("\\\\");
        case '\t' -> line.append("\\t");
        case '\n' -> line.append("\\n");
        case '\r' -> line.append("\\r");
        default -> line.append(c);
      }
    }
  }

  private static String hash(String line) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(line.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 16);
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException("every Java platform has SHA-256", missing);
    }
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof RecordKey<?> that && contract.equals(that.contract);
  }

  @Override
  public int hashCode() {
    return contract.hashCode();
  }

  @Override
  public String toString() {
    return "key of " + contract;
  }
}

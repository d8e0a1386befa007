package dev.millrace.transforms.refine;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.contract.Rule;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.avro.LogicalTypes;
import org.apache.avro.specific.SpecificRecord;
import org.jspecify.annotations.Nullable;

/**
 * Reads the JSON that programs write, straight from its bytes: one object of single values, texts
 * without escapes, numbers of at most 18 characters and no exponent.
 *
 * <p>It never says what is wrong with a record. What it does not read, be it faulty or only
 * unusual, is for {@link ContractReader}'s parser to judge; what it does read, that parser would
 * have read as the same record. See ADR 0015. One reader per thread.
 *
 * @param <T> record class
 */
final class PlainJson<T extends SpecificRecord> {

  /** In the order of memory, so that the lowest bit that is set is of the first byte. */
  private static final VarHandle EIGHT_BYTES =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private static final long ONES = 0x0101010101010101L;
  private static final long HIGH_BITS = 0x8080808080808080L;
  private static final long QUOTES = ONES * '"';
  private static final long BACKSLASHES = ONES * '\\';
  private static final long SPACES = ONES * ' ';

  /** So many digits fit a long, and their sum cannot overflow. */
  private static final int LONGEST_NUMBER = 18;

  /** Up to this whole numbers, and up to this power of ten, doubles are exact. */
  private static final long EXACT = 1L << 53;

  private static final double[] POWERS_OF_TEN = {
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17
  };

  private static final byte[] NULL = "null".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] TRUE = "true".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] FALSE = "false".getBytes(StandardCharsets.US_ASCII);

  /** What stands where something else was expected. */
  private static final int NOT_PLAIN = -1;

  private final Supplier<T> newRecord;
  private final int maxFields;
  private final int maxText;
  private final int maxNumber;
  private final boolean usable;
  private final FieldContract.Type[] types;
  private final byte[][] names;
  private final int[] since;
  private final int[] scales;
  private final long[] bounds;
  private final IsoInstant[] instants;
  private final int[] unmade;
  private final long nullable;
  private final long required;

  private int version;
  private boolean beyondAscii;
  private long unscaled;
  private int decimals;

  /**
   * A reader for the records of a contract.
   *
   * @param unread names of fields that nobody looks at: texts that keep the contract by their
   *     length alone are not made
   */
  PlainJson(Contract contract, Supplier<T> newRecord, Limits limits, Set<String> unread) {
    this.newRecord = newRecord;
    this.maxFields = limits.maxFields();
    this.maxText = limits.maxStringLength();
    this.maxNumber = Math.min(LONGEST_NUMBER, limits.maxNumberLength());
    List<FieldContract> fields = List.copyOf(contract.fields());
    this.usable = fields.size() <= Long.SIZE;
    this.types = fields.stream().map(FieldContract::type).toArray(FieldContract.Type[]::new);
    this.names =
        fields.stream()
            .map(field -> ('"' + field.name() + '"').getBytes(StandardCharsets.UTF_8))
            .toArray(byte[][]::new);
    this.since = fields.stream().mapToInt(FieldContract::since).toArray();
    this.scales = new int[fields.size()];
    this.bounds = new long[fields.size()];
    this.instants = fields.stream().map(field -> new IsoInstant()).toArray(IsoInstant[]::new);
    this.unmade =
        fields.stream()
            .mapToInt(field -> unread.contains(field.name()) ? bytesThatFit(field) : -1)
            .toArray();
    long mayBeNull = 0;
    for (int i = 0; i < fields.size(); i++) {
      if (fields.get(i).nullable()) {
        mayBeNull |= 1L << i;
      }
      if (fields.get(i).schema().getLogicalType() instanceof LogicalTypes.Decimal decimal) {
        scales[i] = decimal.getScale();
        bounds[i] = powerOfTen(Math.min(LONGEST_NUMBER, decimal.getPrecision()));
      }
    }
    this.nullable = mayBeNull;
    this.required = ~mayBeNull & (fields.size() == Long.SIZE ? -1 : (1L << fields.size()) - 1);
  }

  /** Bytes up to which a text keeps all rules of its field; -1 if that takes the text itself. */
  private static int bytesThatFit(FieldContract field) {
    int fit = field.type() == FieldContract.Type.STRING ? Integer.MAX_VALUE : -1;
    for (Rule rule : field.rules()) {
      // A character takes a byte at least.
      fit = rule instanceof Rule.MaxLength longest ? Math.min(fit, longest.characters()) : -1;
    }
    return fit;
  }

  /** Version of the contract the record read last came in. */
  int version() {
    return version;
  }

  /** The record in the bytes; null if they are not plain, or not a record of the contract. */
  @Nullable T read(byte[] bytes) {
    int at = usable ? space(bytes, 0) : bytes.length;
    if (at == bytes.length || bytes[at] != '{') {
      return null;
    }
    T record = newRecord.get();
    version = 1;
    beyondAscii = false;
    long seen = 0;
    int count = 0;
    int expected = 0;
    boolean more = true;
    at = space(bytes, at + 1);
    while (more) {
      int field = fieldAt(bytes, at, expected);
      at = field < 0 ? text(bytes, at) : at + names[field].length;
      at = at < 0 ? at : space(bytes, at);
      if (at < 0 || at == bytes.length || bytes[at] != ':' || ++count > maxFields) {
        return null;
      }
      at = space(bytes, at + 1);
      if (at == bytes.length) {
        return null;
      }
      if (field < 0) {
        at = skip(bytes, at);
      } else {
        long bit = 1L << field;
        if ((seen & bit) != 0) {
          return null;
        }
        seen |= bit;
        expected = field + 1;
        version = Math.max(version, since[field]);
        at =
            bytes[at] != 'n'
                ? value(bytes, at, field, record)
                : (nullable & bit) != 0 ? word(bytes, at, NULL) : NOT_PLAIN;
      }
      at = at < 0 ? at : space(bytes, at);
      if (at < 0 || at == bytes.length || (bytes[at] != ',' && bytes[at] != '}')) {
        return null;
      }
      more = bytes[at] == ',';
      at = space(bytes, at + 1);
    }
    boolean whole = at == bytes.length && (required & ~seen) == 0;
    return whole && (!beyondAscii || isUtf8(bytes)) ? record : null;
  }

  /** The field whose name, in quotes, stands there; the one expected is looked for first. */
  private int fieldAt(byte[] bytes, int at, int expected) {
    for (int i = expected; i < names.length; i++) {
      if (stands(names[i], bytes, at)) {
        return i;
      }
    }
    for (int i = 0; i < expected; i++) {
      if (stands(names[i], bytes, at)) {
        return i;
      }
    }
    return -1;
  }

  private static boolean stands(byte[] word, byte[] bytes, int at) {
    int end = at + word.length;
    return end <= bytes.length
        && bytes[end - 1] == word[word.length - 1]
        && Arrays.equals(bytes, at, end, word, 0, word.length);
  }

  /** Reads a value that is not null into its field. Each of these gives where the value ends. */
  private int value(byte[] bytes, int at, int field, T record) {
    return switch (types[field]) {
      case STRING, DATE, TIMESTAMP, BYTES ->
          bytes[at] == '"'
              ? textValue(bytes, at, field, record)
              : types[field] == FieldContract.Type.TIMESTAMP
                  ? numberValue(bytes, at, field, record)
                  : NOT_PLAIN;
      case INT, LONG, DOUBLE, DECIMAL -> numberValue(bytes, at, field, record);
      case BOOLEAN -> {
        boolean is = bytes[at] == 't';
        record.put(field, is);
        yield word(bytes, at, is ? TRUE : FALSE);
      }
    };
  }

  private int textValue(byte[] bytes, int at, int field, T record) {
    int end = text(bytes, at);
    if (end < 0) {
      return end;
    }
    int from = at + 1;
    int length = end - 1 - from;
    if (length <= unmade[field]) {
      return end;
    }
    Object value;
    try {
      value =
          switch (types[field]) {
            case DATE -> IsoInstant.date(bytes, from, length);
            case TIMESTAMP -> instants[field].read(bytes, from, length);
            case BYTES ->
                ByteBuffer.wrap(
                    Base64.getDecoder().decode(Arrays.copyOfRange(bytes, from, from + length)));
            default ->
                new String(
                    bytes,
                    from,
                    length,
                    // Of ASCII the same, and made by copying.
                    beyondAscii ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1);
          };
    } catch (DateTimeException | IllegalArgumentException notOfTheForm) {
      return NOT_PLAIN;
    }
    record.put(field, value);
    return end;
  }

  private int numberValue(byte[] bytes, int at, int field, T record) {
    int end = number(bytes, at);
    if (end < 0) {
      return end;
    }
    boolean negative = bytes[at] == '-';
    long number = negative ? -unscaled : unscaled;
    Object value =
        switch (types[field]) {
          case INT -> decimals == 0 && number == (int) number ? (Object) (int) number : null;
          case LONG -> decimals == 0 ? (Object) number : null;
          case TIMESTAMP ->
              decimals == 0 && IsoInstant.isHeld(number) ? Instant.ofEpochMilli(number) : null;
          case DOUBLE ->
              // One division of two exact numbers is rounded as the text would be. Whether a zero
              // keeps its sign depends on how it is written.
              unscaled < EXACT && (unscaled != 0 || !negative)
                  ? (Object) (number / POWERS_OF_TEN[decimals])
                  : null;
          default -> decimal(number, field, end - at);
        };
    if (value == null) {
      return NOT_PLAIN;
    }
    record.put(field, value);
    return end;
  }

  /** The decimal with exactly the scale of its field, or null if that takes arithmetic. */
  private @Nullable BigDecimal decimal(long number, int field, int length) {
    int missing = scales[field] - decimals;
    if (missing < 0 || length + missing > LONGEST_NUMBER) {
      return null;
    }
    long scaled = number * powerOfTen(missing);
    return Math.abs(scaled) < bounds[field] ? BigDecimal.valueOf(scaled, scales[field]) : null;
  }

  private static long powerOfTen(int exponent) {
    long power = 1;
    for (int i = 0; i < exponent; i++) {
      power *= 10;
    }
    return power;
  }

  /** Skips a single value that is in no field of the contract. */
  private int skip(byte[] bytes, int at) {
    return switch (bytes[at]) {
      case '"' -> text(bytes, at);
      case 'n' -> word(bytes, at, NULL);
      case 't' -> word(bytes, at, TRUE);
      case 'f' -> word(bytes, at, FALSE);
      default -> number(bytes, at);
    };
  }

  private static int word(byte[] bytes, int at, byte[] word) {
    return stands(word, bytes, at) ? at + word.length : NOT_PLAIN;
  }

  /** Reads a number into {@link #unscaled}, without its sign, and {@link #decimals}. */
  private int number(byte[] bytes, int at) {
    int from = bytes[at] == '-' ? at + 1 : at;
    long sum = 0;
    int end = from;
    for (; end < bytes.length && isDigit(bytes[end]); end++) {
      sum = sum * 10 + (bytes[end] - '0');
    }
    if (end == from || (bytes[from] == '0' && end > from + 1)) {
      return NOT_PLAIN;
    }
    decimals = 0;
    if (end < bytes.length && bytes[end] == '.') {
      int point = end++;
      for (; end < bytes.length && isDigit(bytes[end]); end++) {
        sum = sum * 10 + (bytes[end] - '0');
      }
      decimals = end - point - 1;
      if (decimals == 0) {
        return NOT_PLAIN;
      }
    }
    unscaled = sum;
    return end - at <= maxNumber ? end : NOT_PLAIN;
  }

  private static boolean isDigit(byte c) {
    return c >= '0' && c <= '9';
  }

  /** The end of a text in quotes without escapes and control characters. */
  private int text(byte[] bytes, int at) {
    if (at >= bytes.length || bytes[at] != '"') {
      return NOT_PLAIN;
    }
    int from = at + 1;
    int next = from;
    for (; next + Long.BYTES <= bytes.length; next += Long.BYTES) {
      long eight = (long) EIGHT_BYTES.get(bytes, next);
      // Each sets the high bit of the first byte that is zero, or less than a space; of bytes after
      // it perhaps others.
      long quotes = eight ^ QUOTES;
      long backslashes = eight ^ BACKSLASHES;
      long ends =
          ((quotes - ONES & ~quotes)
                  | (backslashes - ONES & ~backslashes)
                  | (eight - SPACES & ~eight))
              & HIGH_BITS;
      if (ends != 0) {
        next += Long.numberOfTrailingZeros(ends) >>> 3;
        beyondAscii |= (eight & HIGH_BITS & (Long.lowestOneBit(ends) - 1)) != 0;
        return closed(bytes, from, next);
      }
      beyondAscii |= (eight & HIGH_BITS) != 0;
    }
    while (next < bytes.length && bytes[next] != '"' && bytes[next] != '\\') {
      if (bytes[next] < ' ') {
        if (bytes[next] >= 0) {
          return NOT_PLAIN;
        }
        beyondAscii = true;
      }
      next++;
    }
    return closed(bytes, from, next);
  }

  private int closed(byte[] bytes, int from, int end) {
    return end < bytes.length && bytes[end] == '"' && end - from <= maxText ? end + 1 : NOT_PLAIN;
  }

  /** The first place from there that is no white space. */
  private static int space(byte[] bytes, int at) {
    while (at < bytes.length
        && bytes[at] <= ' '
        && (bytes[at] == ' ' || bytes[at] == '\n' || bytes[at] == '\r' || bytes[at] == '\t')) {
      at++;
    }
    return at;
  }

  static boolean isUtf8(byte[] bytes) {
    if (isAscii(bytes)) {
      return true;
    }
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
      return true;
    } catch (CharacterCodingException invalid) {
      return false;
    }
  }

  private static boolean isAscii(byte[] bytes) {
    int next = 0;
    long seen = 0;
    for (; next + Long.BYTES <= bytes.length; next += Long.BYTES) {
      seen |= (long) EIGHT_BYTES.get(bytes, next);
    }
    for (; next < bytes.length; next++) {
      seen |= bytes[next];
    }
    return (seen & HIGH_BITS) == 0;
  }
}

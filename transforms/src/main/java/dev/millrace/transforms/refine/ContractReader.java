package dev.millrace.transforms.refine;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.InputCoercionException;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.contract.Reason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Base64;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.apache.avro.LogicalTypes;
import org.apache.avro.specific.SpecificRecord;
import org.jspecify.annotations.Nullable;

/**
 * Reads one JSON object into a generated record, straight from the parser's tokens, as the contract
 * says. Fields the contract does not know are skipped: a newer producer may send them.
 *
 * <p>After {@link #read} either {@link #problem()} is set or the returned record is whole; the
 * version of the contract the record came in is the highest {@code since} of the fields it carries.
 * One reader per thread.
 *
 * @param <T> record class
 */
public final class ContractReader<T extends SpecificRecord> {

  /** Ends of a text that may be cut off: within a word, within a number, after a comma. */
  private static final Pattern BEGUN =
      Pattern.compile(
          "(?s).*(?:(?:^|[\\s:,\\[])"
              + "(?:tr?u?|fa?l?s?|nu?l?|-|-?\\d+\\.|-?\\d+(?:\\.\\d+)?[eE][+-]?)"
              + "|[^\\s,:\\[{]\\s*,\\s*)");

  private static final int LONGEST_BEGUN = 128;

  private final Supplier<T> newRecord;
  private final Limits limits;
  private final JsonFactory json;
  private final PlainJson<T> plainJson;
  private final IsoInstant instants = new IsoInstant();
  private final FieldContract[] fields;
  private final int[] scales;
  private final int[] precisions;
  private final Map<String, Integer> byName = new HashMap<>();

  private @Nullable Problem problem;
  private int version;
  private int fieldCount;
  private boolean complete;

  /** A reader for the records of a contract. */
  public ContractReader(Contract contract, Supplier<T> newRecord, Limits limits) {
    this(contract, newRecord, limits, Set.of());
  }

  /**
   * As above; nobody looks at some fields of what is read.
   *
   * @param unread their names: they are checked, and where they are texts the record may lack them
   */
  ContractReader(Contract contract, Supplier<T> newRecord, Limits limits, Set<String> unread) {
    this.newRecord = newRecord;
    this.limits = limits;
    this.json =
        JsonFactory.builder()
            // The names of unknown fields are the producer's: they must neither fill the memory nor
            // make the fate of a record depend on the names in records before it.
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .disable(JsonFactory.Feature.FAIL_ON_SYMBOL_HASH_OVERFLOW)
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(limits.maxDepth())
                    .maxStringLength(limits.maxStringLength())
                    .maxNumberLength(limits.maxNumberLength())
                    .maxNameLength(limits.maxStringLength())
                    .build())
            .build();
    this.fields = contract.fields().toArray(FieldContract[]::new);
    this.scales = new int[fields.length];
    this.precisions = new int[fields.length];
    for (int i = 0; i < fields.length; i++) {
      if (fields[i].index() != i) {
        throw new IllegalArgumentException(
            "contract " + contract.name() + " nests; JSON is read flat");
      }
      byName.put(fields[i].name(), i);
      if (fields[i].schema().getLogicalType() instanceof LogicalTypes.Decimal decimal) {
        scales[i] = decimal.getScale();
        precisions[i] = decimal.getPrecision();
      }
    }
    this.plainJson = new PlainJson<>(contract, newRecord, limits, unread);
  }

  /** What was wrong with the record read last; null if nothing was. */
  public @Nullable Problem problem() {
    return problem;
  }

  /** Version of the contract the record read last came in; 0 if it could not be told. */
  public int version() {
    return version;
  }

  /** The record in the bytes, or null and a {@link #problem()}. */
  public @Nullable T read(byte[] payload) {
    problem = null;
    version = 0;
    if (payload.length > limits.maxBytes()) {
      return refuse(Reason.TOO_LARGE, null, "more than " + limits.maxBytes() + " bytes");
    }
    T plain = plainJson.read(payload);
    if (plain != null) {
      version = plainJson.version();
      return plain;
    }
    return readAnyJson(payload);
  }

  /** Reads whatever there may be, by a parser that says what is wrong. */
  @Nullable T readAnyJson(byte[] payload) {
    problem = null;
    version = 0;
    fieldCount = 0;
    complete = false;
    if (!PlainJson.isUtf8(payload)) {
      return refuse(Reason.INVALID_ENCODING, null, "bytes that are not UTF-8");
    }
    for (int i = 0; i < Math.min(4, payload.length); i++) {
      if (payload[i] == 0) {
        // The parser would guess UTF-16 or UTF-32.
        return refuse(Reason.MALFORMED, null, "no JSON at byte " + i);
      }
    }
    JsonParser parser = null;
    try {
      parser = json.createParser(payload);
      return readObject(parser);
    } catch (StreamConstraintsException beyond) {
      return refuse(limitOf(beyond), null, "at byte " + offset(parser));
    } catch (JsonEOFException ended) {
      return refuse(Reason.TRUNCATED, null, "ends at byte " + payload.length + ", inside a value");
    } catch (JsonParseException malformed) {
      long at = offset(parser);
      return at >= payload.length && !complete && endsBegun(payload)
          ? refuse(Reason.TRUNCATED, null, "ends at byte " + payload.length + ", inside a value")
          : refuse(Reason.MALFORMED, null, "no JSON at byte " + at);
    } catch (IOException impossible) {
      throw new UncheckedIOException("an array of bytes cannot fail to be read", impossible);
    }
  }

  private @Nullable T readObject(JsonParser parser) throws IOException {
    JsonToken first = parser.nextToken();
    if (first == null) {
      return refuse(Reason.TRUNCATED, null, "no bytes but white space");
    }
    if (first != JsonToken.START_OBJECT) {
      // Only well-formed JSON earns the milder name.
      parser.skipChildren();
      if (parser.nextToken() != null) {
        return refuse(Reason.MALFORMED, null, "no JSON object");
      }
      return refuse(Reason.NOT_AN_OBJECT, null, "the text is " + nameOf(first));
    }
    T record = newRecord.get();
    BitSet seen = new BitSet(fields.length);
    int since = 1;
    Problem found = null;
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      int i = byName.getOrDefault(parser.currentName(), -1);
      JsonToken token = parser.nextToken();
      if (++fieldCount > limits.maxFields()) {
        return refuse(Reason.TOO_MANY_FIELDS, null, "more than " + limits.maxFields() + " fields");
      }
      measure(parser, token);
      if (i < 0) {
        if (!skip(parser, token)) {
          return refuse(
              Reason.TOO_MANY_FIELDS, null, "more than " + limits.maxFields() + " fields");
        }
        continue;
      }
      boolean twice = seen.get(i);
      seen.set(i);
      // The rest is still read: text that is no JSON at all is the graver fault, and limits hold to
      // the end.
      if (twice && found == null) {
        found = problem(Reason.DUPLICATE_FIELD, i, "stands twice", parser);
      }
      since = Math.max(since, fields[i].since());
      if (found == null) {
        if (token != JsonToken.VALUE_NULL) {
          found = readValue(parser, token, i, record);
        } else if (!fields[i].nullable()) {
          found = problem(Reason.MISSING_FIELD, i, "is null, but required", parser);
        }
      }
      if (!skip(parser, token)) {
        return refuse(Reason.TOO_MANY_FIELDS, null, "more than " + limits.maxFields() + " fields");
      }
    }
    complete = true;
    if (parser.nextToken() != null) {
      return refuse(
          Reason.MALFORMED, null, "more text after the object, at byte " + offset(parser));
    }
    version = since;
    if (found != null) {
      problem = found;
      return null;
    }
    for (int i = 0; i < fields.length; i++) {
      if (!seen.get(i) && !fields[i].nullable()) {
        return refuse(
            Reason.MISSING_FIELD, fields[i].name(), fields[i].name() + " is absent, but required");
      }
    }
    return record;
  }

  private @Nullable Problem readValue(JsonParser parser, JsonToken token, int i, T record)
      throws IOException {
    FieldContract.Type type = fields[i].type();
    boolean whole = token == JsonToken.VALUE_NUMBER_INT;
    boolean text = token == JsonToken.VALUE_STRING;
    boolean fits =
        switch (type) {
          case INT, LONG -> whole;
          case DOUBLE, DECIMAL -> token.isNumeric();
          case BOOLEAN -> token.isBoolean();
          case STRING, BYTES -> text;
          case DATE, TIMESTAMP -> text || whole;
        };
    if (!fits) {
      return problem(
          Reason.TYPE_MISMATCH, i, "is " + nameOf(token) + ", not " + nameOf(type), parser);
    }
    Object value;
    try {
      value =
          switch (type) {
            case INT -> parser.getIntValue();
            case LONG -> parser.getLongValue();
            case DOUBLE -> finite(parser.getDoubleValue());
            case BOOLEAN -> parser.getBooleanValue();
            case STRING -> storable(parser.getText());
            case DECIMAL -> decimal(parser, i);
            case DATE -> date(parser, text);
            case TIMESTAMP -> text ? instant(parser.getText()) : instant(parser.getLongValue());
            case BYTES -> ByteBuffer.wrap(Base64.getDecoder().decode(parser.getText()));
          };
    } catch (InputCoercionException overflow) {
      value = null;
    } catch (DateTimeException | IllegalArgumentException notOfTheForm) {
      return problem(Reason.TYPE_MISMATCH, i, "is text that is not " + nameOf(type), parser);
    }
    if (value == null) {
      return type == FieldContract.Type.STRING
          ? problem(Reason.TYPE_MISMATCH, i, "has U+0000 or half of a surrogate pair in it", parser)
          : problem(Reason.NUMBER_OUT_OF_RANGE, i, "does not fit " + rangeOf(i), parser);
    }
    record.put(i, value);
    return null;
  }

  private static @Nullable Double finite(double value) {
    return Double.isFinite(value) ? value : null;
  }

  private static @Nullable LocalDate date(JsonParser parser, boolean text) throws IOException {
    if (!text) {
      LocalDate date = LocalDate.ofEpochDay(parser.getIntValue());
      return isHeld(date) ? date : null;
    }
    LocalDate date = LocalDate.parse(parser.getText());
    if (!isHeld(date)) {
      throw new DateTimeException("beyond years 1 to 9999");
    }
    return date;
  }

  private static boolean isHeld(LocalDate date) {
    return date.getYear() >= 1 && date.getYear() <= 9999;
  }

  private Instant instant(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return instants.read(utf8, 0, utf8.length);
  }

  private static @Nullable Instant instant(long millis) {
    return IsoInstant.isHeld(millis) ? Instant.ofEpochMilli(millis) : null;
  }

  /** The text, or null if it holds what UTF-8 or a table cannot. */
  private static @Nullable String storable(String text) {
    for (int at = 0; at < text.length(); at++) {
      char c = text.charAt(at);
      if (c == 0) {
        return null;
      }
      if (Character.isSurrogate(c)) {
        if (Character.isLowSurrogate(c)
            || at + 1 == text.length()
            || !Character.isLowSurrogate(text.charAt(at + 1))) {
          return null;
        }
        at++;
      }
    }
    return text;
  }

  /** The decimal with exactly the scale of its field, or null if it does not fit. */
  private @Nullable BigDecimal decimal(JsonParser parser, int i) throws IOException {
    int scale = scales[i];
    BigDecimal value;
    try {
      value =
          new BigDecimal(
              parser.getTextCharacters(), parser.getTextOffset(), parser.getTextLength());
    } catch (NumberFormatException exponentOverflows) {
      return null;
    }
    if (value.signum() == 0) {
      return BigDecimal.valueOf(0, scale);
    }
    // Checked before any change of scale: 1e999999 must not become a million digits.
    long integerDigits = (long) value.precision() - value.scale();
    if (integerDigits > precisions[i] - scale || (long) value.scale() - scale > value.precision()) {
      return null;
    }
    try {
      return value.setScale(scale);
    } catch (ArithmeticException inexact) {
      return null;
    }
  }

  /** Skips what a token opened; false when there are too many fields in it. */
  private boolean skip(JsonParser parser, JsonToken token) throws IOException {
    if (!token.isStructStart() || !parser.currentToken().isStructStart()) {
      return true;
    }
    for (int depth = 1; depth > 0; ) {
      JsonToken next = parser.nextToken();
      if (next == null) {
        throw new JsonEOFException(parser, null, "ended inside a value");
      }
      if (next.isStructStart()) {
        depth++;
      } else if (next.isStructEnd()) {
        depth--;
      } else if (next == JsonToken.VALUE_STRING) {
        measure(parser, next);
      } else if (next == JsonToken.FIELD_NAME && ++fieldCount > limits.maxFields()) {
        return false;
      }
    }
    return true;
  }

  /** The parser skips a string nobody asks for without measuring it. */
  private void measure(JsonParser parser, JsonToken token) throws IOException {
    if (token == JsonToken.VALUE_STRING && parser.getTextLength() > limits.maxStringLength()) {
      throw new StreamConstraintsException("String value length");
    }
  }

  private Problem problem(Reason reason, int i, String what, JsonParser parser) {
    String name = fields[i].name();
    long at = Math.max(0, parser.currentTokenLocation().getByteOffset());
    return new Problem(reason, name, name + " " + what + ", at byte " + at);
  }

  private @Nullable T refuse(Reason reason, @Nullable String field, String detail) {
    problem = new Problem(reason, field, detail);
    return null;
  }

  private static Reason limitOf(StreamConstraintsException beyond) {
    String words = String.valueOf(beyond.getMessage());
    if (words.contains("depth")) {
      return Reason.TOO_DEEP;
    }
    return words.contains("Number") ? Reason.NUMBER_TOO_LONG : Reason.STRING_TOO_LONG;
  }

  private static long offset(@Nullable JsonParser parser) {
    return parser == null ? 0 : Math.max(0, parser.currentLocation().getByteOffset());
  }

  /**
   * Whether the text ends in what more bytes might make well-formed, of those ends that the parser
   * reports as malformed; others it reports as ends.
   */
  private static boolean endsBegun(byte[] payload) {
    int length = Math.min(payload.length, LONGEST_BEGUN);
    String end = new String(payload, payload.length - length, length, StandardCharsets.ISO_8859_1);
    return BEGUN.matcher(end).matches();
  }

  private static String nameOf(JsonToken token) {
    return switch (token) {
      case START_OBJECT -> "an object";
      case START_ARRAY -> "an array";
      case VALUE_STRING -> "text";
      case VALUE_NUMBER_INT -> "a whole number";
      case VALUE_NUMBER_FLOAT -> "a number with decimals";
      case VALUE_TRUE, VALUE_FALSE -> "true or false";
      case VALUE_NULL -> "null";
      default -> "no value";
    };
  }

  private String rangeOf(int i) {
    return switch (fields[i].type()) {
      case DECIMAL -> precisions[i] + " digits, " + scales[i] + " of them decimals";
      case DATE, TIMESTAMP -> "the years 1 to 9999";
      default -> nameOf(fields[i].type());
    };
  }

  private static String nameOf(FieldContract.Type type) {
    return switch (type) {
      case INT -> "a whole number of 32 bits";
      case LONG -> "a whole number of 64 bits";
      case DOUBLE, DECIMAL -> "a number";
      case BOOLEAN -> "true or false";
      case STRING -> "text";
      case BYTES -> "bytes in Base64";
      case DATE -> "a date such as 1997-01-31";
      case TIMESTAMP -> "an instant such as 1997-01-31T12:00:00.000Z";
    };
  }
}

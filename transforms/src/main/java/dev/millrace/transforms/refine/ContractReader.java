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
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
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

  private final Supplier<T> newRecord;
  private final Limits limits;
  private final JsonFactory json;
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
    this.newRecord = newRecord;
    this.limits = limits;
    this.json =
        JsonFactory.builder()
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
    fieldCount = 0;
    complete = false;
    if (payload.length > limits.maxBytes()) {
      return refuse(Reason.TOO_LARGE, null, "more than " + limits.maxBytes() + " bytes");
    }
    if (!isUtf8(payload)) {
      return refuse(Reason.INVALID_ENCODING, null, "bytes that are not UTF-8");
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
      return at >= payload.length && !complete && !endsInCloser(payload)
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
    long seenLow = 0;
    boolean[] seenHigh = fields.length > 64 ? new boolean[fields.length] : null;
    int since = 1;
    Problem found = null;
    for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
      JsonToken token = parser.nextToken();
      if (++fieldCount > limits.maxFields()) {
        return refuse(Reason.TOO_MANY_FIELDS, null, "more than " + limits.maxFields() + " fields");
      }
      Integer index = byName.get(name);
      if (index == null) {
        measure(parser, token);
        if (!skip(parser, token)) {
          return refuse(
              Reason.TOO_MANY_FIELDS, null, "more than " + limits.maxFields() + " fields");
        }
        continue;
      }
      int i = index;
      boolean twice = seenHigh == null ? (seenLow & (1L << i)) != 0 : seenHigh[i];
      if (seenHigh == null) {
        seenLow |= 1L << i;
      } else {
        seenHigh[i] = true;
      }
      // The rest is still read: text that is no JSON at all is the graver fault, and limits hold to
      // the end.
      if (twice && found == null) {
        found = new Problem(Reason.DUPLICATE_FIELD, name, name + " stands twice");
      }
      since = Math.max(since, fields[i].since());
      if (found == null) {
        if (token != JsonToken.VALUE_NULL) {
          found = readValue(parser, token, i, record);
        } else if (!fields[i].nullable()) {
          found = new Problem(Reason.MISSING_FIELD, name, name + " is null, but required");
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
      boolean seen = seenHigh == null ? (seenLow & (1L << i)) != 0 : seenHigh[i];
      if (!seen && !fields[i].nullable()) {
        return refuse(
            Reason.MISSING_FIELD, fields[i].name(), fields[i].name() + " is absent, but required");
      }
    }
    return record;
  }

  private @Nullable Problem readValue(JsonParser parser, JsonToken token, int i, T record)
      throws IOException {
    FieldContract field = fields[i];
    try {
      Object value =
          switch (field.type()) {
            case INT -> token == JsonToken.VALUE_NUMBER_INT ? parser.getIntValue() : null;
            case LONG -> token == JsonToken.VALUE_NUMBER_INT ? parser.getLongValue() : null;
            case DOUBLE -> token.isNumeric() ? parser.getDoubleValue() : null;
            case BOOLEAN -> token.isBoolean() ? parser.getBooleanValue() : null;
            case STRING -> token == JsonToken.VALUE_STRING ? parser.getText() : null;
            case DECIMAL -> token.isNumeric() ? decimal(parser, i) : null;
            case DATE ->
                token == JsonToken.VALUE_STRING
                    ? LocalDate.parse(parser.getText())
                    : token == JsonToken.VALUE_NUMBER_INT
                        ? LocalDate.ofEpochDay(parser.getIntValue())
                        : null;
            case TIMESTAMP ->
                token == JsonToken.VALUE_STRING
                    ? instant(parser.getText())
                    : token == JsonToken.VALUE_NUMBER_INT
                        ? Instant.ofEpochMilli(parser.getLongValue())
                        : null;
            case BYTES ->
                token == JsonToken.VALUE_STRING
                    ? ByteBuffer.wrap(Base64.getDecoder().decode(parser.getText()))
                    : null;
          };
      if (value == null) {
        return new Problem(
            field.type() == FieldContract.Type.DECIMAL && token.isNumeric()
                ? Reason.NUMBER_OUT_OF_RANGE
                : Reason.TYPE_MISMATCH,
            field.name(),
            field.type() == FieldContract.Type.DECIMAL && token.isNumeric()
                ? field.name()
                    + " does not fit "
                    + precisions[i]
                    + " digits, "
                    + scales[i]
                    + " of them decimals"
                : field.name() + " is " + nameOf(token) + ", not " + nameOf(field.type()));
      }
      record.put(i, value);
      return null;
    } catch (InputCoercionException overflow) {
      return new Problem(
          Reason.NUMBER_OUT_OF_RANGE,
          field.name(),
          field.name() + " overflows " + nameOf(field.type()));
    } catch (DateTimeException | IllegalArgumentException notOfTheForm) {
      return new Problem(
          Reason.TYPE_MISMATCH,
          field.name(),
          field.name() + " is text that is not " + nameOf(field.type()));
    }
  }

  /** The decimal with exactly the scale of its field, or null if it does not fit. */
  private @Nullable BigDecimal decimal(JsonParser parser, int i) throws IOException {
    int scale = scales[i];
    int length = parser.getTextLength();
    if (length <= 18) {
      // Short plain decimals, which is nearly all: one long, no BigDecimal arithmetic.
      char[] text = parser.getTextCharacters();
      int at = parser.getTextOffset();
      int end = at + length;
      boolean negative = text[at] == '-';
      if (negative) {
        at++;
      }
      long unscaled = 0;
      int decimals = -1;
      for (; at < end; at++) {
        char c = text[at];
        if (c == '.') {
          decimals = 0;
        } else if (c >= '0' && c <= '9') {
          unscaled = unscaled * 10 + (c - '0');
          if (decimals >= 0) {
            decimals++;
          }
        } else {
          decimals = Integer.MAX_VALUE;
          break;
        }
      }
      int missing = scale - Math.max(decimals, 0);
      if (decimals != Integer.MAX_VALUE && missing >= 0 && length + missing <= 18) {
        for (; missing > 0; missing--) {
          unscaled *= 10;
        }
        BigDecimal value = BigDecimal.valueOf(negative ? -unscaled : unscaled, scale);
        return value.precision() <= precisions[i] ? value : null;
      }
    }
    BigDecimal value = parser.getDecimalValue();
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

  private static Instant instant(String text) {
    Instant instant = OffsetDateTime.parse(text).toInstant();
    if (!instant.truncatedTo(ChronoUnit.MILLIS).equals(instant)) {
      throw new DateTimeException("finer than milliseconds");
    }
    return instant;
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

  /** A text that ends so is not cut off there: the parser reads on after a closing bracket. */
  private static boolean endsInCloser(byte[] payload) {
    byte last = payload[payload.length - 1];
    return last == '}' || last == ']';
  }

  private static boolean isUtf8(byte[] bytes) {
    for (byte b : bytes) {
      if (b < 0) {
        try {
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
          return true;
        } catch (CharacterCodingException invalid) {
          return false;
        }
      }
    }
    return true;
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

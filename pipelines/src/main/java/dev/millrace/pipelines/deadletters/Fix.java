package dev.millrace.pipelines.deadletters;

import com.dashjoin.jsonata.JException;
import com.dashjoin.jsonata.Jsonata;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.pipelines.UserError;
import dev.millrace.schemas.system.DeadLetter;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What is done to the payload of a dead letter before it is tried again: nothing, or an expression
 * of <a href="https://jsonata.org">JSONata</a>, whose result is the new record.
 *
 * <p>{@code $} is the record; of a field that stands twice the last. {@code $raw} is its text, for
 * records that are no JSON: then {@code $} is nothing, and {@code $eval(…)} makes a record of a
 * text. Bytes that are not UTF-8 are read as Latin-1. {@code $reason} and {@code $field} are those
 * of the dead letter. A number that the expression leaves alone keeps all its digits; what it
 * computes has the 15 to 17 digits of JSONata's numbers.
 *
 * <p>An expression may take a second for each record, and be nested or call itself {@value #DEPTH}
 * deep. A single regular expression is not interrupted.
 */
public final class Fix {

  private static final int MILLIS = 1_000;
  private static final int DEPTH = 200;

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(JsonGenerator.Feature.WRITE_BIGDECIMAL_AS_PLAIN)
          .build();

  private final @Nullable Jsonata expression;

  private Fix(@Nullable Jsonata expression) {
    this.expression = expression;
  }

  /** The record goes again as it is. */
  public static Fix none() {
    return new Fix(null);
  }

  /**
   * The record is what an expression says.
   *
   * @throws UserError if it cannot be understood
   */
  public static Fix of(String expression) {
    try {
      return new Fix(Jsonata.jsonata(expression));
    } catch (JException wrong) {
      throw new UserError(
          "--fix cannot be understood as JSONata: " + wrong.getMessage() + ".", wrong);
    }
  }

  /** A record that the expression does not mend. */
  public static final class NotFixed extends Exception {
    private NotFixed(String why, @Nullable Throwable cause) {
      super(why, cause);
    }
  }

  /**
   * The new payload.
   *
   * @throws NotFixed if the expression fails, or gives no object; its message may quote the record
   */
  byte[] apply(DeadLetter letter, byte[] payload) throws NotFixed {
    if (expression == null) {
      return payload;
    }
    String text = text(payload);
    Object record = record(text);
    Jsonata.Frame frame = expression.createFrame();
    frame.setRuntimeBounds(MILLIS, DEPTH);
    frame.bind("raw", text);
    frame.bind("reason", letter.getReason());
    frame.bind("field", letter.getField());
    Object result;
    try {
      result = expression.evaluate(record, frame);
    } catch (RuntimeException | StackOverflowError failed) {
      // The library has no type of its own for all that can go wrong in an expression.
      throw new NotFixed(String.valueOf(failed.getMessage()), failed);
    }
    if (!(result instanceof Map<?, ?> fixed)) {
      throw new NotFixed(
          result == null ? "the expression gives nothing" : "the expression gives no object", null);
    }
    try {
      return JSON.writeValueAsBytes(values(fixed, record instanceof Map<?, ?> m ? m : Map.of()));
    } catch (JsonProcessingException unwritable) {
      throw new NotFixed("the expression gives what is no JSON", unwritable);
    }
  }

  private static String text(byte[] payload) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(payload)).toString();
    } catch (CharacterCodingException notUtf8) {
      return new String(payload, StandardCharsets.ISO_8859_1);
    }
  }

  private static @Nullable Object record(String text) {
    try {
      return JSON.readValue(text, Object.class);
    } catch (JsonProcessingException noJson) {
      return null;
    }
  }

  private static Map<String, @Nullable Object> values(Map<?, ?> fixed, Map<?, ?> before)
      throws NotFixed {
    Map<String, @Nullable Object> values = new LinkedHashMap<>();
    for (Map.Entry<?, ?> field : fixed.entrySet()) {
      Object old = before.get(field.getKey());
      Object now = field.getValue();
      values.put(String.valueOf(field.getKey()), isSame(old, now) ? old : value(now));
    }
    return values;
  }

  /** In the numbers of JSONata, that is. */
  private static boolean isSame(@Nullable Object old, @Nullable Object now) {
    return old instanceof Number before
        && now instanceof Number after
        && Double.compare(before.doubleValue(), after.doubleValue()) == 0;
  }

  private static @Nullable Object value(@Nullable Object value) throws NotFixed {
    if (value instanceof Map<?, ?> map) {
      return values(map, Map.of());
    }
    if (value instanceof List<?> list) {
      List<@Nullable Object> values = new ArrayList<>();
      for (Object element : list) {
        values.add(value(element));
      }
      return values;
    }
    if (value instanceof Double || value instanceof Float) {
      double number = ((Number) value).doubleValue();
      if (!Double.isFinite(number)) {
        throw new NotFixed("the expression gives a number that is not finite", null);
      }
      // Without an exponent, as people write.
      BigDecimal plain = new BigDecimal(Double.toString(number)).stripTrailingZeros();
      return plain.scale() < 0 ? plain.setScale(0) : plain;
    }
    if (value == null
        || value instanceof String
        || value instanceof Boolean
        || value instanceof Integer
        || value instanceof Long
        || value instanceof BigInteger
        || value instanceof BigDecimal) {
      return value;
    }
    throw new NotFixed("the expression gives what is no JSON", null);
  }

  @Override
  public String toString() {
    return Objects.isNull(expression) ? "Fix[none]" : "Fix[…]";
  }
}

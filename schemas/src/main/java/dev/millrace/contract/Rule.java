package dev.millrace.contract;

import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A rule that one value must keep. Declared beside the field in its contract, as a property of the
 * same name.
 *
 * <p>Values come as the contract's types: {@link Integer}, {@link Long}, {@link Double}, {@link
 * BigDecimal}, {@link String}, {@link Instant}, {@link LocalDate}. Null is never passed: whether a
 * value may be absent is not a rule but the field's type.
 */
public sealed interface Rule {

  /** Whether the value keeps the rule. */
  boolean holds(Object value);

  /** The rule in words that continue "must ", such as {@code be at least 1}. */
  String words();

  /** The value is at least {@code bound}. Property {@code min}. */
  record Min(BigDecimal bound) implements Rule {
    @Override
    public boolean holds(Object value) {
      return isNumber(value) && compare(value, bound) >= 0;
    }

    @Override
    public String words() {
      return "be at least " + bound.toPlainString();
    }
  }

  /** The value is at most {@code bound}. Property {@code max}. */
  record Max(BigDecimal bound) implements Rule {
    @Override
    public boolean holds(Object value) {
      return isNumber(value) && compare(value, bound) <= 0;
    }

    @Override
    public String words() {
      return "be at most " + bound.toPlainString();
    }
  }

  /** The value is greater than {@code bound}. Property {@code exclusiveMin}. */
  record ExclusiveMin(BigDecimal bound) implements Rule {
    @Override
    public boolean holds(Object value) {
      return isNumber(value) && compare(value, bound) > 0;
    }

    @Override
    public String words() {
      return "be greater than " + bound.toPlainString();
    }
  }

  /** The text has at most {@code characters} UTF-16 units. Property {@code maxLength}. */
  record MaxLength(int characters) implements Rule {
    @Override
    public boolean holds(Object value) {
      return value.toString().length() <= characters;
    }

    @Override
    public String words() {
      return "have at most " + characters + " characters";
    }
  }

  /** The whole text matches a regular expression. Property {@code pattern}. */
  record Matches(Pattern pattern) implements Rule {
    @Override
    public boolean holds(Object value) {
      return pattern.matcher(value.toString()).matches();
    }

    @Override
    public String words() {
      return "match " + pattern.pattern();
    }
  }

  /** The text is one of a closed list. Property {@code oneOf}. */
  record OneOf(Set<String> allowed) implements Rule {
    @Override
    public boolean holds(Object value) {
      return allowed.contains(value.toString());
    }

    @Override
    public String words() {
      return "be one of " + String.join(", ", allowed);
    }
  }

  /**
   * The text has a well-known form. Property {@code format}: {@code date}, {@code date-time} or
   * {@code uuid}.
   */
  record Format(Form form) implements Rule {
    @Override
    public boolean holds(Object value) {
      String text = value.toString();
      try {
        Object parsed =
            switch (form) {
              case DATE -> LocalDate.parse(text);
              case DATE_TIME -> Instant.parse(text);
              case UUID -> UUID.fromString(text);
            };
        // UUID.fromString accepts 1-1-1-1-1 as well.
        return form != Form.UUID || parsed.toString().equalsIgnoreCase(text);
      } catch (DateTimeException | IllegalArgumentException notOfTheForm) {
        return false;
      }
    }

    @Override
    public String words() {
      return switch (form) {
        case DATE -> "be a date such as 1997-01-31";
        case DATE_TIME -> "be an instant such as 1997-01-31T12:00:00Z";
        case UUID -> "be a UUID";
      };
    }
  }

  /** The forms of {@link Format}. */
  enum Form {
    DATE,
    DATE_TIME,
    UUID;

    static @Nullable Form named(String name) {
      return switch (name) {
        case "date" -> DATE;
        case "date-time" -> DATE_TIME;
        case "uuid" -> UUID;
        default -> null;
      };
    }
  }

  /** NaN and the infinities, which Avro and Parquet can carry, keep no bound. */
  private static boolean isNumber(Object value) {
    return !(value instanceof Double number) || Double.isFinite(number);
  }

  private static int compare(Object value, BigDecimal bound) {
    if (value instanceof Integer || value instanceof Long) {
      long v = ((Number) value).longValue();
      // Bounds of integer fields are small: no BigDecimal per record on the hot path.
      return bound.scale() <= 0 && bound.precision() - bound.scale() <= 18
          ? Long.compare(v, bound.longValue())
          : BigDecimal.valueOf(v).compareTo(bound);
    }
    return value instanceof BigDecimal decimal
        ? decimal.compareTo(bound)
        : BigDecimal.valueOf(((Number) value).doubleValue()).compareTo(bound);
  }
}

package dev.millrace.benchmarks.flink;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Parses and checks events as a good engineer would by hand for this one record type: a streaming
 * parser, and a decision for every field. It comes to the same decision about every record as the
 * contract: the same limits, types and rules. What it has not: reasons, positions, dead letters,
 * versions, tokens in the place of private values.
 */
final class EventParser {

  private static final int LONGEST = 1 << 20;
  private static final int MOST_FIELDS = 256;
  private static final int LONGEST_STRING = 1 << 16;
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(32)
                  .maxStringLength(LONGEST_STRING)
                  .maxNumberLength(100)
                  .maxNameLength(LONGEST_STRING)
                  .build())
          .build();
  private static final BigDecimal LIMIT = new BigDecimal("100000000");
  private static final Set<String> ACTIONS =
      Set.of("view", "search", "cart", "checkout", "purchase");

  private static final int REQUIRED = 1 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 7 | 1 << 10;

  /** Texts that are kept, besides the action. */
  enum Texts {
    ALL,
    NONE,
    SESSION,
    /** Id, user and the browser's name. */
    VISITOR
  }

  private final boolean pages;
  private final boolean session;
  private final boolean visitor;
  private boolean escapes;

  /**
   * @param texts that are kept; the others are checked only
   */
  EventParser(Texts texts) {
    this.pages = texts == Texts.ALL;
    this.session = texts == Texts.ALL || texts == Texts.SESSION;
    this.visitor = texts == Texts.ALL || texts == Texts.VISITOR;
  }

  /** The event, or null if it is none or breaks a rule. */
  @Nullable Event parse(byte[] bytes) {
    if (bytes.length > LONGEST || !isUtf8(bytes)) {
      return null;
    }
    try (JsonParser parser = JSON.createParser(bytes)) {
      return parser.nextToken() == JsonToken.START_OBJECT ? read(parser) : null;
    } catch (IOException | DateTimeException | Refusal malformed) {
      return null;
    }
  }

  private @Nullable Event read(JsonParser parser) throws IOException {
    Event event = new Event();
    int seen = 0;
    int fields = 0;
    for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
      JsonToken token = parser.nextToken();
      if (++fields > MOST_FIELDS) {
        return null;
      }
      int field = 0;
      switch (name) {
        case "event_id" -> {
          field = 1;
          event.id = required(text(parser, token, 40, visitor));
        }
        case "user_id" -> {
          field = 1 << 1;
          event.user = required(text(parser, token, 64, visitor));
        }
        case "session_id" -> {
          field = 1 << 2;
          event.session = required(text(parser, token, 40, session));
        }
        case "action" -> {
          field = 1 << 3;
          event.action = required(text(parser, token, 8, true));
          check(ACTIONS.contains(event.action));
        }
        case "product_id" -> {
          field = 1 << 4;
          event.product = number(parser, token, Integer.MAX_VALUE);
        }
        case "price" -> {
          field = 1 << 5;
          event.price = amount(parser, token);
        }
        case "quantity" -> {
          field = 1 << 6;
          event.quantity = number(parser, token, 10_000);
        }
        case "url" -> {
          field = 1 << 7;
          event.url = required(text(parser, token, 2_048, pages));
        }
        case "referrer" -> {
          field = 1 << 8;
          event.referrer = text(parser, token, 2_048, pages);
        }
        case "user_agent" -> {
          field = 1 << 9;
          event.agent = text(parser, token, 1_024, visitor);
        }
        case "event_time" -> {
          field = 1 << 10;
          Long happened = instant(parser, token);
          check(happened != null);
          event.happened = happened == null ? 0 : happened;
        }
        case "arrived_at" -> {
          field = 1 << 11;
          event.arrived = instant(parser, token);
        }
        default -> fields = skip(parser, token, fields);
      }
      check((seen & field) == 0);
      seen |= field;
    }
    boolean ended = parser.currentToken() == JsonToken.END_OBJECT && parser.nextToken() == null;
    return ended && (seen & REQUIRED) == REQUIRED ? event : null;
  }

  private boolean isUtf8(byte[] bytes) {
    int all = 0;
    boolean backslash = false;
    for (byte one : bytes) {
      all |= one;
      backslash |= one == '\\';
    }
    escapes = backslash;
    if (all >= 0) {
      return true;
    }
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
      return true;
    } catch (CharacterCodingException notUtf8) {
      return false;
    }
  }

  private static int number(JsonParser parser, JsonToken token, int most) throws IOException {
    if (token == JsonToken.VALUE_NULL) {
      return 0;
    }
    check(token == JsonToken.VALUE_NUMBER_INT);
    int value = parser.getIntValue();
    check(value >= 1 && value <= most);
    return value;
  }

  private static @Nullable BigDecimal amount(JsonParser parser, JsonToken token)
      throws IOException {
    if (token == JsonToken.VALUE_NULL) {
      return null;
    }
    check(token.isNumeric());
    BigDecimal amount = parser.getDecimalValue();
    check(
        amount.signum() >= 0
            && amount.compareTo(LIMIT) < 0
            && (amount.scale() <= 4 || amount.stripTrailingZeros().scale() <= 4));
    return amount;
  }

  /**
   * The text; an empty one in its place if it need not be kept. In UTF-8 without escapes there is
   * neither half a character nor, as the parser refuses it, the one of number zero.
   */
  private @Nullable String text(JsonParser parser, JsonToken token, int most, boolean keep)
      throws IOException {
    if (token == JsonToken.VALUE_NULL) {
      return null;
    }
    check(token == JsonToken.VALUE_STRING);
    int length = parser.getTextLength();
    check(length <= most);
    if (!escapes) {
      return keep ? parser.getText() : "";
    }
    if (keep) {
      String text = parser.getText();
      for (int i = 0; i < length; i++) {
        check((text.charAt(i) != 0 && !Character.isSurrogate(text.charAt(i))) || isPair(text, i));
      }
      return text;
    }
    char[] text = parser.getTextCharacters();
    int from = parser.getTextOffset();
    for (int i = from; i < from + length; i++) {
      if (text[i] == 0 || Character.isSurrogate(text[i])) {
        return text(parser, token, most, true);
      }
    }
    return "";
  }

  private static boolean isPair(String text, int at) {
    char one = text.charAt(at);
    return Character.isHighSurrogate(one)
        ? at + 1 < text.length() && Character.isLowSurrogate(text.charAt(at + 1))
        : one != 0 && at > 0 && Character.isHighSurrogate(text.charAt(at - 1));
  }

  private static @Nullable Long instant(JsonParser parser, JsonToken token) throws IOException {
    return switch (token) {
      case VALUE_NULL -> null;
      case VALUE_NUMBER_INT -> parser.getLongValue();
      case VALUE_STRING ->
          millis(parser.getTextCharacters(), parser.getTextOffset(), parser.getTextLength());
      default -> throw new Refusal();
    };
  }

  /** The form that programs write is read by hand, any other by the general parser. */
  private static long millis(char[] text, int from, int length) {
    if (length == 24
        && text[from + 23] == 'Z'
        && text[from + 4] == '-'
        && text[from + 7] == '-'
        && text[from + 10] == 'T'
        && text[from + 13] == ':'
        && text[from + 16] == ':'
        && text[from + 19] == '.') {
      int year = digits(text, from, 4);
      int month = digits(text, from + 5, 2);
      int day = digits(text, from + 8, 2);
      int hour = digits(text, from + 11, 2);
      int minute = digits(text, from + 14, 2);
      int second = digits(text, from + 17, 2);
      int milli = digits(text, from + 20, 3);
      if ((year - 1 | month | day | hour | minute | second | milli) >= 0
          && hour < 24
          && minute < 60
          && second < 60) {
        long days = java.time.LocalDate.of(year, month, day).toEpochDay();
        return (days * 86_400 + hour * 3_600L + minute * 60L + second) * 1_000 + milli;
      }
    }
    Instant instant = OffsetDateTime.parse(new String(text, from, length)).toInstant();
    check(instant.truncatedTo(ChronoUnit.MILLIS).equals(instant));
    return instant.toEpochMilli();
  }

  private static int digits(char[] text, int from, int count) {
    int value = 0;
    for (int i = from; i < from + count; i++) {
      int digit = text[i] - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      value = 10 * value + digit;
    }
    return value;
  }

  private static String required(@Nullable String text) {
    if (text == null) {
      throw new Refusal();
    }
    return text;
  }

  private static void check(boolean holds) {
    if (!holds) {
      throw new Refusal();
    }
  }

  /** Skips a value nobody asked for, within the limits; returns how many fields there were. */
  private static int skip(JsonParser parser, JsonToken first, int before) throws IOException {
    int fields = before;
    int depth = 0;
    for (JsonToken token = first; token != null; token = parser.nextToken()) {
      if (token.isStructStart()) {
        depth++;
      } else if (token.isStructEnd()) {
        depth--;
      } else if (token == JsonToken.FIELD_NAME) {
        check(++fields <= MOST_FIELDS);
      } else if (token == JsonToken.VALUE_STRING) {
        check(parser.getTextLength() <= LONGEST_STRING);
      }
      if (depth == 0) {
        return fields;
      }
    }
    throw new Refusal();
  }

  /** A record is refused; without a stack, for it is no error of the program. */
  private static final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private Refusal() {
      super("refused", null, false, false);
    }
  }
}

package dev.millrace.benchmarks;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The refining of sales as a good engineer would write it by hand for this one record type: a
 * single-threaded loop over the lines of the files and a streaming parser. It comes to the same
 * decision about every record: the same limits, types, rules and gate. What it has not: positions,
 * reasons and dead letters, a contract, versions, an account per source.
 */
public final class PlainSalesLoop {

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
  private static final int REQUIRED = 0b1111_1111;
  private static final long DAY = 86_400_000;
  private static final long ORIGIN = LocalDate.parse("1995-12-31").toEpochDay() * DAY;
  private static final long MAX_LATENESS = 7 * DAY;
  private static final long MAX_SKEW = DAY;

  private long read;
  private long good;
  private long late;
  private BigDecimal revenue = BigDecimal.ZERO;

  private PlainSalesLoop() {}

  /** Runs over files of JSON lines. */
  public static Refined run(List<Path> files) throws IOException {
    PlainSalesLoop loop = new PlainSalesLoop();
    for (Path file : files) {
      Lines.forEach(file, LONGEST, (bytes, start, end, position) -> loop.line(bytes, start, end));
    }
    return new Refined(
        loop.read, loop.good, loop.read - loop.good - loop.late, loop.late, loop.revenue);
  }

  private void line(byte[] bytes, int start, int end) {
    read++;
    Sale sale =
        end - start > LONGEST || !isUtf8(bytes, start, end) ? null : parse(bytes, start, end);
    if (sale == null || !sale.holds()) {
      return;
    }
    if (sale.isLate()) {
      late++;
      return;
    }
    good++;
    revenue = revenue.add(sale.sales);
  }

  private static boolean isUtf8(byte[] bytes, int start, int end) {
    int all = 0;
    for (int i = start; i < end; i++) {
      all |= bytes[i];
    }
    if (all >= 0) {
      return true;
    }
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, start, end - start));
      return true;
    } catch (CharacterCodingException notUtf8) {
      return false;
    }
  }

  private static @Nullable Sale parse(byte[] bytes, int start, int end) {
    try (JsonParser parser = JSON.createParser(bytes, start, end - start)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return null;
      }
      Sale sale = new Sale();
      int seen = 0;
      int fields = 0;
      for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
        JsonToken token = parser.nextToken();
        if (++fields > MOST_FIELDS) {
          return null;
        }
        int field = 0;
        switch (name) {
          case "product_id" -> {
            field = 1;
            sale.product = whole(parser, token);
          }
          case "time_id" -> {
            field = 1 << 1;
            sale.time = whole(parser, token);
          }
          case "customer_id" -> {
            field = 1 << 2;
            sale.customer = whole(parser, token);
          }
          case "promotion_id" -> {
            field = 1 << 3;
            sale.promotion = whole(parser, token);
          }
          case "store_id" -> {
            field = 1 << 4;
            sale.store = whole(parser, token);
          }
          case "store_sales" -> {
            field = 1 << 5;
            sale.sales = amount(parser, token);
          }
          case "store_cost" -> {
            field = 1 << 6;
            sale.cost = amount(parser, token);
          }
          case "unit_sales" -> {
            field = 1 << 7;
            sale.units = amount(parser, token);
          }
          case "sale_id" -> {
            field = 1 << 8;
            sale.id = text(parser, token);
          }
          case "updated_at" -> {
            field = 1 << 9;
            sale.updated = instant(parser, token);
          }
          case "arrived_at" -> {
            field = 1 << 10;
            sale.arrived = instant(parser, token);
          }
          default -> fields = skip(parser, token, fields);
        }
        if ((seen & field) != 0) {
          return null;
        }
        seen |= field;
      }
      boolean whole = parser.currentToken() == JsonToken.END_OBJECT && parser.nextToken() == null;
      return whole && (seen & REQUIRED) == REQUIRED ? sale : null;
    } catch (IOException | DateTimeException | Refusal malformed) {
      return null;
    }
  }

  private static int whole(JsonParser parser, JsonToken token) throws IOException {
    if (token != JsonToken.VALUE_NUMBER_INT) {
      throw new Refusal();
    }
    return parser.getIntValue();
  }

  private static BigDecimal amount(JsonParser parser, JsonToken token) throws IOException {
    if (!token.isNumeric()) {
      throw new Refusal();
    }
    return parser.getDecimalValue();
  }

  private static @Nullable String text(JsonParser parser, JsonToken token) throws IOException {
    if (token == JsonToken.VALUE_NULL) {
      return null;
    }
    if (token != JsonToken.VALUE_STRING) {
      throw new Refusal();
    }
    return parser.getText();
  }

  private static @Nullable Instant instant(JsonParser parser, JsonToken token) throws IOException {
    return switch (token) {
      case VALUE_NULL -> null;
      case VALUE_NUMBER_INT -> Instant.ofEpochMilli(parser.getLongValue());
      case VALUE_STRING -> Instant.parse(parser.getText());
      default -> throw new Refusal();
    };
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
      } else if (token == JsonToken.FIELD_NAME && ++fields > MOST_FIELDS) {
        throw new Refusal();
      } else if (token == JsonToken.VALUE_STRING && parser.getTextLength() > LONGEST_STRING) {
        throw new Refusal();
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

  private static final class Sale {
    private int product;
    private int time;
    private int customer;
    private int promotion;
    private int store;
    private BigDecimal sales = BigDecimal.ZERO;
    private BigDecimal cost = BigDecimal.ZERO;
    private BigDecimal units = BigDecimal.ZERO;
    private @Nullable String id;

    @SuppressWarnings("unused") // a real program has a use for it
    private @Nullable Instant updated;

    private @Nullable Instant arrived;

    private boolean holds() {
      return product >= 1
          && time >= 1
          && time <= 36_524
          && customer >= 1
          && promotion >= 0
          && store >= 0
          && within(sales)
          && within(cost)
          && within(units)
          && units.signum() > 0
          && (id == null || id.length() <= 40);
    }

    private boolean isLate() {
      if (arrived == null) {
        return false;
      }
      long behind = arrived.toEpochMilli() - (ORIGIN + time * DAY);
      return behind > MAX_LATENESS || -behind > MAX_SKEW;
    }

    private static boolean within(BigDecimal amount) {
      return amount.signum() >= 0
          && amount.compareTo(LIMIT) < 0
          && (amount.scale() <= 4 || amount.stripTrailingZeros().scale() <= 4);
    }
  }
}

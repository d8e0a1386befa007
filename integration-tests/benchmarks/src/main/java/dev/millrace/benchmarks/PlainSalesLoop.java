package dev.millrace.benchmarks;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The refining of sales as a good engineer would write it by hand for this one record type: a
 * single-threaded loop over the lines of the files, a streaming parser, the same rules, the same
 * event time. It has no positions, dead letters, limits, contract or ledger.
 */
public final class PlainSalesLoop {

  private static final JsonFactory JSON = new JsonFactory();
  private static final BigDecimal LIMIT = new BigDecimal("100000000");

  private PlainSalesLoop() {}

  /**
   * What the loop found: records read, records that hold, and their revenue, so that nothing is
   * optimised away.
   */
  public record Result(long read, long good, BigDecimal revenue) {}

  /** Runs over files of JSON lines. */
  public static Result run(List<Path> files) throws IOException {
    long read = 0;
    long good = 0;
    BigDecimal revenue = BigDecimal.ZERO;
    for (Path file : files) {
      try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
        ByteArrayOutputStream line = new ByteArrayOutputStream(256);
        for (int b = in.read(); ; b = in.read()) {
          if (b != '\n' && b != -1) {
            line.write(b);
            continue;
          }
          if (line.size() > 0) {
            read++;
            PlainSale sale = parse(line.toByteArray());
            if (sale != null && sale.holds()) {
              good++;
              revenue = revenue.add(sale.revenue());
            }
            line.reset();
          }
          if (b == -1) {
            break;
          }
        }
      }
    }
    return new Result(read, good, revenue);
  }

  private static @Nullable PlainSale parse(byte[] line) {
    try (JsonParser parser = JSON.createParser(line)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return null;
      }
      PlainSale sale = new PlainSale();
      for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
        parser.nextToken();
        switch (name) {
          case "product_id" -> sale.product = parser.getIntValue();
          case "time_id" -> sale.time = parser.getIntValue();
          case "customer_id" -> sale.customer = parser.getIntValue();
          case "promotion_id" -> sale.promotion = parser.getIntValue();
          case "store_id" -> sale.store = parser.getIntValue();
          case "store_sales" -> sale.sales = parser.getDecimalValue();
          case "store_cost" -> sale.cost = parser.getDecimalValue();
          case "unit_sales" -> sale.units = parser.getDecimalValue();
          default -> parser.skipChildren();
        }
      }
      return sale;
    } catch (IOException malformed) {
      return null;
    }
  }

  private static final class PlainSale {
    private int product;
    private int time;
    private int customer;
    private int promotion = -1;
    private int store = -1;
    private @Nullable BigDecimal sales;
    private @Nullable BigDecimal cost;
    private @Nullable BigDecimal units;

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
          && units != null
          && units.signum() > 0;
    }

    private BigDecimal revenue() {
      return sales == null ? BigDecimal.ZERO : sales;
    }

    private static boolean within(@Nullable BigDecimal amount) {
      return amount != null
          && amount.signum() >= 0
          && amount.scale() <= 4
          && amount.compareTo(LIMIT) < 0;
    }
  }
}

package dev.millrace.benchmarks;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/** The answers of {@code sales}, out of a database, so that they can be compared between two. */
final class SalesAnswers {

  /** The answer tables with their columns. */
  static final Map<String, String> TABLES = new LinkedHashMap<>();

  private static final String SUMS =
      "SELECT count(*), sum(store_sales), sum(store_cost), sum(unit_sales), count(DISTINCT"
          + " customer_id), min(day), max(day) FROM ";

  static {
    TABLES.put("revenue_daily", "day, store_id, product_category, revenue, cost, units, sales");
    TABLES.put("top_customers", "sales_region, rank, customer_id, revenue, sales");
    TABLES.put("store_revenue_7d", "store_id, day, revenue_7d, sales_7d");
    TABLES.put("customer_running_total", "customer_id, day, day_revenue, running_total");
    TABLES.put("lapsed_customers", "customer_id, last_purchase, as_of");
    TABLES.put("top_products", "month, rank, product_id, product_name, revenue, units");
  }

  private SalesAnswers() {}

  /**
   * Every row of every answer table, and the sums of the sales they are made of.
   *
   * @param place where a table of a name is found in the database
   * @param sales the name of the enriched sales
   */
  static Answer in(Connection database, UnaryOperator<String> place, String sales)
      throws SQLException {
    Map<String, List<String>> answers = new TreeMap<>();
    for (Map.Entry<String, String> table : TABLES.entrySet()) {
      String sql = "SELECT " + table.getValue() + " FROM " + place.apply(table.getKey());
      answers.put(table.getKey(), rows(database, sql));
    }
    answers.put("sums of sales", rows(database, SUMS + place.apply(sales)));
    return new Answer(answers);
  }

  private static List<String> rows(Connection database, String sql) throws SQLException {
    List<String> rows = new ArrayList<>();
    try (Statement statement = database.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      int columns = result.getMetaData().getColumnCount();
      while (result.next()) {
        StringBuilder row = new StringBuilder();
        for (int i = 1; i <= columns; i++) {
          Object value = result.getObject(i);
          row.append(i == 1 ? "" : " | ")
              .append(
                  value instanceof BigDecimal decimal
                      ? decimal.stripTrailingZeros().toPlainString()
                      : String.valueOf(value));
        }
        rows.add(row.toString());
      }
    }
    return rows;
  }
}

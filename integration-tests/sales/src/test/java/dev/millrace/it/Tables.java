package dev.millrace.it;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What databases answer, in a form that can be compared between them. */
final class Tables {

  /** The answer tables of {@code sales}, with their columns. */
  static final Map<String, String> ANSWERS =
      Map.of(
          "revenue_daily", "day, store_id, product_category, revenue, cost, units, sales",
          "top_customers", "sales_region, rank, customer_id, revenue, sales",
          "store_revenue_7d", "store_id, day, revenue_7d, sales_7d",
          "customer_running_total", "customer_id, day, day_revenue, running_total",
          "lapsed_customers", "customer_id, last_purchase, as_of",
          "top_products", "month, rank, product_id, product_name, revenue, units");

  /** What a fact says, without where it was read. */
  static final String FACT =
      "product_id, time_id, customer_id, promotion_id, store_id, store_sales, store_cost,"
          + " unit_sales, day";

  private Tables() {}

  /** The rows, sorted; decimals without the zeros that say nothing. */
  static List<String> rows(Connection database, String sql) throws SQLException {
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
    Collections.sort(rows);
    return rows;
  }

  /** The one value of a statement that has one. */
  static String value(Connection database, String sql) throws SQLException {
    List<String> rows = rows(database, sql);
    if (rows.size() != 1) {
      throw new AssertionError(sql + " has " + rows.size() + " rows");
    }
    return rows.get(0);
  }

  /** Runs a statement. */
  static void execute(Connection database, String sql) throws SQLException {
    try (Statement statement = database.createStatement()) {
      statement.execute(sql);
    }
  }

  /** A database in memory that reads files of all kinds. */
  static Connection duckDb() throws SQLException {
    Connection database = DriverManager.getConnection("jdbc:duckdb:");
    execute(database, "SET threads = 2");
    execute(database, "SET TimeZone = 'UTC'");
    return database;
  }

  /** The answers and the facts of a warehouse: what must not depend on how the data came. */
  static Map<String, List<String>> answers(Connection warehouse) throws SQLException {
    Map<String, List<String>> answers = new TreeMap<>();
    for (Map.Entry<String, String> table : ANSWERS.entrySet()) {
      answers.put(
          table.getKey(),
          rows(warehouse, "SELECT " + table.getValue() + " FROM " + table.getKey()));
    }
    answers.put("fact_sale", rows(warehouse, "SELECT sale_key, " + FACT + " FROM fact_sale"));
    return answers;
  }

  /** Number of rows and a hash of the content of every table of a warehouse, in one moment. */
  static Map<String, String> fingerprint(Connection warehouse) throws SQLException {
    Map<String, String> tables = new TreeMap<>();
    execute(warehouse, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    try {
      for (String table :
          rows(
              warehouse,
              "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")) {
        tables.put(
            table,
            value(
                warehouse,
                "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM \""
                    + table
                    + "\" t"));
      }
    } finally {
      execute(warehouse, "COMMIT");
    }
    return tables;
  }
}

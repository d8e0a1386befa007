package dev.millrace.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * The answers of {@code sales}, computed by DuckDB from the same files: a yardstick for speed and
 * for exactness.
 */
public final class DuckDbSales {

  private DuckDbSales() {}

  /**
   * Reads the files and computes every answer table, in memory.
   *
   * @param dimensions directory of the FoodMart dimensions
   * @param sales glob of the sales facts, JSON lines
   * @param threads worker threads
   * @return a connection to the database that holds the tables; the caller closes it
   */
  public static Connection compute(Path dimensions, String sales, int threads) throws SQLException {
    Connection database = DriverManager.getConnection("jdbc:duckdb:");
    try (Statement statement = database.createStatement()) {
      statement.execute("SET threads = " + threads);
      for (String sql : script().split(";\\s*\n", -1)) {
        if (!sql.isBlank()) {
          statement.execute(
              sql.replace("${data}", dimensions.toString()).replace("${sales}", sales));
        }
      }
    }
    return database;
  }

  private static String script() {
    try (InputStream in = DuckDbSales.class.getResourceAsStream("sales.sql")) {
      if (in == null) {
        throw new IllegalStateException("sales.sql is missing from the classpath");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }
}

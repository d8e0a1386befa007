package dev.millrace.benchmarks.flink;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * The same work as one query of DuckDB: lines are read as text, and each is judged by functions of
 * JSON. It reads no lines with {@code read_json}, which leaves out what it cannot read, and more.
 */
final class DuckDbJob {

  private DuckDbJob() {}

  static EventsAnswer run(EventsInput input) throws SQLException, IOException {
    Collected.clear(false);
    try (Connection database = DriverManager.getConnection("jdbc:duckdb:");
        Statement statement = database.createStatement()) {
      statement.execute("SET threads = 1");
      statement.execute("SET TimeZone = 'UTC'");
      String[] sql = sql().replace("${events}", input.path().toString()).split(";\\s*\n", -1);
      statement.execute(sql[0]);
      long[] counts = new long[3];
      try (ResultSet rows = statement.executeQuery(sql[1])) {
        while (rows.next()) {
          int outcome = rows.getInt("outcome");
          long events = rows.getLong("events");
          counts[outcome] += events;
          if (outcome == 0) {
            Collected.minute(
                rows.getLong("minute"),
                rows.getString("action"),
                events,
                rows.getBigDecimal("revenue").movePointRight(4).longValueExact());
          }
        }
      }
      // Lines that are no text at all: the reader of text has put them aside.
      try (ResultSet row =
          statement.executeQuery("SELECT count(DISTINCT line) FROM reject_errors")) {
        row.next();
        counts[1] += row.getLong(1);
      }
      return new EventsAnswer(counts[0], counts[1], counts[2], Collected.minutes());
    }
  }

  private static String sql() throws IOException {
    try (InputStream in = DuckDbJob.class.getResourceAsStream("events.sql")) {
      if (in == null) {
        throw new IllegalStateException("events.sql is missing from the classpath");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}

package dev.millrace.it.streams;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The tables of {@code clickstream} in a warehouse. */
final class ClickTables {

  static final List<String> NAMES =
      List.of("events_5m", "shop_minute", "shop_session", "dead_letter", "ledger");

  private ClickTables() {}

  /** Whether every record has its outcome, and every table holds all that was written. */
  static boolean isComplete(Connection warehouse, long records) throws Exception {
    String written =
        rows(warehouse, "SELECT coalesce(sum(written), 0) FROM ledger WHERE stage = 'DedupEvents'")
            .get(0);
    return rows(
            warehouse,
            "SELECT coalesce(sum(CASE stage WHEN 'RefineEvents' THEN read ELSE 0 END), 0) = "
                + records
                + " AND sum(read) - sum(written) - sum(invalid) - sum(late) - sum(duplicate) = 0"
                + " AND sum(CASE stage WHEN 'RefineEvents' THEN written WHEN 'EnrichEvents' THEN"
                + " -read ELSE 0 END) = 0"
                + " AND sum(CASE stage WHEN 'EnrichEvents' THEN written WHEN 'DedupEvents' THEN"
                + " -read ELSE 0 END) = 0"
                + " AND (SELECT sum(invalid + late) FROM ledger) = (SELECT count(*) FROM dead_letter)"
                + " AND (SELECT sum(events) FROM events_5m) = "
                + written
                + " AND (SELECT sum(events) FROM shop_session) = "
                + written
                + " AND (SELECT sum(views) FROM shop_minute) = (SELECT sum(events) FROM events_5m"
                + " WHERE action = 'view')"
                + " FROM ledger")
        .equals(List.of("t"));
  }

  /** Every row of every table as text, sorted, without what guards it. */
  static Map<String, List<String>> tables(Connection warehouse) throws Exception {
    Map<String, List<String>> tables = new TreeMap<>();
    for (String table : NAMES) {
      tables.put(
          table,
          rows(
              warehouse,
              "SELECT (to_jsonb(t) - 'millrace_generation' - 'millrace_revision')::text FROM "
                  + table
                  + " t"));
    }
    return tables;
  }

  static List<String> rows(Connection warehouse, String sql) throws Exception {
    try (Statement statement = warehouse.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      List<String> rows = new ArrayList<>();
      while (result.next()) {
        rows.add(result.getString(1));
      }
      Collections.sort(rows);
      return rows;
    }
  }
}

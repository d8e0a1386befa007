package dev.millrace.it.streams;

import static org.hamcrest.MatcherAssert.assertThat;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerRecord;

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

  /**
   * What a reader of the topic of {@code events_5m} has when it keeps the greatest pane of each
   * key.
   */
  static List<String> lastOfEachKey(List<ConsumerRecord<byte[], byte[]>> records) {
    Map<String, ConsumerRecord<byte[], byte[]>> last = new TreeMap<>();
    for (ConsumerRecord<byte[], byte[]> record : records) {
      last.merge(
          text(record.key()),
          record,
          (one, other) -> revision(one) > revision(other) ? one : other);
    }
    return last.values().stream().map(record -> essence(text(record.value()))).sorted().toList();
  }

  /** The same of the table. */
  static List<String> essences(Map<String, List<String>> tables) {
    return tables.getOrDefault("events_5m", List.of()).stream()
        .map(ClickTables::essence)
        .sorted()
        .toList();
  }

  private static long revision(ConsumerRecord<byte[], byte[]> record) {
    return Long.parseLong(text(record.headers().lastHeader("millrace.revision").value()));
  }

  /** Minute, action, count and revenue: what topic and table spell alike. */
  private static String essence(String json) {
    return field(json, "window_start").substring(0, 16)
        + field(json, "action")
        + " "
        + field(json, "events")
        + " "
        + field(json, "revenue");
  }

  private static String field(String json, String name) {
    Matcher matcher = Pattern.compile("\"" + name + "\": ?\"?([^\",}]+)").matcher(json);
    assertThat(json, matcher.find());
    return matcher.group(1);
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
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

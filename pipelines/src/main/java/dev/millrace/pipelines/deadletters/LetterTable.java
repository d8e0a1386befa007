package dev.millrace.pipelines.deadletters;

import dev.millrace.pipelines.UserError;
import dev.millrace.schemas.system.DeadLetter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The table {@code dead_letter} of a warehouse. Rows are fetched bit by bit. */
public final class LetterTable {

  /** The latest arrival first; the same order every time. */
  private static final String ORDER =
      " ORDER BY arrival_time DESC NULLS LAST, source COLLATE \"C\", position, stage COLLATE \"C\"";

  private static final int ROWS_AT_A_TIME = 200;
  private static final String HEXADECIMAL = "[0-9a-f]{1,32}";

  private final Connection connection;

  private LetterTable(Connection connection) {
    this.connection = connection;
  }

  /** What is done with rows. */
  public interface Rows {
    /** Reads them. */
    void read(ResultSet rows) throws SQLException, IOException;
  }

  /** What is done with one dead letter. */
  public interface Each {
    /** Takes it. */
    void take(DeadLetter letter) throws SQLException, IOException;
  }

  /**
   * The table of a warehouse, for one transaction, which the caller ends.
   *
   * @throws UserError if there is none
   */
  public static LetterTable of(Connection connection) throws SQLException {
    connection.setAutoCommit(false); // else the driver would fetch all rows at once
    try (PreparedStatement ask =
            connection.prepareStatement("SELECT to_regclass('dead_letter') IS NOT NULL");
        ResultSet answer = ask.executeQuery()) {
      answer.next();
      if (!answer.getBoolean(1)) {
        throw new UserError(
            "This warehouse has no table dead_letter yet; run a pipeline first (millrace run"
                + " sales), or name another one with --warehouse=jdbc:postgresql://….");
      }
    }
    return new LetterTable(connection);
  }

  /** What identifies the dead letters and why they were refused, without any payload. */
  public void list(LetterFilter filter, int limit, Rows rows) throws SQLException, IOException {
    List<Object> values = new ArrayList<>();
    String condition = filter.condition(values);
    values.add(limit);
    ask(
        "SELECT id, reason, stage, field, source, position,"
            + " to_char(arrival_time AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS"
            + " arrival, attempt FROM dead_letter WHERE "
            + condition
            + ORDER
            + " LIMIT ?",
        values,
        rows);
  }

  /** How many there are of each reason, the most first. */
  public Map<String, Long> totals(LetterFilter filter) throws SQLException, IOException {
    List<Object> values = new ArrayList<>();
    Map<String, Long> totals = new LinkedHashMap<>();
    ask(
        "SELECT reason, count(*) FROM dead_letter WHERE "
            + filter.condition(values)
            + " GROUP BY reason ORDER BY count(*) DESC, reason COLLATE \"C\"",
        values,
        rows -> {
          while (rows.next()) {
            totals.put(rows.getString(1), rows.getLong(2));
          }
        });
    return totals;
  }

  /** Hands over the dead letters, in the order of their sources and positions. */
  public void forEach(LetterFilter filter, Each each) throws SQLException, IOException {
    List<Object> values = new ArrayList<>();
    ask(
        "SELECT * FROM dead_letter WHERE "
            + filter.condition(values)
            + " ORDER BY source COLLATE \"C\", position, stage COLLATE \"C\"",
        values,
        rows -> {
          while (rows.next()) {
            each.take(letter(rows));
          }
        });
  }

  /**
   * The dead letter with an id that begins like this.
   *
   * @throws UserError if there is none, or more than one
   */
  public DeadLetter find(String beginning) throws SQLException, IOException {
    LetterFilter one = LetterFilter.ALL.withIds(List.of(idOf(beginning)));
    List<DeadLetter> found = new ArrayList<>();
    forEach(one, found::add);
    return found.get(0);
  }

  /**
   * The whole id that begins like this.
   *
   * @throws UserError if there is none, or more than one
   */
  public String idOf(String beginning) throws SQLException, IOException {
    String hexadecimal = beginning.toLowerCase(Locale.ROOT);
    if (!hexadecimal.matches(HEXADECIMAL)) {
      throw new UserError(
          "'"
              + beginning
              + "' is no id of a dead letter; an id, or its beginning, is made of digits and the"
              + " letters a to f. To see some: millrace dead-letters list");
    }
    List<String> ids = new ArrayList<>();
    ask(
        "SELECT id FROM dead_letter WHERE id LIKE ? ORDER BY id COLLATE \"C\" LIMIT 4",
        List.of(hexadecimal + "%"),
        rows -> {
          while (rows.next()) {
            ids.add(rows.getString(1));
          }
        });
    if (ids.isEmpty()) {
      throw new UserError(
          "There is no dead letter "
              + beginning
              + "; it may have been replayed or purged. To see what there is: millrace"
              + " dead-letters list");
    }
    if (ids.size() > 1) {
      throw new UserError(
          "More than one dead letter begins with "
              + beginning
              + ": "
              + String.join(", ", ids.subList(0, Math.min(3, ids.size())))
              + (ids.size() > 3 ? " and others" : "")
              + "; give more of the id.");
    }
    return ids.get(0);
  }

  /** What is done with the place of a dead letter. */
  interface Refused {
    void take(String source, long position, String reason);
  }

  /** Hands over where the records were that a pipeline refused, and why. */
  void refused(String pipeline, Refused refused) throws SQLException, IOException {
    ask(
        "SELECT source, position, reason FROM dead_letter WHERE pipeline = ?",
        List.of(pipeline),
        rows -> {
          while (rows.next()) {
            refused.take(rows.getString(1), rows.getLong(2), rows.getString(3));
          }
        });
  }

  /** The sources that a pipeline has read, as its ledger says. */
  Set<String> sources(String pipeline) throws SQLException, IOException {
    Set<String> sources = new HashSet<>();
    ask(
        "SELECT DISTINCT source FROM ledger WHERE pipeline = ?",
        List.of(pipeline),
        rows -> {
          while (rows.next()) {
            sources.add(rows.getString(1));
          }
        });
    return sources;
  }

  /** Deletes dead letters, and says how many. */
  public long delete(LetterFilter filter) throws SQLException {
    List<Object> values = new ArrayList<>();
    try (PreparedStatement delete =
        prepare("DELETE FROM dead_letter WHERE " + filter.condition(values), values)) {
      return delete.executeUpdate();
    }
  }

  private void ask(String sql, List<Object> values, Rows rows) throws SQLException, IOException {
    try (PreparedStatement ask = prepare(sql, values);
        ResultSet answer = ask.executeQuery()) {
      rows.read(answer);
    }
  }

  private PreparedStatement prepare(String sql, List<Object> values) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    statement.setFetchSize(ROWS_AT_A_TIME);
    for (int i = 0; i < values.size(); i++) {
      statement.setObject(i + 1, values.get(i));
    }
    return statement;
  }

  private static DeadLetter letter(ResultSet row) throws SQLException {
    byte[] payload = row.getBytes("payload");
    return DeadLetter.newBuilder()
        .setId(row.getString("id"))
        .setPipeline(row.getString("pipeline"))
        .setPipelineVersion(row.getString("pipeline_version"))
        .setStage(row.getString("stage"))
        .setReason(row.getString("reason"))
        .setDetail(row.getString("detail"))
        .setField(row.getString("field"))
        .setExceptionClass(row.getString("exception_class"))
        .setStack(row.getString("stack"))
        .setPayload(payload == null ? null : ByteBuffer.wrap(payload))
        .setPayloadState(row.getString("payload_state"))
        .setSource(row.getString("source"))
        .setPosition(row.getLong("position"))
        .setEventTime(time(row, "event_time"))
        .setArrivalTime(time(row, "arrival_time"))
        .setContract(row.getString("contract"))
        .setContractVersion(row.getInt("contract_version"))
        .setAttempt(row.getInt("attempt"))
        .build();
  }

  private static @Nullable Instant time(ResultSet row, String column) throws SQLException {
    OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
    return time == null ? null : time.toInstant();
  }
}

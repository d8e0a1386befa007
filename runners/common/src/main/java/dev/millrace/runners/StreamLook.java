package dev.millrace.runners;

import dev.millrace.pipelines.CatalogueEntry.Partition;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What goes into a live run, and what it has come to: how far its topics reach, as their brokers
 * say, and what became of their records, as the ledger in its warehouse says.
 */
record StreamLook(Instant at, List<Partition> partitions, List<Count> ledger, List<Wait> waits) {

  /** SQLSTATE of a lock that was not had in time. */
  private static final String LOCKED = "55P03";

  StreamLook {
    partitions = List.copyOf(partitions);
    ledger = List.copyOf(ledger);
    waits = List.copyOf(waits);
  }

  /** What the ledger has of a source in a stage. */
  record Count(String stage, String source, long read, long written, long refused, long others) {
    long residue() {
      return read - written - refused - others;
    }
  }

  /** A session of the warehouse that another one makes wait. */
  record Wait(String table, Instant since, int blocker, String program, String state) {}

  /** Looks at what is in the warehouse. */
  static StreamLook at(
      Instant now, List<Partition> partitions, Connection warehouse, String pipeline)
      throws SQLException {
    List<Wait> waits = waits(warehouse);
    try (Statement patience = warehouse.createStatement()) {
      patience.execute("SET lock_timeout = '2s'");
    }
    try {
      return new StreamLook(now, partitions, ledger(warehouse, pipeline), waits);
    } catch (SQLException locked) {
      if (!LOCKED.equals(locked.getSQLState())) {
        throw locked;
      }
      // Somebody has locked the ledger itself: how much was read cannot be told.
      return new StreamLook(now, List.of(), List.of(), waits);
    }
  }

  private static List<Count> ledger(Connection warehouse, String pipeline) throws SQLException {
    List<Count> counts = new ArrayList<>();
    try (PreparedStatement ledger =
        warehouse.prepareStatement(
            "SELECT stage, source, read, written, invalid + late, duplicate + filtered FROM ledger"
                + " WHERE pipeline = ? ORDER BY 1, 2")) {
      ledger.setString(1, pipeline);
      try (ResultSet row = ledger.executeQuery()) {
        while (row.next()) {
          counts.add(
              new Count(
                  row.getString(1),
                  row.getString(2),
                  row.getLong(3),
                  row.getLong(4),
                  row.getLong(5),
                  row.getLong(6)));
        }
      }
    }
    return counts;
  }

  /** Who waits here for whom, of those that write for Millrace. */
  private static List<Wait> waits(Connection warehouse) throws SQLException {
    List<Wait> waits = new ArrayList<>();
    try (Statement asked = warehouse.createStatement();
        ResultSet row =
            asked.executeQuery(
                """
                SELECT coalesce((SELECT min(relation::regclass::text) FROM pg_locks
                    WHERE pg_locks.pid = waiter.pid AND NOT granted AND relation IS NOT NULL), '?'),
                  extract(epoch FROM waiter.query_start), blocker.pid, blocker.application_name, blocker.state
                FROM pg_stat_activity waiter
                CROSS JOIN LATERAL unnest(pg_blocking_pids(waiter.pid)) AS by(pid)
                JOIN pg_stat_activity blocker ON blocker.pid = by.pid
                WHERE waiter.datname = current_database() AND waiter.application_name = 'millrace'
                  AND blocker.application_name IS DISTINCT FROM 'millrace'
                ORDER BY waiter.query_start
                """)) {
      while (row.next()) {
        waits.add(
            new Wait(
                row.getString(1),
                Instant.ofEpochMilli((long) (row.getDouble(2) * 1000)),
                row.getInt(3),
                String.valueOf(row.getString(4)),
                String.valueOf(row.getString(5))));
      }
    }
    return waits;
  }

  /** Records that the first stage of a partition has read. */
  long read(Partition partition) {
    return ledger.stream()
        .filter(
            count ->
                count.stage().equals(partition.stage())
                    && count.source().equals(partition.source()))
        .mapToLong(Count::read)
        .sum();
  }

  long unread(Partition partition) {
    return Math.max(0, partition.offsets() - read(partition));
  }

  /** Whether all that came was read and has an outcome. */
  boolean isAtRest() {
    return residues().isEmpty()
        && partitions.stream().allMatch(partition -> unread(partition) == 0);
  }

  /** Residues that are not 0, by stage and source. */
  Map<String, Long> residues() {
    Map<String, Long> residues = new TreeMap<>();
    for (Count count : ledger) {
      if (count.residue() != 0) {
        residues.put(count.stage() + " of " + count.source(), count.residue());
      }
    }
    return residues;
  }
}

package dev.millrace.pipelines.io.warehouse;

import static dev.millrace.contract.Ddl.quote;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Ddl;
import dev.millrace.pipelines.UserError;
import java.io.Serializable;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * The transaction that makes a run visible: all of it, or nothing.
 *
 * <p>In order: rows are merged, tables that others refer to first; rows the run no longer states
 * are deleted, the other way round; indexes and foreign keys that a table lacks are added; the run
 * is noted in the table {@code run}. A run that is noted there already is not published again: its
 * changes are read back. The staging schema stays until the run is closed: a cluster that takes the
 * task for lost has rows staged and published once more.
 *
 * <p>Indexes and foreign keys come after the first load because a quarter of a million rows load
 * five times as fast without them. Adding them keeps no reader waiting.
 */
final class Publication implements Serializable {

  static final String CREATE_RUN =
      "CREATE TABLE IF NOT EXISTS \"run\" (\"run_id\" text PRIMARY KEY, \"pipeline\" text NOT NULL,"
          + " \"pipeline_version\" text NOT NULL, \"started_at\" timestamp with time zone NOT NULL,"
          + " \"published_at\" timestamp with time zone NOT NULL)";

  static final String CREATE_RUN_CHANGE =
      "CREATE TABLE IF NOT EXISTS \"run_change\" (\"run_id\" text REFERENCES \"run\","
          + " \"table_name\" text, \"rows\" bigint NOT NULL, \"inserted\" bigint NOT NULL,"
          + " \"updated\" bigint NOT NULL, \"deleted\" bigint NOT NULL, \"repeated\" bigint NOT"
          + " NULL, PRIMARY KEY (\"run_id\", \"table_name\"))";

  /** No table of a contract has a name with a space. */
  private static final String LIVE_RUNS = quote("live runs");

  private static final int ATTEMPTS = 3;

  private final WarehouseConfig config;
  private final Run run;
  private final List<Contract> parentsFirst;

  private final @Nullable TimeRange within;

  Publication(WarehouseConfig config, Run run, List<Contract> parentsFirst) {
    this(config, run, parentsFirst, null);
  }

  /**
   * @param within the run states rows of this time only; null if it states all there are
   */
  Publication(
      WarehouseConfig config, Run run, List<Contract> parentsFirst, @Nullable TimeRange within) {
    this.config = config;
    this.run = run;
    this.parentsFirst = parentsFirst;
    this.within = within;
  }

  /** Publishes, unless that was done before; the changes of each table. Safe to call again. */
  List<TableChange> publish(DataSource warehouse) throws InterruptedException {
    for (int attempt = 1; ; attempt++) {
      try (Connection connection = warehouse.getConnection()) {
        return publish(connection);
      } catch (SQLException error) {
        if (attempt == ATTEMPTS || !WarehouseErrors.mayPassOnceMore(error)) {
          throw WarehouseErrors.explain(error, config);
        }
        Thread.sleep(1000L * attempt);
      }
    }
  }

  private List<TableChange> publish(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try {
      Sql sql = new Sql(connection);
      Locks.change(sql, config.where());
      List<TableChange> changes = isPublished(sql, run) ? readChanges(sql) : mergeAndNote(sql);
      connection.commit();
      return changes;
    } catch (SQLException | RuntimeException failed) {
      try {
        connection.rollback();
      } catch (SQLException alsoFailed) {
        failed.addSuppressed(alsoFailed);
      }
      throw failed;
    }
  }

  static boolean isPublished(Sql sql, Run run) throws SQLException {
    return sql.is("SELECT true FROM \"run\" WHERE \"run_id\" = ?", run.id());
  }

  /** Notes in the staging schema which live runs there were, once the schema is made. */
  static String noteLiveRuns(Run run) {
    return "CREATE TABLE "
        + quote(run.stagingSchema())
        + "."
        + LIVE_RUNS
        + " AS SELECT coalesce(max(\"generation\"), 0) AS \"newest\" FROM \"live_run\"";
  }

  static UserError besideLiveRun(WarehouseConfig config, Run run, String does) {
    return new UserError(
        "A live run of "
            + run.pipeline()
            + " "
            + does
            + " to the warehouse at "
            + config.where()
            + ", and a batch would take away what it has not read. Give the batch another warehouse with"
            + " --warehouse, or stop the live run first.");
  }

  /**
   * That a batch was prepared while no live run wrote does not say that none does now. One whose
   * writers are away for a moment holds no lock, but it has noted that it began.
   */
  private void refuseBesideLiveRuns(Sql sql) throws SQLException {
    if (Locks.isLive(sql, run.pipeline())) {
      throw besideLiveRun(config, run, "is writing");
    }
    if (sql.is(
        "SELECT true FROM \"live_run\" WHERE \"pipeline\" = ? AND \"generation\" > (SELECT \"newest\" FROM "
            + quote(run.stagingSchema())
            + "."
            + LIVE_RUNS
            + ") LIMIT 1",
        run.pipeline())) {
      throw besideLiveRun(config, run, "has begun since this batch did, and wrote");
    }
  }

  private List<TableChange> mergeAndNote(Sql sql) throws SQLException {
    if (!sql.is("SELECT to_regnamespace(?) IS NOT NULL", quote(run.stagingSchema()))) {
      throw new UserError(
          "What run "
              + run.id()
              + " had written to the warehouse at "
              + config.where()
              + " is gone: its launcher ended before the run did, and a later run cleaned up."
              + " Nothing was published; run again.");
    }
    if (within == null) {
      refuseBesideLiveRuns(sql);
    }
    List<TableChange> changes = merge(sql);
    // Foreign keys are checked at the end of the transaction; tables with checks due cannot be
    // altered.
    sql.run("SET CONSTRAINTS ALL IMMEDIATE");
    for (Contract contract : parentsFirst) {
      for (String statement : Ddl.createIndexes(contract)) {
        sql.run(statement);
      }
    }
    for (Contract contract : parentsFirst) {
      for (String statement : Ddl.foreignKeys(contract)) {
        sql.run(statement);
      }
    }
    for (TableChange change : changes) {
      if (!change.isNone()) {
        sql.run("ANALYZE " + quote(change.table()));
      }
    }
    sql.run(
        "INSERT INTO \"run\" VALUES (?, ?, ?, ?, clock_timestamp())",
        run.id(),
        run.pipeline(),
        run.pipelineVersion(),
        run.startedAt().atOffset(ZoneOffset.UTC));
    for (TableChange c : changes) {
      sql.run(
          "INSERT INTO \"run_change\" VALUES (?, ?, ?, ?, ?, ?, ?)",
          run.id(),
          c.table(),
          c.rows(),
          c.inserted(),
          c.updated(),
          c.deleted(),
          c.repeated());
    }
    return changes;
  }

  private List<TableChange> merge(Sql sql) throws SQLException {
    Map<String, TableChange> changes = new TreeMap<>();
    for (Contract contract : parentsFirst) {
      TableSql table = new TableSql(contract, run.stagingSchema());
      sql.run("ANALYZE " + table.staging());
      long repeated = sql.run(table.dropRepeated());
      long rows = sql.rows("SELECT count(*) FROM " + table.staging(), r -> r.getLong(1)).get(0);
      Optional<String> update = table.update();
      long updated = update.isPresent() ? sql.run(update.get()) : 0;
      long inserted = sql.run(table.insert());
      changes.put(
          table.name(), new TableChange(table.name(), rows, inserted, updated, 0, repeated));
    }
    for (int i = parentsFirst.size() - 1; i >= 0; i--) {
      Contract contract = parentsFirst.get(i);
      TableSql table = new TableSql(contract, run.stagingSchema());
      long deleted = delete(sql, contract, table);
      changes.computeIfPresent(table.name(), (name, c) -> c.withDeleted(deleted));
    }
    return new ArrayList<>(changes.values());
  }

  private long delete(Sql sql, Contract contract, TableSql table) throws SQLException {
    if (within != null) {
      return sql.run(
              table.deleteWithin(),
              within.from().atOffset(ZoneOffset.UTC),
              within.to().atOffset(ZoneOffset.UTC))
          + (contract.disjoint().isPresent() ? sql.run(table.deleteOverlapped()) : 0);
    }
    return table.isShared() ? sql.run(table.delete(), run.pipeline()) : sql.run(table.delete());
  }

  private List<TableChange> readChanges(Sql sql) throws SQLException {
    return sql.rows(
        "SELECT \"table_name\", \"rows\", \"inserted\", \"updated\", \"deleted\", \"repeated\" FROM"
            + " \"run_change\" WHERE \"run_id\" = ? ORDER BY \"table_name\" COLLATE \"C\"",
        r ->
            new TableChange(
                r.getString(1),
                r.getLong(2),
                r.getLong(3),
                r.getLong(4),
                r.getLong(5),
                r.getLong(6)),
        run.id());
  }
}

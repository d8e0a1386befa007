package dev.millrace.pipelines.io.warehouse;

import static dev.millrace.contract.Ddl.quote;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Ddl;
import dev.millrace.pipelines.UserError;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.ZoneOffset;
import java.util.List;

/** Makes a warehouse ready for a run: tables, columns, the staging schema; one transaction. */
final class Preparation {

  /** What a run states. */
  enum Kind {
    /** The whole answer, at its end. */
    BATCH,
    /** Rows as they come. */
    LIVE,
    /** The answer of a time, at its end. */
    BACKFILL
  }

  private static final String CREATE_LIVE_RUN =
      "CREATE TABLE IF NOT EXISTS \"live_run\" (\"generation\" bigint PRIMARY KEY, \"run_id\" text NOT NULL, \"pipeline\" text NOT NULL,"
          + " \"pipeline_version\" text NOT NULL, \"started_at\" timestamp with time zone NOT NULL)";

  private final Sql sql;
  private final WarehouseConfig config;
  private final Run run;

  Preparation(Connection connection, WarehouseConfig config, Run run) {
    this.sql = new Sql(connection);
    this.config = config;
    this.run = run;
  }

  /**
   * The connection has no open transaction, keeps the run's lock, and is not in autocommit mode.
   */
  void prepare(List<Contract> contracts, Kind kind) throws SQLException {
    if (!Locks.holdRun(sql, run.stagingSchema())) {
      throw new UserError(
          "Run "
              + run.id()
              + " is already writing to the warehouse at "
              + config.where()
              + ". Wait until it ends, or start a run with another id.");
    }
    Locks.change(sql, config.where());
    if (kind == Kind.LIVE) {
      Locks.holdLive(sql, run.pipeline());
    } else if (kind == Kind.BATCH && Locks.isLive(sql, run.pipeline())) {
      throw Publication.besideLiveRun(config, run, "is writing");
    }
    sql.run(Publication.CREATE_RUN);
    sql.run(Publication.CREATE_RUN_CHANGE);
    sql.run(CREATE_LIVE_RUN);
    if (Publication.isPublished(sql, run)) {
      throw new UserError(
          "Run "
              + run.id()
              + " was already published to the warehouse at "
              + config.where()
              + ". Start a run with another id.");
    }
    dropDeadStaging();
    sql.run("CREATE SCHEMA " + quote(run.stagingSchema()));
    sql.run(Publication.noteLiveRuns(run));
    for (Contract contract : contracts) {
      TableSql table = new TableSql(contract, run.stagingSchema());
      sql.run(Ddl.createTable(contract));
      checkKey(contract, table);
      sql.run(Ddl.migrate(contract));
      for (String comment : Ddl.comments(contract)) {
        sql.run(comment);
      }
      sql.run(table.createStaging());
      checkColumns(table);
    }
  }

  /** Readies the tables for a live run, and gives it its number: greater than any before. */
  long beginGeneration(List<Contract> contracts) throws SQLException {
    for (Contract contract : contracts) {
      TableSql table = new TableSql(contract);
      if (sql.is(TableSql.LACKS_GUARD, table.table())) {
        sql.run(table.addGuard());
      }
      for (String statement : Ddl.createIndexes(contract)) {
        sql.run(statement);
      }
    }
    // No sequence: one that is made and used in the same transaction goes back in a crash, where
    // wal_level is minimal. Other runs wait for the lock of changes. (Tables of old have an
    // identity.)
    return sql.rows(
            "INSERT INTO \"live_run\" (\"generation\", \"run_id\", \"pipeline\","
                + " \"pipeline_version\", \"started_at\") OVERRIDING SYSTEM VALUE"
                + " VALUES ((SELECT coalesce(max(\"generation\"), 0) + 1 FROM \"live_run\"), ?, ?, ?, ?)"
                + " RETURNING \"generation\"",
            r -> r.getLong(1),
            run.id(),
            run.pipeline(),
            run.pipelineVersion(),
            run.startedAt().atOffset(ZoneOffset.UTC))
        .get(0);
  }

  /** Our own too: nobody else holds our lock, so one that is there is of an earlier attempt. */
  private void dropDeadStaging() throws SQLException {
    List<String> schemas =
        sql.rows(
            "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, ?) AND"
                + " pg_has_role(nspowner, 'USAGE')",
            r -> r.getString(1),
            Run.STAGING_PREFIX);
    for (String schema : schemas) {
      if (Locks.isDead(sql, schema)) {
        sql.run("DROP SCHEMA " + quote(schema) + " CASCADE");
      }
    }
  }

  private void checkKey(Contract contract, TableSql table) throws SQLException {
    List<String> key =
        sql.rows(
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND"
                + " a.attnum = ANY (i.indkey) WHERE i.indisprimary AND i.indrelid ="
                + " to_regclass(?) ORDER BY a.attname",
            r -> r.getString(1),
            table.table());
    List<String> declared = contract.key().stream().map(Ddl::column).sorted().toList();
    if (!key.equals(declared)) {
      throw foreign(table, "has the primary key " + key + " instead of " + declared);
    }
  }

  /**
   * The staging table is as the contract says. The table itself, made by an earlier run and
   * migrated, may be wider; anything else is not ours.
   */
  private void checkColumns(TableSql table) throws SQLException {
    List<String> differences =
        sql.rows(
            "SELECT CASE WHEN s.attname IS NULL THEN 'demands the column ' || t.attname || ', which"
                + " the contract does not know' WHEN t.attname IS NULL THEN 'lacks the required"
                + " column ' || s.attname ELSE 'has the column ' || t.attname || ' as ' ||"
                + " format_type(t.atttypid, t.atttypmod) || ' instead of ' ||"
                + " format_type(s.atttypid, s.atttypmod) END"
                + " FROM (SELECT * FROM pg_attribute WHERE attrelid = to_regclass(?) AND attnum > 0"
                + " AND NOT attisdropped) t FULL JOIN (SELECT * FROM pg_attribute WHERE attrelid ="
                + " to_regclass(?) AND attnum > 0 AND attname <> ?) s ON s.attname = t.attname"
                + " WHERE CASE"
                + " WHEN s.attname IS NULL THEN t.attnotnull AND NOT t.atthasdef"
                + " WHEN t.attname IS NULL THEN true"
                // The scale is in the low bits; precision and length may be larger.
                + " WHEN s.atttypid = 'numeric'::regtype THEN t.atttypid <> s.atttypid OR"
                + " (t.atttypmod >= 0 AND (t.atttypmod - 4) & 2047 <> (s.atttypmod - 4) & 2047)"
                + " WHEN s.atttypid IN ('varchar'::regtype, 'text'::regtype) THEN t.atttypid NOT IN"
                + " ('varchar'::regtype, 'text'::regtype)"
                + " ELSE t.atttypid <> s.atttypid END",
            r -> r.getString(1),
            table.table(),
            table.staging(),
            TableSql.ORDER);
    if (!differences.isEmpty()) {
      throw foreign(table, differences.get(0));
    }
  }

  private UserError foreign(TableSql table, String what) {
    return new UserError(
        "The table "
            + table.name()
            + " in the warehouse at "
            + config.where()
            + " "
            + what
            + ": another program or an unreleased contract made it. Rename or drop the table; the"
            + " run makes a new one.");
  }
}

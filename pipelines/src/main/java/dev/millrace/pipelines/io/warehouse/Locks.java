package dev.millrace.pipelines.io.warehouse;

import java.sql.SQLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The advisory locks of a warehouse. A run holds its own from preparation to its end, on one
 * connection: a staging schema whose lock nobody holds belongs to a dead run. Whoever changes
 * tables, by preparing or publishing, holds the other to the end of the transaction.
 */
final class Locks {

  private static final Logger LOG = LoggerFactory.getLogger(Locks.class);

  /** Numbers that others are unlikely to use: "Mill" and "Race" in ASCII. */
  private static final int RUN = 0x4D696C6C;

  private static final int CHANGE = 0x52616365;

  static final int LIVE = 0x4C697665; // "Live"

  private Locks() {}

  /** Says until the connection closes that a live run of a pipeline writes to its tables. */
  static void holdLive(Sql sql, String pipeline) throws SQLException {
    sql.run("SELECT pg_advisory_lock_shared(?, hashtext(?))", LIVE, pipeline);
  }

  /** The statement that says so for a connection. */
  static String holdLive(String pipeline) {
    return "SELECT pg_advisory_lock_shared("
        + LIVE
        + ", hashtext('"
        + pipeline.replace("'", "''")
        + "'))";
  }

  /**
   * Whether a live run of a pipeline holds that; keeps new ones out to the end of the transaction.
   */
  static boolean isLive(Sql sql, String pipeline) throws SQLException {
    return !sql.is("SELECT pg_try_advisory_xact_lock(?, hashtext(?))", LIVE, pipeline);
  }

  /** Takes the lock of a run until the connection closes; false if another session holds it. */
  static boolean holdRun(Sql sql, String stagingSchema) throws SQLException {
    return sql.is("SELECT pg_try_advisory_lock(?, hashtext(?))", RUN, stagingSchema);
  }

  /** Gives the lock of a run back at once; the end of a connection is noticed only later. */
  static void releaseRun(Sql sql) throws SQLException {
    sql.run("SELECT pg_advisory_unlock_all()");
  }

  /**
   * Whether no living run holds the lock of a staging schema; keeps it to the end of the
   * transaction.
   */
  static boolean isDead(Sql sql, String stagingSchema) throws SQLException {
    return sql.is("SELECT pg_try_advisory_xact_lock(?, hashtext(?))", RUN, stagingSchema);
  }

  /**
   * Waits until no other run changes tables, at most ten minutes, and keeps others out until the
   * end of the transaction.
   */
  static void change(Sql sql, String where) throws SQLException {
    sql.run("SET LOCAL lock_timeout = '10min'");
    if (!sql.is("SELECT pg_try_advisory_xact_lock(?, 0)", CHANGE)) {
      LOG.info("Another run is changing the warehouse at {}; waiting until it is done.", where);
      sql.run("SELECT pg_advisory_xact_lock(?, 0)", CHANGE);
    }
  }
}

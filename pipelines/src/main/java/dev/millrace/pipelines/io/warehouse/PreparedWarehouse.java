package dev.millrace.pipelines.io.warehouse;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Ddl;
import dev.millrace.pipelines.io.Revision;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.avro.specific.SpecificRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A warehouse that is ready for a run, and stays so until this is closed: whoever started the run
 * keeps it open until the run has ended. It is one idle connection, which holds the lock that tells
 * other runs that this one lives. Behind a connection pooler it must be a connection of its own
 * (session mode).
 */
public final class PreparedWarehouse implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(PreparedWarehouse.class);

  private final WarehouseConfig config;
  private final Run run;
  private final Connection connection;

  private final List<Contract> contracts;
  private final long generation;

  private PreparedWarehouse(
      WarehouseConfig config,
      Run run,
      Connection connection,
      List<Contract> contracts,
      long generation) {
    this.config = config;
    this.run = run;
    this.connection = connection;
    this.contracts = contracts;
    this.generation = generation;
  }

  static PreparedWarehouse of(WarehouseConfig config, Run run, List<Contract> contracts) {
    return prepare(config, run, contracts, Preparation.Kind.BATCH);
  }

  static PreparedWarehouse backfill(WarehouseConfig config, Run run, List<Contract> contracts) {
    return prepare(config, run, contracts, Preparation.Kind.BACKFILL);
  }

  static PreparedWarehouse live(WarehouseConfig config, Run run, List<Contract> contracts) {
    return prepare(config, run, contracts, Preparation.Kind.LIVE);
  }

  private static PreparedWarehouse prepare(
      WarehouseConfig config, Run run, List<Contract> contracts, Preparation.Kind kind) {
    try {
      Connection connection =
          DriverManager.getConnection(config.url(), config.connectionProperties());
      try {
        connection.setAutoCommit(false);
        Preparation preparation = new Preparation(connection, config, run);
        preparation.prepare(contracts, kind);
        long generation =
            kind == Preparation.Kind.LIVE ? preparation.beginGeneration(contracts) : 0;
        connection.commit();
        return new PreparedWarehouse(config, run, connection, contracts, generation);
      } catch (SQLException | RuntimeException failed) {
        try (connection) {
          connection.rollback();
          Locks.releaseRun(new Sql(connection));
        } catch (SQLException alsoFailed) {
          failed.addSuppressed(alsoFailed);
        }
        throw failed;
      }
    } catch (SQLException error) {
      throw WarehouseErrors.explain(error, config);
    }
  }

  /** Writes rows of a live run; see {@link UpsertTable}. */
  public <T extends SpecificRecord> UpsertTable<T> upsert(Class<T> type) {
    Contract contract = Contract.of(type);
    Revision.require(contract);
    if (generation == 0 || !contracts.contains(contract)) {
      throw new IllegalArgumentException(
          "contract " + contract.name() + " is not among the tables of a live run");
    }
    return new UpsertTable<>(config, run.pipeline(), contract, generation);
  }

  /** How many records of each source a stage of this live run has read, as its ledger says. */
  public Map<String, Long> read(String stage) throws SQLException {
    Map<String, Long> read = new TreeMap<>();
    try (Connection other = connect();
        PreparedStatement ledger =
            other.prepareStatement(
                "SELECT source, read FROM ledger"
                    + " WHERE pipeline = ? AND stage = ? AND millrace_generation = ?")) {
      ledger.setString(1, run.pipeline());
      ledger.setString(2, stage);
      ledger.setLong(3, generation);
      try (ResultSet row = ledger.executeQuery()) {
        while (row.next()) {
          read.put(row.getString(1), row.getLong(2));
        }
      }
    }
    return read;
  }

  /**
   * A connection of its own, for reading what was published: the one that holds the lock may have
   * broken meanwhile. Whoever asked for it closes it.
   */
  public Connection connect() throws SQLException {
    return new WarehouseConnections(config).pool().getConnection();
  }

  /** Drops what an unpublished run left, and ends the run for others. Never fails. */
  @Override
  public void close() {
    try (connection) {
      Sql sql = new Sql(connection);
      // A worker that was left behind may still hold it; then the next run drops it.
      sql.run("SET LOCAL lock_timeout = '10s'");
      sql.run("DROP SCHEMA IF EXISTS " + Ddl.quote(run.stagingSchema()) + " CASCADE");
      connection.commit();
      Locks.releaseRun(sql);
    } catch (SQLException error) {
      LOG.warn(
          "The staging schema of run {} in the warehouse at {} could not be dropped (SQLSTATE {});"
              + " the next run will drop it.",
          run.id(),
          config.where(),
          error.getSQLState());
    }
  }
}

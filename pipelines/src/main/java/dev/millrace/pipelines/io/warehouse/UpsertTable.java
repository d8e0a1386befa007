package dev.millrace.pipelines.io.warehouse;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.pipelines.io.Revision;
import dev.millrace.transforms.Tallies;
import dev.millrace.transforms.dedup.RecordKey;
import java.io.Serializable;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import javax.sql.DataSource;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.metrics.Counter;
import org.apache.beam.sdk.metrics.Gauge;
import org.apache.beam.sdk.metrics.Metrics;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PDone;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the rows of a live run into their table, at once: what a row says replaces what the same
 * key said before.
 *
 * <p>A row knows which live run stated it (its generation) and its {@link Revision}. A row gives
 * way only to a later generation, or in its own to a revision that is not smaller. So retries,
 * panes that overtake one another and a former run that still lives cannot undo anything; a run
 * that begins anew states everything anew, and one that takes up a checkpoint comes to what it had
 * stated since. A batch that publishes leaves both alone, and its rows give way to any.
 *
 * <p>Where the contract declares intervals {@code disjoint}, rows that overlap and agree in the
 * rest of the key are statements about one thing whose bounds have changed, such as visits that
 * became one: of these only the last stays, and the others go in the same transaction.
 *
 * <p><b>Input:</b> records of the table's contract. <b>Output:</b> none. <b>Bounded/unbounded:</b>
 * both; windows do not matter. <b>State and timers:</b> none; the rows of a bundle are written in
 * one transaction, of one key only the last. <b>Reasons:</b> none. What the table cannot hold was
 * refused before: contracts check lengths and digits. <b>Guarantee:</b> idempotent. A deadlock or a
 * lost connection is tried again for {@value #PATIENCE_SECONDS} s; then the bundle fails.
 * <b>Runners:</b> all.
 *
 * @param <T> type of the records
 */
public final class UpsertTable<T extends SpecificRecord> extends PTransform<PCollection<T>, PDone> {

  /** How long a bundle waits for a database that does not answer. */
  static final int PATIENCE_SECONDS = 60;

  private static final Logger LOG = LoggerFactory.getLogger(UpsertTable.class);

  private static final Counter ROWS = Metrics.counter(Tallies.NAMESPACE, "rows_written");
  private static final Counter RETRIES = Metrics.counter(Tallies.NAMESPACE, "write_retries");
  private static final Counter MILLIS = Metrics.counter(Tallies.NAMESPACE, "write_millis");

  /** By the clock, when rows were written last. */
  private static final Gauge WRITTEN_AT = Metrics.gauge(Tallies.NAMESPACE, "written_at_millis");

  /** Rows of one transaction at most. */
  private static final int BATCH = 1000;

  /** Locks that rows with intervals are spread over: few, for they stand in shared memory. */
  private static final int BUCKETS = 64;

  private final WarehouseConfig config;
  private final String pipeline;
  private final Contract contract;
  private final long generation;

  UpsertTable(WarehouseConfig config, String pipeline, Contract contract, long generation) {
    this.config = config;
    this.pipeline = pipeline;
    this.contract = contract;
    this.generation = generation;
  }

  @Override
  public PDone expand(PCollection<T> rows) {
    rows.apply("Upsert", ParDo.of(new Upsert<>(config, pipeline, contract, generation)));
    return PDone.in(rows.getPipeline());
  }

  /** A row and what decides whether it replaces another. */
  private record Stated<T>(T row, long revision) implements Serializable {}

  static final class Upsert<T extends SpecificRecord> extends DoFn<T, Void> {
    private final WarehouseConfig config;
    private final String pipeline;
    private final Contract contract;
    private final long generation;
    private transient @Nullable DataSource connections;
    // By key, so that two transactions lock their rows in one order.
    private transient TreeMap<String, Stated<T>> rows = new TreeMap<>();
    // Texts, made once: a stream has many small bundles.
    private final String table;
    private final String upsertLive;
    private final @Nullable String dropSuperseded;

    private Upsert(WarehouseConfig config, String pipeline, Contract contract, long generation) {
      this.config = config;
      this.pipeline = pipeline;
      this.contract = contract;
      this.generation = generation;
      TableSql sql = new TableSql(contract);
      this.table = sql.name();
      this.upsertLive = sql.upsertLive();
      this.dropSuperseded = contract.disjoint().isPresent() ? sql.dropSuperseded() : null;
    }

    @Setup
    public void open() {
      connections = LiveConnections.acquire(config, pipeline);
    }

    @Teardown
    public void close() {
      if (connections != null) {
        connections = null;
        LiveConnections.release(config, pipeline);
      }
    }

    @StartBundle
    public void start() {
      rows = new TreeMap<>();
    }

    @ProcessElement
    public void process(@Element T row) throws InterruptedException {
      long revision = Revision.of(contract, row);
      rows.merge(
          RecordKey.line(contract.key(), row),
          new Stated<>(row, revision),
          (one, other) -> one.revision() > other.revision() ? one : other);
      if (rows.size() == BATCH) {
        flush();
      }
    }

    @FinishBundle
    public void finish() throws InterruptedException {
      if (!rows.isEmpty()) {
        flush();
      }
    }

    private void flush() throws InterruptedException {
      long begin = System.nanoTime();
      long end = begin + Duration.ofSeconds(PATIENCE_SECONDS).toNanos();
      for (long pause = 50; ; pause = Math.min(2 * pause, 5_000)) {
        try (Connection connection = Objects.requireNonNull(connections).getConnection()) {
          write(connection);
          ROWS.inc(rows.size());
          RETRIES.inc(0); // so that it is there
          MILLIS.inc((System.nanoTime() - begin) / 1_000_000);
          WRITTEN_AT.set(System.currentTimeMillis());
          rows.clear();
          return;
        } catch (SQLException error) {
          if (!WarehouseErrors.isTransient(error) || System.nanoTime() > end) {
            throw WarehouseErrors.explain(error, config);
          }
          RETRIES.inc();
          LOG.info(
              "The table {} could not be written (SQLSTATE {}); trying again.",
              contract.table(),
              error.getSQLState());
          Thread.sleep(pause);
        }
      }
    }

    private void write(Connection connection) throws SQLException {
      connection.setAutoCommit(false);
      try {
        if (dropSuperseded != null) {
          lock(connection);
        }
        try (PreparedStatement upsert = connection.prepareStatement(upsertLive)) {
          RowSetter<T> setter = new RowSetter<>(contract);
          int columns = contract.fields().size();
          for (Stated<T> stated : rows.values()) {
            setter.setParameters(stated.row(), upsert);
            upsert.setLong(columns + 1, generation);
            upsert.setLong(columns + 2, stated.revision());
            upsert.addBatch();
          }
          upsert.executeBatch();
        }
        if (dropSuperseded != null) {
          dropSuperseded(connection, dropSuperseded, contract.disjoint().orElseThrow());
        }
        connection.commit();
      } catch (SQLException failed) {
        try {
          connection.rollback();
        } catch (SQLException alsoFailed) {
          failed.addSuppressed(alsoFailed);
        }
        throw failed;
      }
    }

    /** Keeps others away from the rows that ours may supersede, or be superseded by. */
    private void lock(Connection connection) throws SQLException {
      TreeSet<Integer> buckets = new TreeSet<>();
      List<FieldContract> whose = contract.keyBesidesInterval();
      rows.values()
          .forEach(
              stated ->
                  buckets.add(
                      Math.floorMod(RecordKey.line(whose, stated.row()).hashCode(), BUCKETS)));
      for (int bucket : buckets) {
        new Sql(connection).run("SELECT pg_advisory_xact_lock(hashtext(?), ?)", table, bucket);
      }
    }

    private void dropSuperseded(Connection connection, String statement, Contract.Interval interval)
        throws SQLException {
      try (PreparedStatement drop = connection.prepareStatement(statement)) {
        for (Stated<T> stated : rows.values()) {
          int index = 1;
          for (FieldContract field : contract.keyBesidesInterval()) {
            RowSetter.set(drop, index++, field, stated.row());
          }
          RowSetter.set(drop, index++, interval.to(), stated.row());
          RowSetter.set(drop, index, interval.from(), stated.row());
          drop.addBatch();
        }
        drop.executeBatch();
      }
    }
  }
}

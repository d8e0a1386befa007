package dev.millrace.pipelines.io.warehouse;

import dev.millrace.contract.Contract;
import dev.millrace.pipelines.UserError;
import java.io.Serializable;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.apache.avro.specific.SpecificRecord;

/**
 * A PostgreSQL warehouse, one run of a pipeline, and the tables the run states.
 *
 * <pre>{@code
 * Warehouse warehouse = Warehouse.at(config).forRun(run).withTables(contracts);
 * try (PreparedWarehouse prepared = warehouse.prepare()) {
 *   PCollection<Void> facts = rows.apply("WriteFacts", warehouse.table(SaleFact.class));
 *   balanced.apply("PublishWarehouse", warehouse.publish().after(List.of(facts, ...)));
 *   pipeline.run().waitUntilFinish();
 * }
 * }</pre>
 *
 * <p>Rows go into a staging schema of the run; one transaction makes them the answer. Readers see
 * the answer of the run before or that of this one, whole. A batch run states the whole answer:
 * rows that it does not state are deleted, in tables with a column {@code pipeline} those of its
 * own pipeline. Tables come from contracts: they are made when missing, and get the new optional
 * columns of a later contract; nothing else about them is changed.
 *
 * <p>Several runs can write at the same time; their publications follow one another, and the last
 * one stands.
 *
 * <p>A live run, which never states a whole answer, upserts its rows instead: {@link #prepareLive},
 * {@link UpsertTable}.
 *
 * <p>Immutable and serializable. Of a password it holds where it is found; one that stands in the
 * URL itself goes with the URL, so do not put it there for a cluster.
 */
public final class Warehouse implements Serializable {

  private final WarehouseConfig config;
  private final @org.jspecify.annotations.Nullable Run run;
  private final List<Contract> parentsFirst;

  private Warehouse(
      WarehouseConfig config,
      @org.jspecify.annotations.Nullable Run run,
      List<Contract> parentsFirst) {
    this.config = config;
    this.run = run;
    this.parentsFirst = parentsFirst;
  }

  /** The warehouse of a config. Nothing is connected yet. */
  public static Warehouse at(WarehouseConfig config) {
    return new Warehouse(config, null, List.of());
  }

  /** The same for a run. */
  public Warehouse forRun(Run of) {
    return new Warehouse(config, of, parentsFirst);
  }

  /**
   * The same with the tables of these contracts. Each needs a key, and every table that one refers
   * to must be among them; else an {@link IllegalArgumentException}.
   */
  public Warehouse withTables(Collection<Contract> contracts) {
    return new Warehouse(config, run, TableSql.parentsFirst(contracts));
  }

  /**
   * Connects, makes or evolves the tables, drops what dead runs left, and makes the staging schema.
   * Called before the pipeline runs; the result is kept open until it has ended. A {@link
   * UserError} says in a sentence what is wrong with the warehouse and what to do.
   */
  public PreparedWarehouse prepare() {
    return PreparedWarehouse.of(config, run(), parentsFirst);
  }

  /**
   * The same for a live run, whose rows {@link PreparedWarehouse#upsert} writes. Until this is
   * closed a batch of the same pipeline, which would delete what it does not state, is refused.
   */
  public PreparedWarehouse prepareLive() {
    return PreparedWarehouse.live(config, run(), parentsFirst);
  }

  /** Writes rows of a table; see {@link WriteTable}. */
  public <T extends SpecificRecord> WriteTable<T> table(Class<T> type) {
    return table(Contract.of(type));
  }

  /** Writes rows of a table; see {@link WriteTable}. */
  public <T extends SpecificRecord> WriteTable<T> table(Contract contract) {
    if (!parentsFirst.contains(contract)) {
      throw new IllegalArgumentException(
          "contract "
              + contract.name()
              + " is not among the tables of this warehouse: add it in"
              + " withTables");
    }
    return new WriteTable<>(config, run(), contract);
  }

  /**
   * The same for a run that states the rows of a time only. It may be prepared while a live run
   * writes.
   */
  public PreparedWarehouse prepareBackfill() {
    return PreparedWarehouse.backfill(config, run(), parentsFirst);
  }

  /** Makes the run visible, which states the rows of a time only; others stay as they are. */
  public PublishWarehouse publish(TimeRange within) {
    return new PublishWarehouse(
        config, new Publication(config, run(), parentsFirst, within), List.of());
  }

  /** Makes the run visible; see {@link PublishWarehouse}. */
  public PublishWarehouse publish() {
    return new PublishWarehouse(config, new Publication(config, run(), parentsFirst), List.of());
  }

  /** What an error of a run that wrote here means for the user, if the warehouse was its cause. */
  public Optional<UserError> explain(Throwable error) {
    return WarehouseErrors.explain(error, config);
  }

  /** The step of a live run that writes rows of a table, to be looked at; it cannot run. */
  public <T extends SpecificRecord> UpsertTable<T> outline(Class<T> type) {
    return new UpsertTable<>(config, run().pipeline(), Contract.of(type), 0);
  }

  private Run run() {
    if (run == null) {
      throw new IllegalStateException("say which run writes: Warehouse.at(config).forRun(run)");
    }
    return run;
  }

  /** Host and database. */
  public String where() {
    return config.where();
  }

  /** Names the place, not how to get in. */
  @Override
  public String toString() {
    return "Warehouse[" + config.where() + "]";
  }
}

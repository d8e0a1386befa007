package dev.millrace.pipelines.io.warehouse;

import java.util.ArrayList;
import java.util.List;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.Flatten;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Wait;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionList;

/**
 * Makes a run visible in the warehouse, in one transaction, when everything is written and its
 * input says so.
 *
 * <p><b>Input:</b> the gate: one element, of any type, that is there only if the run may be
 * published. Without one nothing is published. <b>Output:</b> what changed, one {@link TableChange}
 * for each table; all zero but {@code rows} when the same answer is stated again.
 * <b>Bounded/unbounded:</b> bounded. <b>State and timers:</b> none. <b>Reasons:</b> none.
 * <b>Guarantee:</b> exactly once: all tables or none, and a retry after the transaction was
 * committed changes nothing and gives the same output, because the run is noted in the table {@code
 * run} by the same transaction. <b>Runners:</b> all.
 */
public final class PublishWarehouse extends PTransform<PCollection<?>, PCollection<TableChange>> {

  private final WarehouseConfig config;
  private final Publication publication;
  private final List<PCollection<Void>> signals;

  PublishWarehouse(
      WarehouseConfig config, Publication publication, List<PCollection<Void>> signals) {
    this.config = config;
    this.publication = publication;
    this.signals = signals;
  }

  /** Waits for these too: the outputs of every {@link WriteTable} of the run. */
  public PublishWarehouse after(List<PCollection<Void>> written) {
    List<PCollection<Void>> all = new ArrayList<>(signals);
    all.addAll(written);
    return new PublishWarehouse(config, publication, all);
  }

  @Override
  public PCollection<TableChange> expand(PCollection<?> gate) {
    if (signals.isEmpty()) {
      throw new IllegalStateException(
          "say what to wait for: warehouse.publish().after(outputs of warehouse.table(...))");
    }
    return publishAfter(gate);
  }

  private <G> PCollection<TableChange> publishAfter(PCollection<G> gate) {
    // Waiting costs a handful of steps for each thing waited for: so for one.
    PCollection<Void> written =
        PCollectionList.of(signals).apply("AllWritten", Flatten.pCollections());
    return gate.apply("AwaitRows", Wait.on(written))
        .apply("Publish", ParDo.of(new Publish<>(config, publication)))
        .setCoder(TableChange.coder());
  }

  private static final class Publish<G> extends DoFn<G, TableChange> {
    private final WarehouseConfig config;
    private final Publication publication;

    private Publish(WarehouseConfig config, Publication publication) {
      this.config = config;
      this.publication = publication;
    }

    @ProcessElement
    public void process(OutputReceiver<TableChange> out) throws InterruptedException {
      publication.publish(new WarehouseConnections(config).pool()).forEach(out::output);
    }
  }
}

package dev.millrace.benchmarks.flink;

import dev.millrace.contract.Contract;
import dev.millrace.flink.Main;
import dev.millrace.pipelines.clickstream.ClickstreamConfig;
import dev.millrace.pipelines.clickstream.ClickstreamInputs;
import dev.millrace.pipelines.clickstream.ClickstreamOptions;
import dev.millrace.pipelines.clickstream.ClickstreamPipeline;
import dev.millrace.pipelines.clickstream.ClickstreamResults;
import dev.millrace.pipelines.io.RecordFiles;
import dev.millrace.runners.Engine;
import dev.millrace.schemas.retail.Product;
import dev.millrace.schemas.retail.ProductClass;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.schemas.web.Events5m;
import dev.millrace.schemas.web.ShopEvent;
import dev.millrace.schemas.web.ShopMinute;
import dev.millrace.schemas.web.ShopSession;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.refine.Vault;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.runners.flink.FlinkPipelineOptions;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult.State;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollection.IsBounded;

/**
 * The flow of {@code clickstream} as it is in the catalogue, as a stream, with the settings of
 * {@code millrace run} and state in RocksDB.
 */
final class WholeMillraceJob {

  private static final String LAST = "DedupEvents";
  private static final Set<String> STAGES = Set.of("RefineEvents", "EnrichEvents", LAST);

  private WholeMillraceJob() {}

  static EventsAnswer run(EventsInput input) throws Exception {
    WholeCollected.clear();
    Path directory = Files.createTempDirectory("millrace");
    Path key = directory.resolve("secret.key");
    Vault.createIfAbsent(key);
    Files.writeString(
        directory.resolve("config.yaml"),
        "taskmanager.memory.managed.size: "
            + WholeNativeJob.STATE.getBytes()
            + " b\nstate.backend.incremental: true\n");
    Engine engine = Main.engine(directory);
    List<String> arguments = new ArrayList<>(engine.defaults());
    arguments.removeIf(
        option ->
            option.startsWith("--parallelism=")
                || option.startsWith("--stateBackend=")
                || option.startsWith("--checkpointingInterval="));
    arguments.addAll(
        List.of(
            "--streaming=true",
            "--parallelism=1",
            "--stateBackend=rocksdb",
            "--flinkConfDir=" + directory,
            "--checkpointingInterval=" + WholeNativeJob.CHECKPOINTS.toMillis()));
    FlinkPipelineOptions options =
        PipelineOptionsFactory.fromArgs(arguments.toArray(String[]::new))
            .as(FlinkPipelineOptions.class);
    ClickstreamOptions settings = options.as(ClickstreamOptions.class);
    settings.setSecret("file:" + key);
    Pipeline pipeline = Pipeline.create(options);
    PCollection<RawRecord> events =
        read(pipeline, "--events", input.path(), ShopEvent.class)
            .apply("Hold", ParDo.of(new Hold()))
            .setCoder(RawRecord.coder())
            // A stream: what follows may not wait for its end.
            .setIsBoundedInternal(IsBounded.UNBOUNDED);
    ClickstreamResults results =
        ClickstreamPipeline.flow(
            new ClickstreamInputs(
                events,
                read(pipeline, "--products", WholeNativeJob.products(input), Product.class),
                read(
                    pipeline,
                    "--product-classes",
                    WholeNativeJob.productClasses(input),
                    ProductClass.class),
                true),
            ClickstreamConfig.from(settings),
            "0");
    results.answers().events5m().apply("TakeEvents5m", ParDo.of(new TakeFiveMinutes()));
    results.answers().minutes().apply("TakeMinutes", ParDo.of(new TakeMinutes()));
    results.answers().sessions().apply("TakeSessions", ParDo.of(new TakeVisits()));
    results.rejects().apply("TakeRejects", ParDo.of(new TakeRejects()));
    results.ledger().apply("TakeLedger", ParDo.of(new TakeLedger()));
    options.setRunner(engine.runner());
    State state = pipeline.run().waitUntilFinish();
    if (state != State.DONE) {
      throw new IllegalStateException("the pipeline ended in the state " + state);
    }
    return WholeCollected.answer();
  }

  private static PCollection<RawRecord> read(
      Pipeline pipeline, String option, Path file, Class<? extends SpecificRecord> type) {
    return pipeline.apply(
        "Read" + option, RecordFiles.read(option, file.toString(), Contract.of(type)));
  }

  /**
   * Lets a few events through, and the others when those have come to a row. Until the products are
   * there, which takes a moment, Beam keeps all events on the heap, and a file would have been read
   * by then: that is the beginning of a stream, and not what it costs. The jobs by hand have their
   * products before the first event.
   */
  static final class Hold extends DoFn<RawRecord, RawRecord> {
    private static final int FIRST = 100;

    private transient int let;

    @ProcessElement
    public void process(@Element RawRecord record, OutputReceiver<RawRecord> out)
        throws InterruptedException {
      if (let == FIRST) {
        WholeCollected.awaitRow();
      }
      let++;
      out.output(record);
    }
  }

  private static long tenThousandths(BigDecimal amount) {
    return amount.movePointRight(4).longValueExact();
  }

  static final class TakeFiveMinutes extends DoFn<Events5m, Void> {
    @ProcessElement
    public void process(@Element Events5m row) {
      WholeCollected.fiveMinutes(
          row.getWindowStart().toEpochMilli(),
          row.getAction(),
          row.getEvents(),
          tenThousandths(row.getRevenue()));
    }
  }

  static final class TakeMinutes extends DoFn<ShopMinute, Void> {
    @ProcessElement
    public void process(@Element ShopMinute row) {
      WholeCollected.minute(
          row.getWindowStart().toEpochMilli(),
          row.getDeviceClass(),
          row.getViews(),
          row.getCarts(),
          row.getPurchases(),
          tenThousandths(row.getRevenue()));
    }
  }

  static final class TakeVisits extends DoFn<ShopSession, Void> {
    @ProcessElement
    public void process(@Element ShopSession row) {
      WholeCollected.visit(
          row.getUserId(),
          row.getSessionStart().toEpochMilli(),
          row.getSessionEnd().toEpochMilli(),
          row.getEvents(),
          row.getPages(),
          row.getPurchased(),
          tenThousandths(row.getRevenue()));
    }
  }

  static final class TakeRejects extends DoFn<DeadLetter, Void> {
    @ProcessElement
    public void process(@Element DeadLetter letter) {
      WholeCollected.reject();
    }
  }

  static final class TakeLedger extends DoFn<LedgerEntry, Void> {
    @ProcessElement
    public void process(@Element LedgerEntry entry) {
      if (STAGES.contains(entry.getStage())) {
        String of = entry.getStage() + "|" + entry.getSource();
        WholeCollected.count("invalid", of, entry.getInvalid());
        WholeCollected.count("late", of, entry.getLate());
        WholeCollected.count("duplicate", of, entry.getDuplicate());
        if (entry.getStage().equals(LAST)) {
          WholeCollected.count("good", of, entry.getWritten());
        }
      }
    }
  }
}

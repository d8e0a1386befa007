package dev.millrace.benchmarks.flink;

import dev.millrace.contract.Contract;
import dev.millrace.pipelines.io.RecordFiles;
import dev.millrace.pipelines.io.RecordTopic;
import dev.millrace.runners.Engine;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.schemas.web.ShopEvent;
import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.ledger.Ledger;
import dev.millrace.transforms.refine.Refine;
import dev.millrace.transforms.refine.Vault;
import dev.millrace.transforms.rejects.Rejects;
import dev.millrace.transforms.window.Aggregate;
import dev.millrace.transforms.window.Totals;
import dev.millrace.transforms.window.WindowPolicy;
import dev.millrace.transforms.window.Windowed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.PipelineResult.State;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.values.PBegin;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollection.IsBounded;

/**
 * The same work by Millrace, with the settings of {@code millrace run}: it refines by the contract,
 * with reasons, positions, encrypted payloads, tokens for private values, dead letters and a
 * ledger, none of which the jobs that are written by hand have.
 */
final class MillraceJob {

  private static final Duration MAX_LATENESS = Duration.ofMinutes(10);
  private static final BigDecimal NOTHING = new BigDecimal("0.0000");

  private MillraceJob() {}

  /** How it is run. */
  enum Mode {
    STREAM,
    BATCH,
    DIRECT
  }

  static EventsAnswer run(EventsInput input, Mode mode) throws Exception {
    Collected.clear(input.bySession());
    Path directory = temporary();
    Path key = directory.resolve("secret.key");
    Vault.createIfAbsent(key);
    Engine engine =
        mode == Mode.DIRECT
            ? dev.millrace.direct.Main.engine()
            : dev.millrace.flink.Main.engine(directory);
    PipelineOptions options =
        PipelineOptionsFactory.fromArgs(arguments(engine, mode).toArray(String[]::new)).create();
    Pipeline pipeline = Pipeline.create(options);
    Accounted<ShopEvent> refined =
        pipeline
            .apply("Read", read(input))
            // Of a stream, what follows may not wait for its end.
            .setIsBoundedInternal(mode == Mode.STREAM ? IsBounded.UNBOUNDED : IsBounded.BOUNDED)
            .apply(
                "Refine",
                Refine.json(ShopEvent.class)
                    .as("Refine")
                    .without(unneeded(input))
                    .withSecret("file:" + key)
                    .lateAfter(MAX_LATENESS)
                    .futureAfter(Duration.ofMinutes(1)));
    refined
        .good()
        .apply(
            "Minutes",
            Windowed.tumbling(NativeJob.MINUTE)
                .withPolicy(policy(input))
                .keyedBy(key(input), StringUtf8Coder.of())
                .sum(MillraceJob::revenue))
        .apply("TakeMinutes", ParDo.of(new TakeMinutes()));
    PCollection<DeadLetter> rejects = Rejects.of("benchmark", "0", refined);
    rejects.apply("TakeRejects", ParDo.of(new TakeRejects()));
    Ledger.of("benchmark", refined).apply("TakeLedger", ParDo.of(new TakeLedger()));
    options.setRunner(engine.runner());
    PipelineResult job = pipeline.run();
    if (input.isTopic()) {
      // What reads a topic without an end does not end: all is done when all is accounted for.
      while (Collected.judged() < input.records() || Collected.missing() > 0) {
        if (job.getState() != State.RUNNING) {
          break;
        }
        TimeUnit.MILLISECONDS.sleep(10);
      }
      job.cancel();
      return Collected.answer();
    }
    State state = job.waitUntilFinish();
    if (state != State.DONE) {
      throw new IllegalStateException("the pipeline ended in the state " + state);
    }
    return Collected.answer();
  }

  private static List<String> arguments(Engine engine, Mode mode) {
    List<String> arguments = new ArrayList<>(engine.defaults());
    if (mode != Mode.DIRECT) {
      arguments.removeIf(option -> option.startsWith("--parallelism="));
      arguments.add("--parallelism=1");
    }
    if (mode == Mode.STREAM) {
      arguments.add("--streaming=true");
    }
    return arguments;
  }

  private static SerializableFunction<ShopEvent, String> key(EventsInput input) {
    return input.bySession() ? ShopEvent::getSessionId : ShopEvent::getAction;
  }

  /** What the sums do not look at. */
  private static String[] unneeded(EventsInput input) {
    List<String> fields =
        new ArrayList<>(List.of("user_id", "product_id", "url", "referrer", "user_agent"));
    if (!input.bySession()) {
      fields.add("session_id");
    }
    return fields.toArray(String[]::new);
  }

  private static PTransform<PBegin, PCollection<RawRecord>> read(EventsInput input) {
    return input.isTopic()
        ? RecordTopic.read("--events", input.uri(), MAX_LATENESS)
        : RecordFiles.read("--events", input.uri(), Contract.of(ShopEvent.class));
  }

  /** Where there is no end, windows state what they hold before theirs. */
  private static WindowPolicy policy(EventsInput input) {
    WindowPolicy policy = WindowPolicy.onTime().withLateness(NativeJob.OUT_OF_ORDER);
    return input.isTopic() ? policy.withEarly(Duration.ofMillis(500)) : policy;
  }

  private static Path temporary() {
    try {
      return Files.createTempDirectory("millrace");
    } catch (IOException full) {
      throw new UncheckedIOException(full);
    }
  }

  private static BigDecimal revenue(ShopEvent event) {
    BigDecimal price = event.getPrice();
    if (price == null || !event.getAction().equals("purchase")) {
      return NOTHING;
    }
    Integer quantity = event.getQuantity();
    return price.multiply(BigDecimal.valueOf(quantity == null ? 1 : quantity));
  }

  static final class TakeMinutes extends DoFn<Aggregate<String, Totals>, Void> {
    @ProcessElement
    public void process(@Element Aggregate<String, Totals> minute) {
      Collected.minute(
          minute.startMillis(),
          minute.key(),
          minute.result().count(),
          minute.result().sum(0).movePointRight(4).longValueExact());
    }
  }

  static final class TakeRejects extends DoFn<DeadLetter, Void> {
    @ProcessElement
    public void process(@Element DeadLetter letter) {
      Collected.reject();
    }
  }

  static final class TakeLedger extends DoFn<LedgerEntry, Void> {
    @ProcessElement
    public void process(@Element LedgerEntry entry) {
      Collected.count(entry.getSource(), "good", entry.getWritten());
      Collected.count(entry.getSource(), "invalid", entry.getInvalid());
      Collected.count(entry.getSource(), "late", entry.getLate());
    }
  }
}

package dev.millrace.benchmarks.flink;

import dev.millrace.flink.Main;
import dev.millrace.pipelines.io.RecordTopic;
import dev.millrace.pipelines.io.WireRecords;
import dev.millrace.pipelines.io.WriteValues;
import dev.millrace.runners.Engine;
import dev.millrace.schemas.web.ShopEvent;
import dev.millrace.transforms.RawRecord;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.PipelineResult.State;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.PCollection;
import org.jspecify.annotations.Nullable;

/** A topic copied by Millrace, with the settings of {@code millrace run}. */
final class MillraceCopy {

  private MillraceCopy() {}

  static void run(TopicCopy copy) throws Exception {
    Engine engine = Main.engine(Files.createTempDirectory("millrace"));
    List<String> arguments = new ArrayList<>(engine.defaults());
    arguments.removeIf(option -> option.startsWith("--parallelism="));
    arguments.addAll(List.of("--streaming=true", "--parallelism=1"));
    PipelineOptions options =
        PipelineOptionsFactory.fromArgs(arguments.toArray(String[]::new)).create();
    Pipeline pipeline = Pipeline.create(options);
    PCollection<RawRecord> values =
        pipeline.apply(
            "Read", RecordTopic.read("--events", copy.input().uri(), Duration.ofMinutes(10)));
    String registry = copy.registry();
    String to = "kafka://" + copy.servers() + "/" + copy.to();
    if (registry == null) {
      values.apply("Write", WriteValues.to("--out", to, MillraceCopy::copied));
    } else {
      values
          .apply("Events", ParDo.of(new Events(registry, copy.to() + "-value")))
          .setCoder(ByteArrayCoder.of())
          .apply("Write", WriteValues.to("--out", to));
    }
    options.setRunner(engine.runner());
    PipelineResult job = pipeline.run();
    copy.await();
    if (job.getState() != State.RUNNING) {
      throw new IllegalStateException("the pipeline is in the state " + job.getState());
    }
    job.cancel();
  }

  private static byte[] copied(RawRecord record) {
    return new String(record.payload(), StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8);
  }

  static final class Events extends DoFn<RawRecord, byte[]> {
    private final String registry;
    private final String subject;
    private transient @Nullable WireRecords<ShopEvent> format;

    Events(String registry, String subject) {
      this.registry = registry;
      this.subject = subject;
    }

    @Setup
    public void open() {
      format = WireRecords.of("--events", registry, subject, ShopEvent.class);
    }

    @ProcessElement
    public void process(@Element RawRecord record, OutputReceiver<byte[]> out) throws IOException {
      WireRecords<ShopEvent> wire = Objects.requireNonNull(format);
      out.output(wire.write(wire.read(record.payload())));
    }
  }
}

package dev.millrace.benchmarks.flink;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/** What both jobs that are written by hand share: where they run, and how events are judged. */
final class NativeJob {

  static final Duration MINUTE = Duration.ofMinutes(1);

  /** No good event is further behind the newest one: 10 min of lateness, 1 min of skew. */
  static final Duration OUT_OF_ORDER = Duration.ofMinutes(12);

  /** Refused records, as they came. */
  static final OutputTag<byte[]> REJECTS = new OutputTag<>("rejects") {};

  private static final long MAX_LATENESS = Duration.ofMinutes(10).toMillis();
  private static final long MAX_SKEW = Duration.ofMinutes(1).toMillis();

  private NativeJob() {}

  /** One task of each step, checkpoints as Millrace has them by default. */
  static StreamExecutionEnvironment environment(boolean objectReuse) throws IOException {
    Configuration configuration = new Configuration();
    configuration.set(StateBackendOptions.STATE_BACKEND, "hashmap");
    configuration.set(
        CheckpointingOptions.CHECKPOINTS_DIRECTORY,
        Files.createTempDirectory("native").toUri().toString());
    configuration.set(ExecutionOptions.BUFFER_TIMEOUT, Duration.ofMillis(20));
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
    environment.enableCheckpointing(10_000);
    if (objectReuse) {
      environment.getConfig().enableObjectReuse();
    }
    return environment;
  }

  /** Lines of a file, or values of a topic, these with the time of their arrival as timestamp. */
  static DataStream<byte[]> lines(StreamExecutionEnvironment environment, EventsInput input) {
    if (input.isTopic()) {
      KafkaSource<byte[]> source =
          KafkaSource.<byte[]>builder()
              .setBootstrapServers(input.servers())
              .setTopics(input.topic())
              .setStartingOffsets(OffsetsInitializer.earliest())
              .setBounded(OffsetsInitializer.latest())
              // As Millrace's consumer is set.
              .setProperty("max.poll.records", "1000")
              .setValueOnlyDeserializer(new Value())
              .build();
      return environment.fromSource(source, WatermarkStrategy.noWatermarks(), "values");
    }
    FileSource<byte[]> source =
        FileSource.forRecordStreamFormat(
                new LineBytes(), new org.apache.flink.core.fs.Path(input.path().toUri()))
            .build();
    return environment.fromSource(source, WatermarkStrategy.noWatermarks(), "lines");
  }

  static EventsAnswer run(StreamExecutionEnvironment environment) throws Exception {
    JobExecutionResult result = environment.execute();
    for (String outcome : new String[] {"good", "invalid", "late"}) {
      Collected.count("all", outcome, result.<Long>getAccumulatorResult(outcome));
    }
    return Collected.answer();
  }

  /**
   * Whether the event came too late, or lies in the future; without an arrival it is on time.
   *
   * @param logged when the log received it, which goes before what the event says
   */
  static boolean isLate(Event event, @Nullable Long logged) {
    Long arrived = logged == null || logged < 0 ? event.arrived : logged;
    if (arrived == null) {
      return false;
    }
    long behind = arrived - event.happened;
    return behind > MAX_LATENESS || -behind > MAX_SKEW;
  }

  /** A step that counts its outcomes. */
  abstract static class Counting<I, O> extends ProcessFunction<I, O> {
    private static final long serialVersionUID = 1L;

    private final LongCounter good = new LongCounter();
    private final LongCounter invalid = new LongCounter();
    private final LongCounter late = new LongCounter();
    private final String[] outcomes;

    /** Which outcomes it counts. */
    Counting(String... outcomes) {
      this.outcomes = outcomes;
    }

    @Override
    public void open(Configuration parameters) {
      for (String outcome : outcomes) {
        getRuntimeContext().addAccumulator(outcome, counter(outcome));
      }
    }

    private LongCounter counter(String outcome) {
      return switch (outcome) {
        case "good" -> good;
        case "invalid" -> invalid;
        default -> late;
      };
    }

    final void good(O record, Collector<O> out) {
      good.add(1L);
      out.collect(record);
    }

    final void refuse(byte[] record, boolean forLateness, Context context) {
      (forLateness ? late : invalid).add(1L);
      context.output(REJECTS, record);
    }
  }

  /** The bytes of a record's value, as they are. */
  private static final class Value extends AbstractDeserializationSchema<byte[]> {
    private static final long serialVersionUID = 1L;

    @Override
    public byte[] deserialize(byte[] message) {
      return message;
    }
  }
}

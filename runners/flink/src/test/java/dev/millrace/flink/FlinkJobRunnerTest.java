package dev.millrace.flink;

import static org.awaitility.Awaitility.await;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.nullValue;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.beam.runners.flink.FlinkPipelineOptions;
import org.apache.beam.runners.flink.FlinkRunner;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult.State;
import org.apache.beam.sdk.PipelineRunner;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.io.GenerateSequence;
import org.apache.beam.sdk.io.kafka.KafkaIO;
import org.apache.beam.sdk.metrics.Counter;
import org.apache.beam.sdk.metrics.MetricResult;
import org.apache.beam.sdk.metrics.Metrics;
import org.apache.beam.sdk.metrics.MetricsFilter;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.View;
import org.apache.beam.sdk.transforms.WithKeys;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.TypeDescriptors;
import org.apache.kafka.common.serialization.IntegerSerializer;
import org.apache.kafka.common.serialization.LongSerializer;
import org.joda.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What the command line needs of a job of Flink, on real clusters inside this process. */
@Timeout(120)
class FlinkJobRunnerTest {

  private static final AtomicInteger ATTEMPTS = new AtomicInteger();
  private static final AtomicBoolean FAULT = new AtomicBoolean();
  private static final Set<Integer> SUMS = ConcurrentHashMap.newKeySet();

  @TempDir Path directory;

  @Test
  void aBatchEndsDoneAndKeepsItsCounters() {
    // Given
    Pipeline pipeline = pipeline();
    pipeline
        .apply(Create.of(1, 2, 3).withCoder(VarIntCoder.of()))
        .apply(ParDo.of(new Counting<>()));

    // When
    FlinkJob job = run(pipeline);
    State state = job.waitUntilFinish();

    // Then
    assertThat(state, equalTo(State.DONE));
    assertThat(counted(job), equalTo(3L));
    assertThat(directory.resolve(".millrace/flink/checkpoints").toFile().exists(), equalTo(false));
  }

  @Test
  void beamKnowsTheRunnerWhenItChecksThePipeline() {
    // Given: as Kafka's exactly-once sink does, which refuses runners it does not know by name
    Pipeline pipeline = pipeline();
    PipelineOptions options = pipeline.getOptions();

    // When
    PipelineRunner.fromOptions(options);

    // Then
    assertThat(options.getRunner(), equalTo(FlinkRunner.class));
  }

  @Test
  void aSinkWhoseTransactionsBelongToOneRunIsNotResumed() {
    // Given
    Pipeline pipeline =
        pipeline("--flinkMaster=127.0.0.1:1", "--savepointPath=there", "--parallelism=1");
    pipeline
        .apply(GenerateSequence.from(1))
        .apply("One", WithKeys.of(1))
        .apply(
            "ToTopic",
            KafkaIO.<Integer, Long>write()
                .withBootstrapServers("127.0.0.1:1")
                .withTopic("numbers")
                .withKeySerializer(IntegerSerializer.class)
                .withValueSerializer(LongSerializer.class)
                .withEOS(1, "group"));

    // When
    UserError refused = assertThrows(UserError.class, () -> run(pipeline));

    // Then
    assertThat(refused.getMessage(), containsString("ToTopic"));
    assertThat(refused.getMessage(), containsString("writes exactly once"));
  }

  @Test
  void whatAStepThrewIsTheCause() {
    // Given
    Pipeline pipeline = pipeline();
    pipeline.apply(Create.of(1).withCoder(VarIntCoder.of())).apply(ParDo.of(new Refusing()));

    // When
    FlinkJob job = run(pipeline);
    RuntimeException failed = assertThrows(RuntimeException.class, job::waitUntilFinish);

    // Then
    assertThat(causes(failed), hasItem("UserError: too many rejects"));
    assertThat(job.getState(), equalTo(State.FAILED));
  }

  @Test
  void aStreamWithAFaultThatComesBackEndsWithItsCause() {
    // Given
    ATTEMPTS.set(0);
    Pipeline pipeline = pipeline("--parallelism=1");
    pipeline
        .apply(GenerateSequence.from(1).withRate(1_000, Duration.standardSeconds(1)))
        .apply(MapElements.into(TypeDescriptors.integers()).via(Long::intValue))
        .apply(ParDo.of(new Refusing()));

    // When
    FlinkJob job = run(pipeline);
    RuntimeException failed = assertThrows(RuntimeException.class, job::waitUntilFinish);

    // Then
    assertThat(causes(failed), hasItem("UserError: too many rejects"));
    assertThat(ATTEMPTS.get(), equalTo(4));
  }

  @Test
  void aStreamCanBeStoppedAndLeavesItsCheckpoints() throws IOException {
    // Given
    Pipeline pipeline = endless("--checkpointingInterval=200");

    // When
    FlinkJob job = run(pipeline);

    // Then
    assertThat(job.waitUntilFinish(Duration.millis(50)), nullValue());
    assertThat(job.getState(), equalTo(State.RUNNING));
    await()
        .atMost(60, TimeUnit.SECONDS)
        .untilAsserted(() -> assertThat(checkpoints(), not(empty())));
    assertThat(job.cancel(), equalTo(State.CANCELLED));
    assertThat(job.waitUntilFinish(), equalTo(State.CANCELLED));
    await()
        .atMost(60, TimeUnit.SECONDS)
        .untilAsserted(() -> assertThat("threads of the cluster", threads(), empty()));
    assertThat(checkpoints(), not(empty()));
  }

  @Test
  void aStreamGoesOnFromACheckpointAfterItsFinitePartsHaveEnded() throws IOException {
    // Given
    FAULT.set(false);
    SUMS.clear();
    Pipeline pipeline = pipeline("--checkpointingInterval=200", "--parallelism=1");
    PCollectionView<List<Integer>> finite =
        pipeline.apply(Create.of(1, 2, 3).withCoder(VarIntCoder.of())).apply(View.asList());
    pipeline
        .apply(GenerateSequence.from(0).withRate(1_000, Duration.standardSeconds(1)))
        .apply(ParDo.of(new Summing(finite)).withSideInputs(finite));
    FlinkJob job = run(pipeline);
    try {
      await()
          .atMost(60, TimeUnit.SECONDS)
          .untilAsserted(
              () -> {
                assertThat(SUMS, not(empty()));
                assertThat("tasks of the finite part", tasks("Source: Create.Values"), empty());
              });
      Set<Path> before = Set.copyOf(checkpoints());
      await().atMost(60, TimeUnit.SECONDS).until(() -> !before.containsAll(checkpoints()));

      // When
      FAULT.set(true);
      await().atMost(60, TimeUnit.SECONDS).until(() -> !FAULT.get());
      SUMS.clear();

      // Then
      await()
          .atMost(60, TimeUnit.SECONDS)
          .untilAsserted(() -> assertThat(SUMS, equalTo(Set.of(6))));
      assertThat(job.getState(), equalTo(State.RUNNING));
    } finally {
      job.cancel();
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void nobodyElseReachesTheClusterInTheProcess() throws IOException {
    // Given
    Pipeline pipeline = endless();

    // When
    FlinkJob job = run(pipeline);
    try {
      // Then
      List<String> open = listening();
      assertThat("Flink opens some port", open, not(empty()));
      assertThat(
          open.stream().filter(address -> !isLoopback(address)).toList(), equalTo(List.of()));
    } finally {
      job.cancel();
    }
  }

  private static FlinkJob run(Pipeline pipeline) {
    pipeline.getOptions().setRunner(FlinkJobRunner.class);
    return (FlinkJob) pipeline.run();
  }

  private Pipeline pipeline(String... more) {
    List<String> arguments = new ArrayList<>(Main.engine(directory).defaults());
    for (String option : more) {
      arguments.removeIf(given -> given.startsWith(option.replaceFirst("=.*", "=")));
      arguments.add(option);
    }
    FlinkPipelineOptions options =
        PipelineOptionsFactory.fromArgs(arguments.toArray(String[]::new))
            .as(FlinkPipelineOptions.class);
    options.setRunner(FlinkJobRunner.class);
    return Pipeline.create(options);
  }

  private Pipeline endless(String... more) {
    Pipeline pipeline = pipeline(more);
    pipeline
        .apply(GenerateSequence.from(0).withRate(1_000, Duration.standardSeconds(1)))
        .apply(ParDo.of(new Counting<>()));
    return pipeline;
  }

  static List<String> causes(Throwable failed) {
    return Stream.iterate(failed, cause -> cause != null, Throwable::getCause)
        .map(cause -> cause.getClass().getSimpleName() + ": " + cause.getMessage())
        .toList();
  }

  private static long counted(FlinkJob job) {
    long sum = 0;
    for (MetricResult<Long> counter :
        job.metrics().queryMetrics(MetricsFilter.builder().build()).getCounters()) {
      sum += counter.getName().getName().equals("counted") ? counter.getAttempted() : 0;
    }
    return sum;
  }

  private static List<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith("flink-"))
        .toList();
  }

  private static List<String> tasks(String of) {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith(of))
        .toList();
  }

  private List<Path> checkpoints() throws IOException {
    Path root = directory.resolve(".millrace/flink/checkpoints");
    if (!Files.exists(root)) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(root)) {
      return files.filter(file -> file.endsWith("_metadata")).toList();
    }
  }

  /** Addresses this process listens on, in the kernel's hexadecimal. */
  private static List<String> listening() throws IOException {
    Set<String> sockets = new HashSet<>();
    try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
      for (Path file : (Iterable<Path>) files::iterator) {
        // The listing itself is among them, and gone when it is asked.
        if (Files.isSymbolicLink(file)) {
          sockets.add(Files.readSymbolicLink(file).toString());
        }
      }
    }
    List<String> addresses = new ArrayList<>();
    for (String table : List.of("/proc/self/net/tcp", "/proc/self/net/tcp6")) {
      for (String line : Files.readAllLines(Path.of(table))) {
        String[] columns = line.strip().split(" +", -1);
        if (columns[3].equals("0A") && sockets.contains("socket:[" + columns[9] + "]")) {
          addresses.add(columns[1].replaceFirst(":.*", ""));
        }
      }
    }
    return addresses;
  }

  private static boolean isLoopback(String address) {
    return List.of(
            "0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")
        .contains(address);
  }

  /** Sums up the finite part for every element, and fails when it is told to. */
  private static final class Summing extends DoFn<Long, Integer> {
    private final PCollectionView<List<Integer>> finite;

    private Summing(PCollectionView<List<Integer>> finite) {
      this.finite = finite;
    }

    @ProcessElement
    public void process(ProcessContext context) {
      if (FAULT.compareAndSet(true, false)) {
        throw new IllegalStateException("a fault that does not come back");
      }
      SUMS.add(context.sideInput(finite).stream().mapToInt(Integer::intValue).sum());
    }
  }

  /** Counts what passes. */
  private static final class Counting<T> extends DoFn<T, T> {
    private final Counter counter = Metrics.counter("test", "counted");

    @ProcessElement
    public void process(@Element T element, OutputReceiver<T> out) {
      counter.inc();
      out.output(element);
    }
  }

  /** Refuses every run. */
  private static final class Refusing extends DoFn<Integer, Integer> {
    @ProcessElement
    public void process(@Element Integer element) {
      if (element > 0) {
        ATTEMPTS.incrementAndGet();
        throw new UserError("too many rejects");
      }
    }
  }
}

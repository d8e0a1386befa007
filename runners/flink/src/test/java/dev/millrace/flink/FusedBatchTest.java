package dev.millrace.flink;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsInAnyOrder;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.hasItem;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.beam.runners.flink.FlinkPipelineOptions;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult.State;
import org.apache.beam.sdk.coders.AtomicCoder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.Flatten;
import org.apache.beam.sdk.transforms.GroupByKey;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Sum;
import org.apache.beam.sdk.transforms.View;
import org.apache.beam.sdk.transforms.WithKeys;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.GlobalWindow;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionList;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.TupleTagList;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of a batch whose steps are made one task, on real clusters inside this process. */
@Timeout(120)
class FusedBatchTest {

  private static final TupleTag<Integer> ALL = new TupleTag<>() {};
  private static final TupleTag<Integer> EVEN = new TupleTag<>() {};
  private static final TupleTag<Integer> UNREAD = new TupleTag<>() {};

  private static final AtomicInteger ENCODED = new AtomicInteger();
  private static final AtomicInteger SPLIT = new AtomicInteger();
  private static final AtomicInteger SET_UP = new AtomicInteger();
  private static final AtomicInteger TORN_DOWN = new AtomicInteger();
  private static final Queue<String> FOUND = new ConcurrentLinkedQueue<>();

  @TempDir Path directory;

  @BeforeEach
  void nothingYet() {
    ENCODED.set(0);
    SPLIT.set(0);
    SET_UP.set(0);
    TORN_DOWN.set(0);
    FOUND.clear();
  }

  @Test
  void whatSeveralStepsReadIsHandedOnAsItIs() {
    // Given
    Pipeline pipeline = pipeline();
    PCollectionTuple split = split(pipeline, 1, 2, 3, 4, 5);
    sum(split.get(ALL), "all");
    sum(split.get(ALL), "all again");
    sum(split.get(EVEN), "even");

    // When
    run(pipeline);

    // Then: sums are told at the end of a bundle, of which each of two tasks has one
    assertThat(total("all"), equalTo(15));
    assertThat(total("all again"), equalTo(15));
    assertThat(total("even"), equalTo(6));
    assertThat("elements encoded", ENCODED.get(), equalTo(0));
    assertThat(SET_UP.get(), greaterThan(0));
    assertThat(TORN_DOWN.get(), equalTo(SET_UP.get()));
  }

  @Test
  void outputsThatLeaveArriveOnceEach() {
    // Given
    Pipeline pipeline = pipeline();
    PCollectionTuple split = split(pipeline, 1, 2, 3, 4);
    group(split.get(ALL), "all");
    group(split.get(EVEN), "even");
    group(
        PCollectionList.of(split.get(ALL)).and(split.get(EVEN)).apply(Flatten.pCollections()),
        "both");

    // When
    run(pipeline);

    // Then
    assertThat(
        FOUND, containsInAnyOrder("all: [1, 2, 3, 4]", "even: [2, 4]", "both: [1, 2, 2, 3, 4, 4]"));
  }

  @Test
  void aSideInputMadeOfTheSameElementsIsThereBeforeItIsRead() {
    // Given
    Pipeline pipeline = pipeline();
    PCollectionTuple split = split(pipeline, 1, 2, 3);
    PCollectionView<Iterable<Integer>> total =
        split.get(ALL).apply("Total", Sum.integersGlobally()).apply("TotalView", View.asIterable());
    PCollectionView<Iterable<Integer>> other =
        pipeline
            .apply("Other", Create.of(100).withCoder(VarIntCoder.of()))
            .apply("OtherView", View.asIterable());
    beside(split.get(ALL), total, "Shares");
    beside(split.get(EVEN), other, "Others");

    // When
    run(pipeline);

    // Then
    assertThat(FOUND, containsInAnyOrder("1 of 6", "2 of 6", "3 of 6", "2 of 100"));
  }

  @ParameterizedTest
  @CsvSource({"One, Other", "Other, One"})
  void stepsWhoseElementsOthersReadBesideTheirOwnRunOnce(String reader, String read) {
    // Given: whichever of the two is fused first
    Pipeline pipeline = pipeline();
    PCollectionTuple reads = split(pipeline, reader, 1, 2);
    PCollectionTuple isRead = split(pipeline, read, 3, 4);
    beside(reads.get(ALL), isRead.get(EVEN).apply("View", View.asIterable()), "Beside");
    group(isRead.get(ALL), "read");

    // When
    run(pipeline);

    // Then
    assertThat(FOUND, containsInAnyOrder("1 of 4", "2 of 4", "read: [3, 4]"));
    assertThat("elements that were split", SPLIT.get(), equalTo(4));
  }

  @Test
  void stepsThatReadEachOthersElementsBesideTheirOwnRunOnceEach() {
    // Given: neither of two trees is there as a whole before the other
    Pipeline pipeline = pipeline();
    PCollectionTuple one = split(pipeline, "One", 1, 2);
    PCollectionTuple other = split(pipeline, "Other", 3, 4);
    PCollectionView<Iterable<Integer>> evenOfOne =
        one.get(EVEN).apply("ViewOne", View.asIterable());
    PCollectionView<Iterable<Integer>> evenOfOther =
        other.get(EVEN).apply("ViewOther", View.asIterable());
    beside(one.get(ALL), evenOfOther, "OneBesideOther");
    beside(other.get(ALL), evenOfOne, "OtherBesideOne");

    // When
    run(pipeline);

    // Then
    assertThat(FOUND, containsInAnyOrder("1 of 4", "2 of 4", "3 of 2", "4 of 2"));
    assertThat("elements that were split", SPLIT.get(), equalTo(4));
  }

  @Test
  void aStepThatFailsEndsTheJobAndTheOthersLetGo() {
    // Given
    Pipeline pipeline = pipeline();
    PCollectionTuple split = split(pipeline, 1, 2, 3);
    sum(split.get(ALL), "all");
    split.get(EVEN).apply("Fail", ParDo.of(new Failing()));

    // When
    RuntimeException failed = assertThrows(RuntimeException.class, () -> run(pipeline));

    // Then
    assertThat(FlinkJobRunnerTest.causes(failed), hasItem("IllegalStateException: 2 is too much"));
    assertThat(SET_UP.get(), greaterThan(0));
    assertThat(TORN_DOWN.get(), equalTo(SET_UP.get()));
  }

  // ------------------------------------------------------------------------------------ pipelines

  private Pipeline pipeline() {
    FlinkPipelineOptions options =
        PipelineOptionsFactory.fromArgs(Main.engine(directory).defaults().toArray(String[]::new))
            .as(FlinkPipelineOptions.class);
    options.setParallelism(2);
    return Pipeline.create(options);
  }

  private static void run(Pipeline pipeline) {
    FlinkJob job = FlinkJobRunner.fromOptions(pipeline.getOptions()).run(pipeline);
    assertThat(job.waitUntilFinish(), equalTo(State.DONE));
  }

  private static PCollectionTuple split(Pipeline pipeline, Integer... numbers) {
    return split(pipeline, "Numbers", numbers);
  }

  private static PCollectionTuple split(Pipeline pipeline, String name, Integer... numbers) {
    PCollectionTuple split =
        pipeline
            .apply(name, Create.of(List.of(numbers)).withCoder(VarIntCoder.of()))
            .apply(
                "Split " + name,
                ParDo.of(new Split()).withOutputTags(ALL, TupleTagList.of(EVEN).and(UNREAD)));
    split.getAll().values().forEach(output -> cast(output).setCoder(new Counted()));
    return split;
  }

  @SuppressWarnings("unchecked") // all outputs are numbers
  private static PCollection<Integer> cast(PCollection<?> output) {
    return (PCollection<Integer>) output;
  }

  private static void beside(
      PCollection<Integer> numbers, PCollectionView<Iterable<Integer>> view, String name) {
    numbers
        .apply(name, ParDo.of(new Beside(view)).withSideInputs(view))
        .setCoder(StringUtf8Coder.of())
        .apply("Keep " + name, ParDo.of(new Keep()));
  }

  private static void sum(PCollection<Integer> numbers, String name) {
    group(numbers.apply("Sum " + name, ParDo.of(new SumUp())).setCoder(VarIntCoder.of()), name);
  }

  private static void group(PCollection<Integer> numbers, String name) {
    numbers
        .apply("Key " + name, WithKeys.of(name))
        .setCoder(KvCoder.of(StringUtf8Coder.of(), VarIntCoder.of()))
        .apply("Group " + name, GroupByKey.create())
        .apply("Keep " + name, ParDo.of(new KeepGroup()));
  }

  private static int total(String name) {
    return FOUND.stream()
        .filter(line -> line.startsWith(name + ": "))
        .flatMap(line -> Stream.of(line.replaceAll(".*\\[|]", "").split(", ", -1)))
        .mapToInt(Integer::parseInt)
        .sum();
  }

  private static final class Split extends DoFn<Integer, Integer> {
    @ProcessElement
    public void process(@Element Integer number, MultiOutputReceiver out) {
      SPLIT.incrementAndGet();
      out.get(ALL).output(number);
      if (number % 2 == 0) {
        out.get(EVEN).output(number);
      }
      out.get(UNREAD).output(number);
    }
  }

  static final class SumUp extends DoFn<Integer, Integer> {
    private int sum;

    @Setup
    public void setUp() {
      SET_UP.incrementAndGet();
    }

    @ProcessElement
    public void process(@Element Integer number) {
      sum += number;
    }

    @FinishBundle
    public void finish(FinishBundleContext context) {
      context.output(sum, BoundedWindow.TIMESTAMP_MIN_VALUE, GlobalWindow.INSTANCE);
      sum = 0;
    }

    @Teardown
    public void tearDown() {
      TORN_DOWN.incrementAndGet();
    }
  }

  private static final class Beside extends DoFn<Integer, String> {
    private final PCollectionView<Iterable<Integer>> view;

    private Beside(PCollectionView<Iterable<Integer>> view) {
      this.view = view;
    }

    @ProcessElement
    public void process(ProcessContext context) {
      context.output(context.element() + " of " + context.sideInput(view).iterator().next());
    }
  }

  private static final class Failing extends DoFn<Integer, Void> {
    @ProcessElement
    public void process(@Element Integer number) {
      if (number > 0) {
        throw new IllegalStateException(number + " is too much");
      }
    }
  }

  private static final class Keep extends DoFn<String, Void> {
    @ProcessElement
    public void process(@Element String line) {
      FOUND.add(line);
    }
  }

  private static final class KeepGroup extends DoFn<KV<String, Iterable<Integer>>, Void> {
    @ProcessElement
    public void process(@Element KV<String, Iterable<Integer>> group) {
      List<Integer> all = new ArrayList<>();
      group.getValue().forEach(all::add);
      all.sort(null);
      FOUND.add(group.getKey() + ": " + all);
    }
  }

  /** Counts how often elements are encoded. */
  private static final class Counted extends AtomicCoder<Integer> {
    @Override
    public void encode(Integer number, OutputStream out) throws IOException {
      ENCODED.incrementAndGet();
      VarIntCoder.of().encode(number, out);
    }

    @Override
    public Integer decode(InputStream in) throws IOException {
      return VarIntCoder.of().decode(in);
    }
  }
}

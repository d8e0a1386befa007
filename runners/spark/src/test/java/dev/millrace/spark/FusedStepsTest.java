package dev.millrace.spark;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsInAnyOrder;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.hasItem;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.coders.AtomicCoder;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.metrics.Counter;
import org.apache.beam.sdk.metrics.MetricResult;
import org.apache.beam.sdk.metrics.Metrics;
import org.apache.beam.sdk.metrics.MetricsFilter;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.GroupByKey;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Sum;
import org.apache.beam.sdk.transforms.View;
import org.apache.beam.sdk.transforms.WithKeys;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.GlobalWindow;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.TupleTagList;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of a batch whose steps are made one function, on Spark inside this process. */
@Timeout(120)
class FusedStepsTest {

  private static final TupleTag<Integer> ALL = new TupleTag<>() {};
  private static final TupleTag<Integer> EVEN = new TupleTag<>() {};
  private static final TupleTag<Integer> UNREAD = new TupleTag<>() {};

  private static final AtomicInteger ENCODED = new AtomicInteger();
  private static final AtomicInteger DECODED = new AtomicInteger();
  private static final AtomicInteger SPLIT = new AtomicInteger();
  private static final AtomicInteger SET_UP = new AtomicInteger();
  private static final AtomicInteger TORN_DOWN = new AtomicInteger();
  private static final Queue<String> FOUND = new ConcurrentLinkedQueue<>();

  private final Pipeline pipeline =
      Pipeline.create(
          PipelineOptionsFactory.fromArgs(Main.engine().defaults().toArray(String[]::new))
              .create());

  @BeforeEach
  void nothingYet() {
    Stream.of(ENCODED, DECODED, SPLIT, SET_UP, TORN_DOWN).forEach(count -> count.set(0));
    FOUND.clear();
  }

  @Test
  void whatSeveralStepsReadIsHandedOnAsItIs() {
    // Given
    PCollectionTuple split = split(List.of(1, 2, 3, 4, 5));
    sum(split.get(ALL), "all");
    sum(split.get(ALL), "all again");
    sum(split.get(EVEN), "even");

    // When
    run();

    // Then: sums are told at the end of a bundle, of which each partition has one
    assertThat(total("all"), equalTo(15));
    assertThat(total("all again"), equalTo(15));
    assertThat(total("even"), equalTo(6));
    assertThat("elements encoded", ENCODED.get(), equalTo(0));
    assertThat("elements that were split", SPLIT.get(), equalTo(5));
    assertThat(SET_UP.get(), greaterThan(0));
    assertThat(TORN_DOWN.get(), equalTo(SET_UP.get()));
  }

  @Test
  void outputsThatLeaveAreMadeOnceAndDecodedByWhoReadsThem() {
    // Given: blocks of each output by the dozen
    List<Integer> numbers = IntStream.range(0, 100_000).boxed().toList();
    PCollectionTuple split = split(numbers);
    group(split.get(ALL), new Counted(), "all");
    group(split.get(EVEN), new Counted(), "even");

    // When
    run();

    // Then
    List<Integer> even = numbers.stream().filter(number -> number % 2 == 0).toList();
    assertThat(FOUND, containsInAnyOrder("all: " + numbers, "even: " + even));
    assertThat("elements that were split", SPLIT.get(), equalTo(numbers.size()));
    // Once to leave, and once to be grouped.
    assertThat("elements encoded", ENCODED.get(), equalTo(2 * (numbers.size() + even.size())));
    assertThat("elements decoded", DECODED.get(), equalTo(ENCODED.get()));
  }

  @Test
  void aSideInputMadeOfTheSameElementsIsThereBeforeItIsRead() {
    // Given: one of the same elements, one that is there when they are split, one that comes later
    PCollectionView<Iterable<Integer>> before = view("Before", 100);
    PCollectionTuple split = split(List.of(1, 2, 3));
    PCollectionView<Iterable<Integer>> total =
        split.get(ALL).apply("Total", Sum.integersGlobally()).apply("TotalView", View.asIterable());
    PCollectionView<Iterable<Integer>> after = view("After", 200);
    beside(split.get(ALL), total, "Shares");
    beside(split.get(EVEN), before, "Befores");
    beside(split.get(EVEN), after, "Afters");

    // When
    run();

    // Then
    assertThat(FOUND, containsInAnyOrder("1 of 6", "2 of 6", "3 of 6", "2 of 100", "2 of 200"));
    assertThat("elements that were split", SPLIT.get(), equalTo(3));
  }

  @Test
  void eachStepCountsUnderItsName() {
    // Given
    sum(split(List.of(1, 2, 3)).get(EVEN), "even");

    // When
    PipelineResult result = run();

    // Then
    List<String> counted = new ArrayList<>();
    for (MetricResult<Long> counter :
        result.metrics().queryMetrics(MetricsFilter.builder().build()).getCounters()) {
      counted.add(counter.getKey().stepName() + " " + counter.getAttempted());
    }
    assertThat(counted, containsInAnyOrder("Split 3", "Sum even/ParMultiDo(SumUp) 1"));
  }

  @Test
  void stepsWhoseOutputsNobodyReadsAreRun() {
    // Given
    split(List.of(1, 2, 3));

    // When
    run();

    // Then
    assertThat("elements that were split", SPLIT.get(), equalTo(3));
  }

  @Test
  void aStepThatFailsEndsTheRunAndTheOthersLetGo() {
    // Given
    PCollectionTuple split = split(List.of(1, 2, 3));
    sum(split.get(ALL), "all");
    split.get(EVEN).apply("Fail", ParDo.of(new Failing()));

    // When
    RuntimeException failed = assertThrows(RuntimeException.class, this::run);

    // Then
    assertThat(
        Stream.iterate((Throwable) failed, cause -> cause != null, Throwable::getCause)
            .map(Throwable::toString)
            .toList(),
        hasItem(containsString("2 is too much")));
    assertThat(SET_UP.get(), greaterThan(0));
    assertThat(TORN_DOWN.get(), equalTo(SET_UP.get()));
  }

  @Test
  void aStepThatFailsToLetGoDoesNotKeepOthersFromIt() {
    // Given: on either side, for listeners may be called in either order
    PCollectionTuple split = split(List.of(1, 2, 3));
    sum(split.get(ALL), "all");
    split.get(EVEN).apply("Hold", ParDo.of(new HoldingOn()));
    sum(split.get(ALL), "all again");

    // When
    assertThrows(RuntimeException.class, this::run);

    // Then
    assertThat(SET_UP.get(), greaterThan(0));
    assertThat(TORN_DOWN.get(), equalTo(SET_UP.get()));
  }

  // ------------------------------------------------------------------------------------ pipelines

  private PipelineResult run() {
    PipelineResult result = pipeline.run();
    result.waitUntilFinish();
    return result;
  }

  private PCollectionTuple split(List<Integer> numbers) {
    PCollectionTuple split =
        pipeline
            .apply("Numbers", Create.of(numbers).withCoder(VarIntCoder.of()))
            .apply(
                "Split",
                ParDo.of(new Split()).withOutputTags(ALL, TupleTagList.of(EVEN).and(UNREAD)));
    for (TupleTag<Integer> tag : List.of(ALL, EVEN, UNREAD)) {
      split.get(tag).setCoder(new Counted());
    }
    return split;
  }

  private PCollectionView<Iterable<Integer>> view(String name, int number) {
    return pipeline
        .apply(name, Create.of(number).withCoder(VarIntCoder.of()))
        .apply("View " + name, View.asIterable());
  }

  private static void beside(
      PCollection<Integer> numbers, PCollectionView<Iterable<Integer>> view, String name) {
    numbers
        .apply(name, ParDo.of(new Beside(view)).withSideInputs(view))
        .setCoder(StringUtf8Coder.of())
        .apply("Keep " + name, ParDo.of(new Keep()));
  }

  private static void sum(PCollection<Integer> numbers, String name) {
    group(numbers.apply("Sum " + name, ParDo.of(new SumUp())), VarIntCoder.of(), name);
  }

  private static void group(PCollection<Integer> numbers, Coder<Integer> coder, String name) {
    numbers
        .setCoder(coder)
        .apply("Key " + name, WithKeys.of(name))
        .setCoder(KvCoder.of(StringUtf8Coder.of(), coder))
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
    private final Counter counted = Metrics.counter("test", "counted");

    @ProcessElement
    public void process(@Element Integer number, MultiOutputReceiver out) {
      SPLIT.incrementAndGet();
      counted.inc();
      out.get(ALL).output(number);
      if (number % 2 == 0) {
        out.get(EVEN).output(number);
      }
      out.get(UNREAD).output(number);
    }
  }

  static final class SumUp extends DoFn<Integer, Integer> {
    private final Counter counted = Metrics.counter("test", "counted");
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
      counted.inc();
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

  static final class HoldingOn extends DoFn<Integer, Void> {
    private boolean holds;

    @ProcessElement
    public void process() {
      holds = true;
    }

    @Teardown
    public void tearDown() {
      if (holds) {
        throw new IllegalStateException("held");
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
      DECODED.incrementAndGet();
      return VarIntCoder.of().decode(in);
    }
  }
}

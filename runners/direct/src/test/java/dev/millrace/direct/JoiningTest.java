package dev.millrace.direct;

import static dev.millrace.runners.testing.Numbers.ALL;
import static dev.millrace.runners.testing.Numbers.COUNTER;
import static dev.millrace.runners.testing.Numbers.EVEN;
import static dev.millrace.runners.testing.Numbers.FOUND;
import static dev.millrace.runners.testing.Numbers.SET_UP;
import static dev.millrace.runners.testing.Numbers.TORN_DOWN;
import static dev.millrace.runners.testing.Numbers.beside;
import static dev.millrace.runners.testing.Numbers.group;
import static dev.millrace.runners.testing.Numbers.grouped;
import static dev.millrace.runners.testing.Numbers.sorted;
import static dev.millrace.runners.testing.Numbers.split;
import static dev.millrace.runners.testing.Numbers.sum;
import static dev.millrace.runners.testing.Numbers.total;
import static dev.millrace.runners.testing.Numbers.view;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsInAnyOrder;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.hasItem;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.runners.testing.Numbers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.io.TextIO;
import org.apache.beam.sdk.io.range.OffsetRange;
import org.apache.beam.sdk.metrics.MetricNameFilter;
import org.apache.beam.sdk.metrics.MetricResult;
import org.apache.beam.sdk.metrics.Metrics;
import org.apache.beam.sdk.metrics.MetricsFilter;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.GroupByKey;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Sum;
import org.apache.beam.sdk.transforms.View;
import org.apache.beam.sdk.transforms.splittabledofn.RestrictionTracker;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.FixedWindows;
import org.apache.beam.sdk.transforms.windowing.SlidingWindows;
import org.apache.beam.sdk.transforms.windowing.Window;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.TypeDescriptor;
import org.apache.beam.sdk.values.TypeDescriptors;
import org.joda.time.Duration;
import org.joda.time.Instant;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of a batch whose steps are made one function, on the Direct runner. */
@Timeout(120)
class JoiningTest {

  private static final TypeDescriptor<KV<String, Integer>> NAMED =
      TypeDescriptors.kvs(TypeDescriptors.strings(), TypeDescriptors.integers());

  @TempDir Path dir;

  private final Pipeline pipeline =
      Pipeline.create(
          PipelineOptionsFactory.fromArgs(Main.engine().defaults().toArray(String[]::new))
              .create());

  @BeforeEach
  void nothingYet() {
    Numbers.forget();
  }

  @Test
  void anElementGoesThroughAllStepsBeforeTheNext() {
    // Given
    PCollection<Integer> numbers =
        pipeline
            .apply("Numbers", Create.of(List.of(List.of(1, 2, 3))))
            .apply("Split", ParDo.of(new Each()));
    numbers.apply("First", ParDo.of(new Tell("first")));
    numbers.apply("Second", ParDo.of(new Tell("second")));

    // When
    run();

    // Then
    assertThat(
        FOUND, contains("first 1", "second 1", "first 2", "second 2", "first 3", "second 3"));
  }

  @Test
  void whatOthersReadLeavesByItsOutput() {
    // Given
    PCollectionTuple split = split(pipeline, "Numbers", List.of(1, 2, 3, 4, 5));
    sum(split.get(ALL), "all");
    sum(split.get(ALL), "all again");
    sum(split.get(EVEN), "even");
    group(split.get(EVEN), "even ones");

    // When
    run();

    // Then: sums are told at the end of a bundle
    assertThat(total("all"), equalTo(15));
    assertThat(total("all again"), equalTo(15));
    assertThat(total("even"), equalTo(6));
    assertThat(FOUND, hasItem("even ones: [2, 4]"));
    assertThat(SET_UP.get(), greaterThan(0));
    assertThat(TORN_DOWN.get(), equalTo(SET_UP.get()));
  }

  @Test
  void whatIsReadBesideIsThereWhetherOfTheSameElementsOrNot() {
    // Given: one of the same elements, one that is there when they are split, one that comes later
    PCollectionView<Iterable<Integer>> before = view(pipeline, "Before", 100);
    PCollectionTuple split = split(pipeline, "Numbers", List.of(1, 2, 3));
    PCollectionView<Iterable<Integer>> total =
        split.get(ALL).apply("Total", Sum.integersGlobally()).apply("TotalView", View.asIterable());
    PCollectionView<Iterable<Integer>> after = view(pipeline, "After", 200);
    beside(split.get(ALL), total, "Shares");
    beside(split.get(EVEN), before, "Befores");
    beside(split.get(EVEN), after, "Afters");

    // When
    run();

    // Then
    assertThat(FOUND, containsInAnyOrder("1 of 6", "2 of 6", "3 of 6", "2 of 100", "2 of 200"));
  }

  @Test
  void aSourceThatIsReadPartByPartEndsBundlesWithItsParts() {
    // Given: parts of so many elements that the runner pauses after each, and sums that leave at
    // the end of a bundle, when nothing may leave a splittable function any more
    PCollection<Integer> numbers =
        pipeline
            .apply("Parts", Create.of(20))
            .apply("Read", ParDo.of(new Parts()))
            .setCoder(VarIntCoder.of());
    sum(numbers, "all");
    group(
        numbers.apply("Third", MapElements.into(TypeDescriptors.integers()).via(n -> n / 3)),
        "third");

    // When
    run();

    // Then
    List<Integer> all = IntStream.range(0, 20_000).boxed().toList();
    assertThat(total("all"), equalTo(all.stream().mapToInt(n -> n).sum()));
    assertThat(FOUND, hasItem("third: " + all.stream().map(n -> n / 3).toList()));
    assertThat("sums, one for each part", grouped("all").count(), equalTo(20L));
    assertThat(TORN_DOWN.get(), equalTo(SET_UP.get()));
  }

  @Test
  void elementsKeepTimeAndWindows() {
    // Given: steps before windows that date the elements, and steps within them
    split(pipeline, "Numbers", List.of(7))
        .get(ALL)
        .apply("Date", ParDo.of(new Date()))
        .setCoder(VarIntCoder.of())
        .apply(
            "Windows",
            Window.into(
                SlidingWindows.of(Duration.standardSeconds(10)).every(Duration.standardSeconds(5))))
        .apply("More", MapElements.into(TypeDescriptors.integers()).via(n -> n + 1))
        .apply("Name", MapElements.into(NAMED).via(n -> KV.of("windowed", n)))
        .setCoder(KvCoder.of(StringUtf8Coder.of(), VarIntCoder.of()))
        .apply("Group", GroupByKey.create())
        .apply("TellWindows", ParDo.of(new TellWindow()));

    // When
    run();

    // Then
    assertThat(
        FOUND,
        containsInAnyOrder(
            "[8] [1970-01-01T00:00:00.000Z..1970-01-01T00:00:10.000Z)",
            "[8] [1970-01-01T00:00:05.000Z..1970-01-01T00:00:15.000Z)"));
  }

  @Test
  void eachStepCountsUnderItsName() {
    // Given: steps after one that is read part by part, and after one that is not
    PCollection<Integer> numbers =
        pipeline
            .apply("Parts", Create.of(2))
            .apply("Read", ParDo.of(new Parts()))
            .setCoder(VarIntCoder.of());
    numbers.apply("Tell", ParDo.of(new Tell("told")));
    sum(split(pipeline, "Numbers", List.of(1, 2, 3)).get(EVEN), "even");

    // When
    PipelineResult result = run();

    // Then
    List<String> counted = new ArrayList<>();
    for (MetricResult<Long> counter :
        result
            .metrics()
            .queryMetrics(
                MetricsFilter.builder().addNameFilter(MetricNameFilter.inNamespace("test")).build())
            .getCounters()) {
      counted.add(counter.getKey().stepName() + " " + counter.getCommitted());
      assertThat(counter.getAttempted(), equalTo(counter.getCommitted()));
    }
    assertThat(
        counted,
        containsInAnyOrder(
            "Read/ParMultiDo(Parts) 2",
            "Tell/ParMultiDo(Tell) 2000",
            "Split Numbers 3",
            "Sum even/ParMultiDo(SumUp) 1",
            "Keep even/ParMultiDo(KeepGroup) 1"));
  }

  @Test
  void whatIsCountedCanBeAskedForMeanwhile() {
    // Given
    pipeline
        .apply("Parts", Create.of(20))
        .apply("Read", ParDo.of(new Parts()))
        .setCoder(VarIntCoder.of())
        .apply("Count", ParDo.of(new CountEach()));
    pipeline.getOptions().setRunner(Main.engine().runner());

    // When
    PipelineResult result = pipeline.run();
    int asked = 0;
    do {
      result.metrics().queryMetrics(MetricsFilter.builder().build());
      asked++;
    } while (!result.getState().isTerminal());

    // Then
    assertThat(asked, greaterThan(1));
    long counted = 0;
    for (MetricResult<Long> counter :
        result
            .metrics()
            .queryMetrics(
                MetricsFilter.builder().addNameFilter(MetricNameFilter.inNamespace("each")).build())
            .getCounters()) {
      counted += counter.getCommitted();
    }
    assertThat(counted, equalTo(20_000L));
  }

  @Test
  void aTransformThatIsAppliedTwiceIsTwoSteps() {
    // Given
    ParDo.MultiOutput<Integer, Integer> twice = split();
    for (int number : List.of(1, 2)) {
      pipeline
          .apply("Number " + number, Create.of(number).withCoder(VarIntCoder.of()))
          .apply("Split " + number, twice)
          .get(ALL)
          .setCoder(VarIntCoder.of())
          .apply("Tell " + number, ParDo.of(new Tell("of " + number + ":")));
    }

    // When
    run();

    // Then
    assertThat(FOUND, containsInAnyOrder("of 1: 1", "of 2: 2"));
  }

  @Test
  void aStepMayGoBackInTimeIfItSaysSo() {
    // Given
    split(pipeline, "Numbers", List.of(7))
        .get(ALL)
        .apply("Date", ParDo.of(new Date()))
        .setCoder(VarIntCoder.of())
        .apply("Windows", Window.into(FixedWindows.of(Duration.standardDays(1))))
        .apply("Same", MapElements.into(TypeDescriptors.integers()).via(n -> n))
        .apply("Back", ParDo.of(new Back()))
        .setCoder(VarIntCoder.of())
        .apply("Name", MapElements.into(NAMED).via(n -> KV.of("back", n)))
        .setCoder(KvCoder.of(StringUtf8Coder.of(), VarIntCoder.of()))
        .apply("Group", GroupByKey.create())
        .apply("TellWindows", ParDo.of(new TellWindow()));

    // When
    run();

    // Then
    assertThat(FOUND, contains("[7] [1970-01-01T00:00:00.000Z..1970-01-02T00:00:00.000Z)"));
  }

  @Test
  void stepsWithinTransformsThatTheRunnerReplacesStayTheirs() throws IOException {
    // Given: the runner puts a transform of its own in the place of one that writes files
    split(pipeline, "Numbers", List.of(1, 2, 3))
        .get(ALL)
        .apply("Text", MapElements.into(TypeDescriptors.strings()).via(String::valueOf))
        .apply("Write", TextIO.write().to(dir.resolve("numbers").toString()));

    // When
    run();

    // Then
    List<String> lines = new ArrayList<>();
    try (Stream<Path> files = Files.list(dir)) {
      for (Path file : files.toList()) {
        lines.addAll(Files.readAllLines(file));
      }
    }
    assertThat(lines, containsInAnyOrder("1", "2", "3"));
  }

  @Test
  void aStepThatFailsEndsTheRunAndTheOthersLetGo() throws InterruptedException {
    // Given: one bundle, for the runner may begin another when it has let go already
    PCollectionTuple split = split(pipeline, "Numbers", List.of(2));
    sum(split.get(ALL), "all");
    split.get(EVEN).apply("Fail", ParDo.of(new Numbers.Failing()));

    // When
    RuntimeException failed = assertThrows(RuntimeException.class, this::run);

    // Then
    assertThat(
        Stream.iterate((Throwable) failed, cause -> cause != null, Throwable::getCause)
            .map(Throwable::toString)
            .toList(),
        hasItem(containsString("2 is too much")));
    assertThat(SET_UP.get(), greaterThan(0));
    // The runner tells of the failure before it has let go of everything.
    for (int i = 0; i < 100 && TORN_DOWN.get() < SET_UP.get(); i++) {
      Thread.sleep(100);
    }
    assertThat(TORN_DOWN.get(), equalTo(SET_UP.get()));
  }

  // ------------------------------------------------------------------------------------ pipelines

  private PipelineResult run() {
    pipeline.getOptions().setRunner(Main.engine().runner());
    PipelineResult result = pipeline.run();
    result.waitUntilFinish();
    return result;
  }

  private static final class Each extends DoFn<List<Integer>, Integer> {
    @ProcessElement
    public void process(@Element List<Integer> numbers, OutputReceiver<Integer> out) {
      numbers.forEach(out::output);
    }
  }

  private static final class Tell extends DoFn<Integer, Void> {
    private final String who;

    private Tell(String who) {
      this.who = who;
    }

    @ProcessElement
    public void process(@Element Integer number) {
      COUNTER.inc();
      FOUND.add(who + " " + number);
    }
  }

  private static final class CountEach extends DoFn<Integer, Void> {
    @ProcessElement
    public void process(@Element Integer number) {
      Metrics.counter("each", "number " + number).inc();
    }
  }

  private static final class Date extends DoFn<Integer, Integer> {
    @ProcessElement
    public void process(@Element Integer second, OutputReceiver<Integer> out) {
      out.outputWithTimestamp(second, Instant.ofEpochSecond(second));
    }
  }

  private static final class Back extends DoFn<Integer, Integer> {
    @Override
    @SuppressWarnings("deprecation") // there is no other way yet
    public Duration getAllowedTimestampSkew() {
      return Duration.standardSeconds(5);
    }

    @ProcessElement
    public void process(
        @Element Integer number, @Timestamp Instant time, OutputReceiver<Integer> out) {
      out.outputWithTimestamp(number, time.minus(Duration.standardSeconds(5)));
    }
  }

  @DoFn.BoundedPerElement
  static final class Parts extends DoFn<Integer, Integer> {
    @GetInitialRestriction
    public OffsetRange all(@Element Integer parts) {
      return new OffsetRange(0, parts);
    }

    @GetRestrictionCoder
    public Coder<OffsetRange> restrictionCoder() {
      return OffsetRange.Coder.of();
    }

    @ProcessElement
    public void process(
        RestrictionTracker<OffsetRange, Long> tracker, OutputReceiver<Integer> out) {
      for (long i = tracker.currentRestriction().getFrom(); tracker.tryClaim(i); i++) {
        COUNTER.inc();
        for (int number = 0; number < 1000; number++) {
          out.output((int) i * 1000 + number);
        }
      }
    }
  }

  private static final class TellWindow extends DoFn<KV<String, Iterable<Integer>>, Void> {
    @ProcessElement
    public void process(@Element KV<String, Iterable<Integer>> group, BoundedWindow window) {
      FOUND.add(sorted(group.getValue()) + " " + window);
    }
  }
}

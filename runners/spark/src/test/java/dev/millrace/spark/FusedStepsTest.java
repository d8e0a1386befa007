package dev.millrace.spark;

import static dev.millrace.runners.testing.Numbers.ALL;
import static dev.millrace.runners.testing.Numbers.DECODED;
import static dev.millrace.runners.testing.Numbers.ENCODED;
import static dev.millrace.runners.testing.Numbers.EVEN;
import static dev.millrace.runners.testing.Numbers.FOUND;
import static dev.millrace.runners.testing.Numbers.SET_UP;
import static dev.millrace.runners.testing.Numbers.SPLIT;
import static dev.millrace.runners.testing.Numbers.TORN_DOWN;
import static dev.millrace.runners.testing.Numbers.beside;
import static dev.millrace.runners.testing.Numbers.group;
import static dev.millrace.runners.testing.Numbers.split;
import static dev.millrace.runners.testing.Numbers.sum;
import static dev.millrace.runners.testing.Numbers.total;
import static dev.millrace.runners.testing.Numbers.view;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsInAnyOrder;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.hasItem;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.runners.testing.Numbers;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.metrics.MetricResult;
import org.apache.beam.sdk.metrics.MetricsFilter;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Sum;
import org.apache.beam.sdk.transforms.View;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.beam.sdk.values.PCollectionView;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of a batch whose steps are made one function, on Spark inside this process. */
@Timeout(120)
class FusedStepsTest {

  private final Pipeline pipeline =
      Pipeline.create(
          PipelineOptionsFactory.fromArgs(Main.engine().defaults().toArray(String[]::new))
              .create());

  @BeforeEach
  void nothingYet() {
    Numbers.forget();
  }

  @Test
  void whatSeveralStepsReadIsHandedOnAsItIs() {
    // Given
    PCollectionTuple split = split(pipeline, "Numbers", List.of(1, 2, 3, 4, 5));
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
    PCollectionTuple split = split(pipeline, "Numbers", numbers);
    group(split.get(ALL), "all");
    group(split.get(EVEN), "even");

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
    assertThat("elements that were split", SPLIT.get(), equalTo(3));
  }

  @Test
  void eachStepCountsUnderItsName() {
    // Given
    sum(split(pipeline, "Numbers", List.of(1, 2, 3)).get(EVEN), "even");

    // When
    PipelineResult result = run();

    // Then
    List<String> counted = new ArrayList<>();
    for (MetricResult<Long> counter :
        result.metrics().queryMetrics(MetricsFilter.builder().build()).getCounters()) {
      counted.add(counter.getKey().stepName() + " " + counter.getAttempted());
    }
    assertThat(
        counted,
        containsInAnyOrder(
            "Split Numbers 3",
            "Sum even/ParMultiDo(SumUp) 1",
            "Keep even/ParMultiDo(KeepGroup) 1"));
  }

  @Test
  void stepsWhoseOutputsNobodyReadsAreRun() {
    // Given
    split(pipeline, "Numbers", List.of(1, 2, 3));

    // When
    run();

    // Then
    assertThat("elements that were split", SPLIT.get(), equalTo(3));
  }

  @Test
  void aStepThatFailsEndsTheRunAndTheOthersLetGo() {
    // Given
    PCollectionTuple split = split(pipeline, "Numbers", List.of(1, 2, 3));
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
    assertThat(TORN_DOWN.get(), equalTo(SET_UP.get()));
  }

  @Test
  void aStepThatFailsToLetGoDoesNotKeepOthersFromIt() {
    // Given: on either side, for listeners may be called in either order
    PCollectionTuple split = split(pipeline, "Numbers", List.of(1, 2, 3));
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
}

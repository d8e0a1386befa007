package dev.millrace.flink;

import static dev.millrace.runners.testing.Numbers.ALL;
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
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.hasItem;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.runners.testing.Numbers;
import java.nio.file.Path;
import java.util.List;
import org.apache.beam.runners.flink.FlinkPipelineOptions;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult.State;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.Flatten;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Sum;
import org.apache.beam.sdk.transforms.View;
import org.apache.beam.sdk.values.PCollectionList;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.beam.sdk.values.PCollectionView;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of a batch whose steps are made one task, on real clusters inside this process. */
@Timeout(120)
class FusedBatchTest {

  @TempDir Path directory;

  @BeforeEach
  void nothingYet() {
    Numbers.forget();
  }

  @Test
  void whatSeveralStepsReadIsHandedOnAsItIs() {
    // Given
    Pipeline pipeline = pipeline();
    PCollectionTuple split = split(pipeline, "Numbers", List.of(1, 2, 3, 4, 5));
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
    PCollectionTuple split = split(pipeline, "Numbers", List.of(1, 2, 3, 4));
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
    PCollectionTuple split = split(pipeline, "Numbers", List.of(1, 2, 3));
    PCollectionView<Iterable<Integer>> total =
        split.get(ALL).apply("Total", Sum.integersGlobally()).apply("TotalView", View.asIterable());
    PCollectionView<Iterable<Integer>> other = view(pipeline, "Other", 100);
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
    PCollectionTuple reads = split(pipeline, reader, List.of(1, 2));
    PCollectionTuple isRead = split(pipeline, read, List.of(3, 4));
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
    PCollectionTuple one = split(pipeline, "One", List.of(1, 2));
    PCollectionTuple other = split(pipeline, "Other", List.of(3, 4));
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
    PCollectionTuple split = split(pipeline, "Numbers", List.of(1, 2, 3));
    sum(split.get(ALL), "all");
    split.get(EVEN).apply("Fail", ParDo.of(new Numbers.Failing()));

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
}

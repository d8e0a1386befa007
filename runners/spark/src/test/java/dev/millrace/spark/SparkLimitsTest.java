package dev.millrace.spark;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.not;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.pipelines.UserError;
import dev.millrace.runners.CapabilityGate;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.io.GenerateSequence;
import org.apache.beam.sdk.io.range.OffsetRange;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.state.TimeDomain;
import org.apache.beam.sdk.state.TimerSpec;
import org.apache.beam.sdk.state.TimerSpecs;
import org.apache.beam.sdk.transforms.Count;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Reshuffle;
import org.apache.beam.sdk.transforms.Values;
import org.apache.beam.sdk.transforms.WithKeys;
import org.apache.beam.sdk.transforms.splittabledofn.RestrictionTracker;
import org.apache.beam.sdk.transforms.windowing.FixedWindows;
import org.apache.beam.sdk.transforms.windowing.Window;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.TypeDescriptors;
import org.joda.time.Duration;
import org.junit.jupiter.api.Test;

class SparkLimitsTest {

  private final Pipeline pipeline =
      Pipeline.create(PipelineOptionsFactory.fromArgs("--runner=SparkRunner").create());

  @Test
  void timersAreRefusedInAStreamAndNotInABatch() {
    numbers(false).apply("Batch", ParDo.of(new WithTimer()));
    check();

    numbers(true).apply("Stream", ParDo.of(new WithTimer()));

    assertThat(
        refused(),
        allOf(
            containsString("The Spark runner would not run this pipeline rightly"),
            containsString("Stream/ParMultiDo(WithTimer) sets timers"),
            containsString("issues/20397"),
            not(containsString("Batch"))));
  }

  @Test
  void aSecondGroupingIsRefusedInAStreamAReshuffleIsNone() {
    PCollection<Long> counts =
        numbers(true)
            .apply("First", Count.perKey())
            .apply(Values.create())
            .apply(Reshuffle.viaRandomKey());
    check();

    counts.apply(WithKeys.of(1L)).apply("Second", Count.perKey());

    assertThat(
        refused(),
        allOf(
            containsString("Second/GroupByKey groups what was grouped"),
            not(containsString("First/"))));
  }

  @Test
  void aSplittableFunctionIsRefusedBesideAStream() {
    pipeline.apply(Create.of(3)).apply("Split", ParDo.of(new UpTo()));
    check();

    numbers(true).apply(Values.create());

    assertThat(refused(), containsString("Split/ParMultiDo(UpTo) is a splittable function"));
  }

  private PCollection<KV<Long, Long>> numbers(boolean stream) {
    GenerateSequence sequence = GenerateSequence.from(0);
    return pipeline
        .apply(stream ? "Unbounded" : "Bounded", stream ? sequence : sequence.to(10))
        .apply(
            stream ? "Minutes" : "BoundedMinutes",
            Window.into(FixedWindows.of(Duration.standardMinutes(1))))
        .apply(
            stream ? "Keys" : "BoundedKeys",
            MapElements.into(TypeDescriptors.kvs(TypeDescriptors.longs(), TypeDescriptors.longs()))
                .via(number -> KV.of(number, number)));
  }

  private void check() {
    CapabilityGate.check(pipeline, "Spark", SparkLimits.ALL);
  }

  private String refused() {
    return String.valueOf(assertThrows(UserError.class, this::check).getMessage());
  }

  static final class WithTimer extends DoFn<KV<Long, Long>, Long> {
    @TimerId("timer")
    private final TimerSpec spec = TimerSpecs.timer(TimeDomain.EVENT_TIME);

    @ProcessElement
    public void process() {}

    @OnTimer("timer")
    public void fired() {}
  }

  static final class UpTo extends DoFn<Integer, Long> {
    @GetInitialRestriction
    public OffsetRange all(@Element Integer end) {
      return new OffsetRange(0, end);
    }

    @ProcessElement
    public void process(RestrictionTracker<OffsetRange, Long> tracker) {
      while (tracker.tryClaim(tracker.currentRestriction().getFrom())) {}
    }
  }
}

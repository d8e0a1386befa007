package dev.millrace.direct;

import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.io.range.OffsetRange;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.reflect.DoFnInvoker;
import org.apache.beam.sdk.transforms.reflect.DoFnInvokers;
import org.apache.beam.sdk.transforms.splittabledofn.RestrictionTracker;
import org.apache.beam.sdk.transforms.splittabledofn.SplitResult;
import org.apache.beam.sdk.values.OutputBuilder;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.WindowedValue;
import org.apache.beam.sdk.values.WindowedValues;
import org.joda.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A tree of steps as one function, of which the first takes up its elements part by part, in the
 * global window.
 *
 * <p>Bundles of the other steps end with each part: a splittable function may put nothing out once
 * a part was refused to it, nor when a bundle ends.
 */
@DoFn.BoundedPerElement
final class JoinedSource extends DoFn<Object, Object> {

  private static final long serialVersionUID = 1L;

  private final JoinedSteps steps;
  private final TupleTag<?> main;
  private transient JoinedSteps.@Nullable Running running;

  /**
   * @param main output of the first step
   */
  JoinedSource(JoinedSteps steps, TupleTag<?> main) {
    this.steps = steps;
    this.main = main;
  }

  @GetInitialRestriction
  @SuppressWarnings("unchecked") // steps know no types
  public OffsetRange all(@Element Object element) {
    return ((DoFnInvoker<Object, Object>) DoFnInvokers.invokerFor(steps.first()))
        .invokeGetInitialRestriction(
            new DoFnInvoker.BaseArgumentProvider<>() {
              @Override
              public Object element(DoFn<Object, Object> of) {
                return element;
              }

              @Override
              public String getErrorContext() {
                return "JoinedSource/GetInitialRestriction";
              }
            });
  }

  @GetRestrictionCoder
  public Coder<OffsetRange> restrictionCoder() {
    return OffsetRange.Coder.of();
  }

  @ProcessElement
  @SuppressWarnings("unchecked") // steps know no types
  public void process(
      @Element Object element,
      @Timestamp Instant timestamp,
      RestrictionTracker<OffsetRange, Long> tracker,
      PipelineOptions options,
      MultiOutputReceiver out) {
    JoinedSteps.Running tree = running;
    if (tree == null) {
      // Not at @Setup: the runner sets up more of these functions than it lets process.
      tree = steps.new Running(options);
      running = tree;
    }
    JoinedSteps.Running through = tree;
    through.begin();
    through.leaveBy((output, leaving) -> JoinedFn.put(out, output, leaving));
    WindowedValue<Object> whole = WindowedValues.timestampedValueInGlobalWindow(element, timestamp);
    through.first(
        first ->
            ((DoFnInvoker<Object, Object>) first)
                .invokeProcessElement(
                    new DoFnInvoker.BaseArgumentProvider<>() {
                      @Override
                      public Object element(DoFn<Object, Object> of) {
                        return element;
                      }

                      @Override
                      public RestrictionTracker<?, ?> restrictionTracker() {
                        return new PartByPart(tracker, through);
                      }

                      @Override
                      public OutputReceiver<Object> outputReceiver(DoFn<Object, Object> of) {
                        return new Into(through, main, whole);
                      }

                      @Override
                      public String getErrorContext() {
                        return "JoinedSource/ProcessElement";
                      }
                    }));
    through.finish();
  }

  @Teardown
  public void teardown() {
    if (running != null) {
      running.tearDown();
    }
  }

  /** Ends the bundles of a part before the next is asked for. */
  private static final class PartByPart extends RestrictionTracker<OffsetRange, Long> {
    private final RestrictionTracker<OffsetRange, Long> tracker;
    private final JoinedSteps.Running tree;

    private PartByPart(RestrictionTracker<OffsetRange, Long> tracker, JoinedSteps.Running tree) {
      this.tracker = tracker;
      this.tree = tree;
    }

    @Override
    public boolean tryClaim(Long position) {
      tree.finish();
      return tracker.tryClaim(position);
    }

    @Override
    public OffsetRange currentRestriction() {
      return tracker.currentRestriction();
    }

    @Override
    public @Nullable SplitResult<OffsetRange> trySplit(double fraction) {
      return tracker.trySplit(fraction);
    }

    @Override
    public void checkDone() {
      tracker.checkDone();
    }

    @Override
    public IsBounded isBounded() {
      return tracker.isBounded();
    }
  }

  /** What the first step puts out goes to the steps that read it. */
  private record Into(JoinedSteps.Running tree, TupleTag<?> main, WindowedValue<Object> whole)
      implements OutputReceiver<Object> {
    @Override
    public OutputBuilder<Object> builder(Object value) {
      return WindowedValues.builder(whole)
          .setValue(value)
          .setReceiver(element -> tree.put(main, element));
    }

    @Override
    public void output(Object value) {
      tree.put(main, whole.withValue(value));
    }
  }
}

package dev.millrace.direct;

import java.util.Objects;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.WindowedValue;
import org.apache.beam.sdk.values.WindowedValues;
import org.joda.time.Duration;
import org.jspecify.annotations.Nullable;

/** A tree of steps as one function. */
@SuppressWarnings({"unchecked", "rawtypes"}) // steps know no types
final class JoinedFn extends DoFn<Object, Object> {

  private static final long serialVersionUID = 1L;

  private final JoinedSteps steps;
  private transient JoinedSteps.@Nullable Running running;

  JoinedFn(JoinedSteps steps) {
    this.steps = steps;
  }

  /** Each step's own bound holds where it puts out. */
  @Override
  @SuppressWarnings("deprecation") // there is no other way yet
  public Duration getAllowedTimestampSkew() {
    return Duration.millis(Long.MAX_VALUE);
  }

  @Setup
  public void setup(PipelineOptions options) {
    running = steps.new Running(options);
  }

  @StartBundle
  public void start() {
    running().begin();
  }

  @ProcessElement
  public void process(ProcessContext context, BoundedWindow window, MultiOutputReceiver out) {
    running().leaveBy((output, leaving) -> put(out, output, leaving));
    running()
        .process(
            WindowedValues.of(context.element(), context.timestamp(), window, context.pane()),
            context::sideInput);
  }

  /** Hands on an element as it is. */
  static void put(MultiOutputReceiver out, TupleTag<?> output, WindowedValue<?> element) {
    out.get((TupleTag) output)
        .builder(element.getValue())
        .setTimestamp(element.getTimestamp())
        .setWindows(element.getWindows())
        .setPaneInfo(element.getPaneInfo())
        .output();
  }

  @FinishBundle
  public void finish(FinishBundleContext context) {
    running()
        .leaveBy(
            (output, element) -> {
              for (BoundedWindow window : element.getWindows()) {
                context.output(
                    (TupleTag) output, element.getValue(), element.getTimestamp(), window);
              }
            });
    running().finish();
  }

  @Teardown
  public void teardown() {
    if (running != null) {
      running.tearDown();
    }
  }

  private JoinedSteps.Running running() {
    return Objects.requireNonNull(running, "@Setup has not run");
  }
}

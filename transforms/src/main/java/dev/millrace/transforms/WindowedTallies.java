package dev.millrace.transforms;

import java.io.Serializable;
import java.util.HashMap;
import java.util.Map;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.values.TupleTag;
import org.jspecify.annotations.Nullable;

/**
 * The {@link Tallies} of a stage whose input may have windows. What a DoFn puts out shares the
 * windows of its input, so tallies leave in the window of the records they count; the stage then
 * applies {@link AtRest#window}.
 *
 * <p>A field of the DoFn, which calls {@link #start} in StartBundle, {@link #count} for each
 * record, and {@link #finish} in FinishBundle.
 */
public final class WindowedTallies implements Serializable {

  private final String stage;
  private final Map<BoundedWindow, Tallies> byWindow = new HashMap<>();
  private transient @Nullable BoundedWindow lastWindow;
  private transient @Nullable Tallies last;

  /** Counts for a stage. */
  public WindowedTallies(String stage) {
    this.stage = stage;
  }

  /** Forgets what a failed bundle may have left. */
  public void start() {
    byWindow.clear();
    lastWindow = null;
    last = null;
  }

  /** So many records of a source were read in a window and had an outcome. */
  public void count(String source, Outcome outcome, long records, BoundedWindow window) {
    in(window).count(source, outcome, records);
  }

  /** A record of a source that was counted before turns out to have had another outcome. */
  public void change(String source, Outcome from, Outcome to, BoundedWindow window) {
    in(window).change(source, from, to);
  }

  private Tallies in(BoundedWindow window) {
    Tallies tallies = last;
    if (tallies == null || !window.equals(lastWindow)) {
      tallies = byWindow.computeIfAbsent(window, w -> new Tallies(stage));
      last = tallies;
      lastWindow = window;
    }
    return tallies;
  }

  /** Emits what was counted, and starts anew. */
  public <I, O> void finish(DoFn<I, O>.FinishBundleContext context, TupleTag<Tally> tag) {
    byWindow.forEach(
        (window, tallies) ->
            tallies.finish(tally -> context.output(tag, tally, window.maxTimestamp(), window)));
    start();
  }
}

package dev.millrace.transforms.window;

import java.io.Serializable;
import java.time.Duration;
import java.util.Optional;
import org.apache.beam.sdk.transforms.windowing.AfterPane;
import org.apache.beam.sdk.transforms.windowing.AfterProcessingTime;
import org.apache.beam.sdk.transforms.windowing.AfterWatermark;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.TimestampCombiner;
import org.apache.beam.sdk.transforms.windowing.Trigger;
import org.apache.beam.sdk.transforms.windowing.Window;
import org.apache.beam.sdk.transforms.windowing.Window.OnTimeBehavior;
import org.apache.beam.sdk.transforms.windowing.WindowFn;

/**
 * When a window states its result, and how long it can be corrected.
 *
 * <p>Every policy accumulates: each pane is the whole result so far, to be upserted by key and
 * window. No pane is empty, on any runner. In batch a window has one pane, whatever the policy.
 *
 * <p>Example: {@code WindowPolicy.onTime().withEarly(Duration.ofSeconds(10)).withLateness(
 * Duration.ofDays(7))}.
 */
public final class WindowPolicy implements Serializable {

  private final Optional<Duration> early;
  private final Duration lateness;

  private WindowPolicy(Optional<Duration> early, Duration lateness) {
    this.early = early;
    this.lateness = lateness;
  }

  /** One pane when the watermark passes the end of the window, and nothing after it. */
  public static WindowPolicy onTime() {
    return new WindowPolicy(Optional.empty(), Duration.ZERO);
  }

  /** Also panes before the end, this long (by the clock) after something new came. */
  public WindowPolicy withEarly(Duration every) {
    return new WindowPolicy(Optional.of(positive("early panes every", every)), lateness);
  }

  /** The same without panes before the end. */
  WindowPolicy withoutEarly() {
    return new WindowPolicy(Optional.empty(), lateness);
  }

  /**
   * Also a pane for each correction until the watermark is this far past the end. Let it lie above
   * the bound of the late gate: then the runner never drops a record.
   */
  public WindowPolicy withLateness(Duration allowed) {
    if (allowed.isNegative()) {
      throw new IllegalArgumentException("a lateness of " + allowed + " is negative");
    }
    return new WindowPolicy(early, allowed);
  }

  /** How long, by the clock, after something new came a pane comes before the end. */
  Optional<Duration> early() {
    return early;
  }

  /** How long after its end a window is kept and can be corrected. */
  public Duration lateness() {
    return lateness;
  }

  <T> Window<T> into(WindowFn<Object, ? extends BoundedWindow> windows) {
    AfterWatermark.AfterWatermarkEarlyAndLate trigger =
        AfterWatermark.pastEndOfWindow().withLateFirings(AfterPane.elementCountAtLeast(1));
    Trigger panes =
        early.isEmpty()
            ? trigger
            : trigger.withEarlyFirings(
                AfterProcessingTime.pastFirstElementInPane().plusDelayOf(joda(early.get())));
    return Window.<T>into(windows)
        .triggering(panes)
        .withAllowedLateness(joda(lateness))
        .withOnTimeBehavior(OnTimeBehavior.FIRE_IF_NON_EMPTY)
        // Nothing reads the timestamp of an aggregate; the end of its window holds no watermark.
        .withTimestampCombiner(TimestampCombiner.END_OF_WINDOW)
        .accumulatingFiredPanes();
  }

  static org.joda.time.Duration joda(Duration duration) {
    return org.joda.time.Duration.millis(duration.toMillis());
  }

  static Duration positive(String what, Duration duration) {
    if (duration.isNegative() || duration.toMillis() == 0) {
      throw new IllegalArgumentException(what + " " + duration + ": give at least a millisecond");
    }
    return duration;
  }

  @Override
  public String toString() {
    return early.map(every -> "early every " + words(every) + ", ").orElse("")
        + "on time"
        + (lateness.isZero() ? "" : ", late up to " + words(lateness))
        + "; accumulating, no empty panes";
  }

  static String words(Duration duration) {
    long millis = duration.toMillis();
    if (millis % 86_400_000 == 0) {
      return millis / 86_400_000 + " d";
    }
    if (millis % 3_600_000 == 0) {
      return millis / 3_600_000 + " h";
    }
    if (millis % 60_000 == 0) {
      return millis / 60_000 + " min";
    }
    return millis % 1000 == 0 ? millis / 1000 + " s" : millis + " ms";
  }
}

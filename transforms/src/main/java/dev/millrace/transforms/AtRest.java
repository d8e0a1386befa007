package dev.millrace.transforms;

import org.apache.beam.sdk.transforms.windowing.DefaultTrigger;
import org.apache.beam.sdk.transforms.windowing.GlobalWindows;
import org.apache.beam.sdk.transforms.windowing.Window;
import org.joda.time.Duration;

/** The window of data at rest: one for all time, stated once, when all of it is there. */
public final class AtRest {

  private AtRest() {}

  /**
   * Moves elements to the global window, with the default trigger, whatever windows and panes they
   * came in.
   */
  public static <T> Window<T> window() {
    return Window.<T>into(new GlobalWindows())
        .triggering(DefaultTrigger.of())
        .withAllowedLateness(Duration.ZERO)
        .discardingFiredPanes();
  }
}

package dev.millrace.transforms.refine;

import dev.millrace.contract.Reason;
import java.io.Serializable;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Decides from a record's arrival and event time whether it is late or from the future: the same on
 * every runner, in batch, stream and replay.
 *
 * @param maxLateness a record is late when arrival − event time exceeds it
 * @param maxSkew a record is from the future when event time − arrival exceeds it
 */
public record LateGate(Duration maxLateness, Duration maxSkew) implements Serializable {

  /** Bounds are not negative. */
  public LateGate {
    if (maxLateness.isNegative() || maxSkew.isNegative()) {
      throw new IllegalArgumentException("bounds on lateness and skew cannot be negative");
    }
  }

  /**
   * What is wrong with a record of these times, in milliseconds since the epoch; null if nothing
   * is.
   */
  public @Nullable Problem check(long arrivalMillis, long eventTimeMillis) {
    long behind = arrivalMillis - eventTimeMillis;
    if (behind > maxLateness.toMillis()) {
      return new Problem(
          Reason.LATE, null, words(arrivalMillis, eventTimeMillis, maxLateness, "after"));
    }
    if (-behind > maxSkew.toMillis()) {
      return new Problem(
          Reason.FUTURE, null, words(arrivalMillis, eventTimeMillis, maxSkew, "before"));
    }
    return null;
  }

  private static String words(long arrival, long event, Duration bound, String side) {
    // Of a stream that was held up, most records are late: no format is read for each.
    return "arrived "
        + Instant.ofEpochMilli(arrival)
        + ", more than "
        + bound
        + ' '
        + side
        + " its event time "
        + Instant.ofEpochMilli(event);
  }
}

package dev.millrace.pipelines.clickstream;

import dev.millrace.pipelines.Durations;
import dev.millrace.pipelines.RunGate;
import dev.millrace.pipelines.UserError;
import dev.millrace.transforms.window.WindowPolicy;
import java.time.Duration;
import java.util.Optional;

/**
 * What the answers of {@code clickstream} depend on, read once from the options and checked here.
 *
 * @param maxLateness an event that arrives later than this is late; windows can be corrected as
 *     long
 * @param maxSkew an event that lies further than this after its arrival is from the future
 * @param maxRejectRatio share of rejected events above which the run is refused, from 0 to 1
 * @param sessionGap a visit ends when its user has done nothing for so long
 * @param early in a stream, windows state what they hold this long after something new came
 * @param earlyVisits the same of visits
 * @param secret reference to the key of private fields
 */
public record ClickstreamConfig(
    Duration maxLateness,
    Duration maxSkew,
    double maxRejectRatio,
    Duration sessionGap,
    Duration early,
    Duration earlyVisits,
    String secret)
    implements java.io.Serializable {

  /** Checks every value; a {@link UserError} names the option, what is wrong and what it can be. */
  public ClickstreamConfig {
    Durations.notNegative("--max-lateness", maxLateness);
    Durations.notNegative("--max-skew", maxSkew);
    RunGate.checkRatio(maxRejectRatio);
    positive("--session-gap", sessionGap);
    positive("--early", early);
    positive("--early-visits", earlyVisits);
  }

  /** The config the options describe. */
  public static ClickstreamConfig from(ClickstreamOptions options) {
    return new ClickstreamConfig(
        Durations.parse("--max-lateness", options.getMaxLateness()),
        Durations.parse("--max-skew", options.getMaxSkew()),
        options.getMaxRejectRatio(),
        Durations.parse("--session-gap", options.getSessionGap()),
        Durations.parse("--early", options.getEarly()),
        Durations.parse("--early-visits", options.getEarlyVisits()),
        options.getSecret());
  }

  /** How long a live run lasts; empty if it lasts until it is stopped, or has an end of its own. */
  static Optional<Duration> runFor(ClickstreamOptions options, boolean live) {
    String text = options.getRunFor();
    if (text == null) {
      return Optional.empty();
    }
    if (!live) {
      throw new UserError(
          "--run-for is for a live run, and --events has an end; leave out one of the two.");
    }
    Duration duration = Durations.parse("--run-for", text);
    positive("--run-for", duration);
    return Optional.of(duration);
  }

  /** When windows state their results. */
  WindowPolicy policy() {
    return WindowPolicy.onTime().withEarly(early).withLateness(maxLateness);
  }

  /** When visits are stated: each event changes one, so at a pace of their own. */
  WindowPolicy visitsPolicy() {
    return policy().withEarly(earlyVisits);
  }

  private static void positive(String option, Duration value) {
    if (value.toMillis() < 1) {
      throw new UserError(option + " is " + value + "; give at least a millisecond, such as 30m.");
    }
  }
}

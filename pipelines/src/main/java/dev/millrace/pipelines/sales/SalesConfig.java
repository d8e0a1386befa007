package dev.millrace.pipelines.sales;

import dev.millrace.pipelines.Durations;
import dev.millrace.pipelines.RunGate;
import dev.millrace.pipelines.UserError;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.LocalDate;
import org.jspecify.annotations.Nullable;

/**
 * What the answers of {@code sales} depend on, read once from the options and checked here.
 *
 * @param maxLateness a sale that arrives later than this after its day began is late
 * @param maxSkew a sale whose day lies further than this after its arrival is from the future
 * @param maxRejectRatio share of rejected sales above which the run is refused, from 0 to 1
 * @param topCustomers customers per sales region
 * @param topProducts products of the month
 * @param asOf reference day; the day of the latest sale if null
 * @param secret reference to the key of private fields
 */
public record SalesConfig(
    Duration maxLateness,
    Duration maxSkew,
    double maxRejectRatio,
    int topCustomers,
    int topProducts,
    @Nullable LocalDate asOf,
    String secret)
    implements java.io.Serializable {

  /** Checks every value; a {@link UserError} names the option, what is wrong and what it can be. */
  public SalesConfig {
    Durations.notNegative("--max-lateness", maxLateness);
    Durations.notNegative("--max-skew", maxSkew);
    RunGate.checkRatio(maxRejectRatio);
    if (topCustomers < 1 || topCustomers > 10_000) {
      throw new UserError("--top-customers is " + topCustomers + "; give 1 to 10000.");
    }
    if (topProducts < 1 || topProducts > 10_000) {
      throw new UserError("--top-products is " + topProducts + "; give 1 to 10000.");
    }
  }

  /** The config the options describe. */
  public static SalesConfig from(SalesOptions options) {
    return new SalesConfig(
        Durations.parse("--max-lateness", options.getMaxLateness()),
        Durations.parse("--max-skew", options.getMaxSkew()),
        options.getMaxRejectRatio(),
        options.getTopCustomers(),
        options.getTopProducts(),
        options.getAsOf() == null ? null : day("--as-of", options.getAsOf()),
        options.getSecret());
  }

  private static LocalDate day(String option, String text) {
    try {
      return LocalDate.parse(text);
    } catch (DateTimeException notADay) {
      throw new UserError(
          option + " is '" + text + "', which is no day; write it like 1998-12-31.", notADay);
    }
  }
}

package dev.millrace.pipelines.sales;

import dev.millrace.pipelines.UserError;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.LocalDate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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

  private static final Pattern SHORT = Pattern.compile("(\\d{1,9})([dhms])");

  /** Checks every value; a {@link UserError} names the option, what is wrong and what it can be. */
  public SalesConfig {
    if (maxLateness.isNegative()) {
      throw new UserError("--max-lateness is " + maxLateness + "; it cannot be negative.");
    }
    if (maxSkew.isNegative()) {
      throw new UserError("--max-skew is " + maxSkew + "; it cannot be negative.");
    }
    if (!(maxRejectRatio >= 0 && maxRejectRatio <= 1)) {
      throw new UserError(
          "--max-reject-ratio is " + maxRejectRatio + "; give a share from 0 (none) to 1 (all).");
    }
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
        duration("--max-lateness", options.getMaxLateness()),
        duration("--max-skew", options.getMaxSkew()),
        options.getMaxRejectRatio(),
        options.getTopCustomers(),
        options.getTopProducts(),
        options.getAsOf() == null ? null : day("--as-of", options.getAsOf()),
        options.getSecret());
  }

  private static Duration duration(String option, String text) {
    Matcher shortForm = SHORT.matcher(text);
    if (shortForm.matches()) {
      long amount = Long.parseLong(shortForm.group(1));
      return switch (shortForm.group(2)) {
        case "d" -> Duration.ofDays(amount);
        case "h" -> Duration.ofHours(amount);
        case "m" -> Duration.ofMinutes(amount);
        default -> Duration.ofSeconds(amount);
      };
    }
    try {
      return Duration.parse(text);
    } catch (DateTimeException notADuration) {
      throw new UserError(
          option + " is '" + text + "', which is no duration; write 7d, 36h, 90m, 30s or P7D.",
          notADuration);
    }
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

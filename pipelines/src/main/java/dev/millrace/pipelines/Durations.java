package dev.millrace.pipelines;

import java.time.DateTimeException;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as options give them: {@code 7d}, {@code 36h}, {@code 90m}, {@code 30s}, ISO-8601. */
public final class Durations {

  private static final Pattern SHORT = Pattern.compile("(\\d{1,9})([dhms])");

  private Durations() {}

  /** Reads the value of an option; a {@link UserError} names the option and what it can be. */
  public static Duration parse(String option, String text) {
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

  /** Refuses a negative duration; a {@link UserError} names the option. */
  public static void notNegative(String option, Duration value) {
    if (value.isNegative()) {
      throw new UserError(option + " is " + value + "; it cannot be negative.");
    }
  }
}

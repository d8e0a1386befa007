package dev.millrace.pipelines.report;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Numbers and times as a person reads them, the same on every machine. */
final class Figures {

  private static final DateTimeFormatter DAY =
      DateTimeFormatter.ofPattern("d MMM yyyy", Locale.ENGLISH);
  private static final DateTimeFormatter MOMENT =
      DateTimeFormatter.ofPattern("d MMM yyyy, HH:mm:ss 'UTC'", Locale.ENGLISH)
          .withZone(ZoneOffset.UTC);
  private static final String[] BYTES = {"kB", "MB", "GB", "TB"};

  private Figures() {}

  static String count(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  /** All digits, in groups; zeros at the end of the fraction are left out. */
  static String number(BigDecimal value) {
    BigDecimal bare = value.stripTrailingZeros();
    return grouped(bare.setScale(Math.max(0, bare.scale()), RoundingMode.UNNECESSARY));
  }

  /** Rounded to two digits. */
  static String money(BigDecimal value) {
    return grouped(value.setScale(2, RoundingMode.HALF_EVEN));
  }

  private static String grouped(BigDecimal value) {
    return String.format(Locale.ROOT, "%,." + value.scale() + "f", value);
  }

  static String day(LocalDate day) {
    return DAY.format(day);
  }

  static String moment(Instant instant) {
    return MOMENT.format(instant);
  }

  static String elapsed(long millis) {
    if (millis < 1000) {
      return millis + " ms";
    }
    if (millis < 60_000) {
      return String.format(Locale.ROOT, "%d.%d s", millis / 1000, millis % 1000 / 100);
    }
    long seconds = millis / 1000;
    return seconds < 3600
        ? String.format(Locale.ROOT, "%d min %02d s", seconds / 60, seconds % 60)
        : String.format(Locale.ROOT, "%d h %02d min", seconds / 3600, seconds / 60 % 60);
  }

  static String bytes(long bytes) {
    if (bytes < 1000) {
      return bytes + " B";
    }
    BigDecimal value = BigDecimal.valueOf(bytes);
    int unit = -1;
    while (value.compareTo(BigDecimal.valueOf(999.95)) >= 0 && unit < BYTES.length - 1) {
      value = value.movePointLeft(3);
      unit++;
    }
    return grouped(value.setScale(1, RoundingMode.HALF_EVEN)) + " " + BYTES[unit];
  }

  /** A share in percent; never 0 % or 100 % where it is not exactly that. */
  static String share(long part, long whole) {
    if (part == 0 || whole == 0) {
      return "0%";
    }
    if (part == whole) {
      return "100%";
    }
    BigDecimal percent =
        BigDecimal.valueOf(part)
            .movePointRight(2)
            .divide(BigDecimal.valueOf(whole), 1, RoundingMode.HALF_EVEN);
    if (percent.compareTo(new BigDecimal("0.1")) < 0) {
      return "<0.1%";
    }
    if (percent.compareTo(new BigDecimal("99.9")) > 0) {
      return ">99.9%";
    }
    return percent + "%";
  }

  static String plural(long count, String one, String many) {
    return count(count) + " " + (count == 1 ? one : many);
  }
}

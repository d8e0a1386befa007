package dev.millrace.transforms.refine;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;

/**
 * Reads instants in ISO 8601 with a zone. The form that programs write, {@code
 * 1997-01-31T12:00:00.000Z}, is read by hand: the general parser takes longer than all the rest of
 * a record. Records lie close together in time, so a reader knows the minute it has read last; one
 * for each field, and thread.
 */
final class IsoInstant {

  private static final VarHandle EIGHT_BYTES =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** Characters up to the minute: two times eight. */
  private static final int TO_THE_MINUTE = 16;

  /** First instant a contract can hold: tables and files do not reach beyond years 1 to 9999. */
  static final long FIRST = Instant.parse("0001-01-01T00:00:00Z").toEpochMilli();

  /** Last instant a contract can hold. */
  static final long LAST = Instant.parse("9999-12-31T23:59:59.999Z").toEpochMilli();

  /** Days of a common year before each month, and of all of them. */
  private static final int[] DAYS_BEFORE = {
    0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365
  };

  /** Since the first day of year 1. */
  private static final int DAYS_TO_1970 = 719_162;

  /** The characters of the minute read last, at first of none, and its first millisecond. */
  private long date = -1;

  private long dayAndTime = -1;
  private long minute;

  /** Whether tables and files can hold the instant. */
  static boolean isHeld(long millis) {
    return millis >= FIRST && millis <= LAST;
  }

  /**
   * The instant in a text of UTF-8.
   *
   * @throws DateTimeException if it is none, lies out of range, or is finer than a millisecond
   */
  Instant read(byte[] text, int from, int length) {
    if ((length == 20 || length == 24)
        && text[from + length - 1] == 'Z'
        && text[from + TO_THE_MINUTE] == ':'
        && (length == 20 || text[from + 19] == '.')) {
      int second = two(text, from + 17);
      int milli = length == 20 ? 0 : two(text, from + 20) * 10 + digit(text[from + 22]);
      if ((second | milli | (59 - second)) >= 0 && isMinute(text, from)) {
        return Instant.ofEpochMilli(minute + second * 1_000L + milli);
      }
    }
    return general(text, from, length);
  }

  /** Whether a minute stands there in the usual form, which is then {@link #minute}. */
  private boolean isMinute(byte[] text, int from) {
    long first = (long) EIGHT_BYTES.get(text, from);
    long second = (long) EIGHT_BYTES.get(text, from + Long.BYTES);
    if (first == date && second == dayAndTime) {
      return true;
    }
    int year = two(text, from) * 100 + two(text, from + 2);
    int month = two(text, from + 5);
    int day = two(text, from + 8);
    int hour = two(text, from + 11);
    int minuteOfHour = two(text, from + 14);
    int wrong = (year - 1) | month | day | hour | minuteOfHour | (23 - hour) | (59 - minuteOfHour);
    if (wrong < 0
        || text[from + 4] != '-'
        || text[from + 7] != '-'
        || text[from + 10] != 'T'
        || text[from + 13] != ':') {
      return false;
    }
    minute = (epochDay(year, month, day) * 1_440 + hour * 60L + minuteOfHour) * 60_000;
    date = first;
    dayAndTime = second;
    return true;
  }

  private static Instant general(byte[] text, int from, int length) {
    Instant instant =
        OffsetDateTime.parse(new String(text, from, length, StandardCharsets.UTF_8)).toInstant();
    if (!instant.truncatedTo(ChronoUnit.MILLIS).equals(instant)) {
      throw new DateTimeException("finer than milliseconds");
    }
    if (instant.getEpochSecond() < FIRST / 1_000 || instant.getEpochSecond() > LAST / 1_000) {
      throw new DateTimeException("beyond years 1 to 9999");
    }
    return instant;
  }

  /**
   * Days since 1970, in the proleptic Gregorian calendar, as {@link LocalDate} counts them, but
   * without making one.
   *
   * @throws DateTimeException if there is no such day
   */
  private static long epochDay(int year, int month, int day) {
    boolean leap = (year & 3) == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month < 1 || month > 12 || day < 1 || day > 31 || (day > 28 && !isDay(month, day, leap))) {
      throw new DateTimeException("no day of the calendar");
    }
    int before = year - 1;
    return before * 365L
        + before / 4
        - before / 100
        + before / 400
        + DAYS_BEFORE[month - 1]
        + (leap && month > 2 ? 1 : 0)
        + day
        - 1
        - DAYS_TO_1970;
  }

  private static boolean isDay(int month, int day, boolean leap) {
    return day <= DAYS_BEFORE[month] - DAYS_BEFORE[month - 1] + (leap && month == 2 ? 1 : 0);
  }

  /**
   * The date in a text of the form {@code 1997-01-31}.
   *
   * @throws DateTimeException if it is of another form, none, or out of range
   */
  static LocalDate date(byte[] text, int from, int length) {
    if (length != 10 || text[from + 4] != '-' || text[from + 7] != '-') {
      throw new DateTimeException("not of the form 1997-01-31");
    }
    int year = two(text, from) * 100 + two(text, from + 2);
    if (year < 1) {
      throw new DateTimeException("before year 1, or no number");
    }
    return LocalDate.of(year, two(text, from + 5), two(text, from + 8));
  }

  /** The number of two digits; far below zero if one is no digit. */
  private static int two(byte[] text, int at) {
    return digit(text[at]) * 10 + digit(text[at + 1]);
  }

  private static int digit(byte c) {
    return c >= '0' && c <= '9' ? c - '0' : -1_000_000;
  }
}

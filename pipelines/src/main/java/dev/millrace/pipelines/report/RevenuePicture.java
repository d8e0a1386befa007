package dev.millrace.pipelines.report;

import dev.millrace.pipelines.report.RunReport.DayRevenue;
import dev.millrace.pipelines.report.RunReport.Revenue;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.LocalDate;
import java.time.Period;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Draws revenue per day: columns for up to two months, beyond that an area with the average of the
 * last seven days on top. A day without a sale is zero, as it is in the answer tables. A span of
 * many years is drawn as averages of several days each.
 */
final class RevenuePicture {

  private static final int COLUMNS_UP_TO = 62;
  private static final int AVERAGE_FROM = 21;
  private static final int POINTS = 1100;

  private static final List<Period> STEPS =
      List.of(
          Period.ofDays(1),
          Period.ofDays(2),
          Period.ofDays(7),
          Period.ofDays(14),
          Period.ofMonths(1),
          Period.ofMonths(2),
          Period.ofMonths(3),
          Period.ofMonths(6),
          Period.ofYears(1),
          Period.ofYears(2),
          Period.ofYears(5),
          Period.ofYears(10),
          Period.ofYears(50));

  private static final DateTimeFormatter DAY = DateTimeFormatter.ofPattern("d MMM", Locale.ENGLISH);
  private static final DateTimeFormatter MONTH = DateTimeFormatter.ofPattern("MMM", Locale.ENGLISH);
  private static final DateTimeFormatter YEAR = DateTimeFormatter.ofPattern("uuuu", Locale.ENGLISH);

  private final String unit;
  private final LocalDate first;

  /** Revenue of every day from the first to the last. */
  private final BigDecimal[] days;

  /** How many days a point stands for. */
  private final int daysPerPoint;

  /** Revenue per day, averaged over the days of a point. */
  private final BigDecimal[] points;

  RevenuePicture(Revenue revenue) {
    unit = revenue.unit();
    first = revenue.byDay().get(0).day();
    LocalDate last = revenue.byDay().get(revenue.byDay().size() - 1).day();
    days = new BigDecimal[Math.toIntExact(ChronoUnit.DAYS.between(first, last)) + 1];
    java.util.Arrays.fill(days, BigDecimal.ZERO);
    for (DayRevenue day : revenue.byDay()) {
      days[(int) ChronoUnit.DAYS.between(first, day.day())] = day.revenue();
    }
    daysPerPoint = (days.length + POINTS - 1) / POINTS;
    points = daysPerPoint == 1 ? days : averages(days, daysPerPoint);
  }

  private static BigDecimal[] averages(BigDecimal[] days, int length) {
    BigDecimal[] averages = new BigDecimal[(days.length + length - 1) / length];
    for (int i = 0; i < averages.length; i++) {
      int end = Math.min(days.length, (i + 1) * length);
      BigDecimal sum = BigDecimal.ZERO;
      for (int day = i * length; day < end; day++) {
        sum = sum.add(days[day]);
      }
      averages[i] = sum.divide(BigDecimal.valueOf(end - i * length), 4, RoundingMode.HALF_EVEN);
    }
    return averages;
  }

  boolean hasAverage() {
    return days.length >= AVERAGE_FROM && daysPerPoint == 1;
  }

  /** What a point stands for, in words. */
  String resolution() {
    return daysPerPoint == 1 ? "per day" : "per day, averaged over " + daysPerPoint + " days";
  }

  /** What the picture shows, in words. */
  String description() {
    int best = 0;
    BigDecimal total = BigDecimal.ZERO;
    int empty = 0;
    for (int i = 0; i < days.length; i++) {
      best = days[i].compareTo(days[best]) > 0 ? i : best;
      total = total.add(days[i]);
      empty += days[i].signum() == 0 ? 1 : 0;
    }
    if (days.length == 1) {
      return "One day, " + Figures.day(first) + ": " + Figures.money(total) + " " + unit + ".";
    }
    BigDecimal mean = total.divide(BigDecimal.valueOf(days.length), 2, RoundingMode.HALF_EVEN);
    return Figures.day(first)
        + " to "
        + Figures.day(first.plusDays(days.length - 1L))
        + ": "
        + Figures.money(total)
        + " "
        + unit
        + " in all, "
        + Figures.money(mean)
        + " a day. Best day: "
        + Figures.day(first.plusDays(best))
        + " with "
        + Figures.money(days[best])
        + "."
        + (empty == 0
            ? ""
            : " "
                + Figures.plural(empty, "day without a sale counts", "days without a sale count")
                + " as zero.");
  }

  /** Draws at a size in pixels, which is also the size of the text. */
  void draw(Html out, String form, double width, double height) {
    BigDecimal step = step(height > 250 ? 5 : 4);
    BigDecimal top = top(step);
    double left = Figures.number(top).length() * 7.2 + 12;
    double right = width - 6;
    double floor = height - 26;
    double ceiling = 14;
    double slot = (right - left) / points.length;

    out.open(
            "svg",
            "viewBox",
            "0 0 " + Html.coordinate(width) + " " + Html.coordinate(height),
            "class",
            "revenue " + form,
            "role",
            "img",
            "aria-labelledby",
            "revenue-" + form + "-title revenue-" + form + "-desc")
        .put("title", "Revenue " + resolution() + ", " + unit, "id", "revenue-" + form + "-title")
        .put("desc", description(), "id", "revenue-" + form + "-desc")
        .line();
    for (BigDecimal tick = BigDecimal.ZERO; tick.compareTo(top) <= 0; tick = tick.add(step)) {
      double y = y(tick, top, floor, ceiling);
      out.open("line", "x1", left, "x2", right, "y1", y, "y2", y, "class", "grid").close("line");
      out.put("text", Figures.number(tick), "x", left - 8, "y", y + 4, "class", "tick right");
    }
    timeAxis(out, left, right, slot, floor, width > 600 ? 9 : 4);
    out.line();

    if (points.length <= COLUMNS_UP_TO) {
      double wide = Math.min(48, slot * 0.72);
      for (int i = 0; i < points.length; i++) {
        double y = y(points[i], top, floor, ceiling);
        out.open(
                "rect",
                "x",
                left + (i + 0.5) * slot - wide / 2,
                "y",
                y,
                "width",
                wide,
                "height",
                floor - y,
                "class",
                "column")
            .put("title", title(i))
            .close("rect");
      }
      if (points.length == 1) {
        out.put(
            "text",
            Figures.money(points[0]),
            "x",
            left + slot / 2 + wide / 2 + 8,
            "y",
            y(points[0], top, floor, ceiling) + 12,
            "class",
            "value");
      }
    } else {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < points.length; i++) {
        point(line, left + (i + 0.5) * slot, y(points[i], top, floor, ceiling));
      }
      String from = Html.coordinate(left + 0.5 * slot) + " " + Html.coordinate(floor);
      String to = Html.coordinate(right - 0.5 * slot) + " " + Html.coordinate(floor);
      out.open("path", "d", "M" + from + " L" + line + " L" + to + " Z", "class", "area")
          .close("path")
          .open("path", "d", "M" + line, "class", "daily")
          .close("path")
          .line();
    }
    if (hasAverage()) {
      average(out, top, left, slot, floor, ceiling);
    }
    if (points.length > COLUMNS_UP_TO && form.equals("wide")) {
      titles(out, left, slot, floor, ceiling);
    }
    out.close("svg").line();
  }

  private void average(
      Html out, BigDecimal top, double left, double slot, double floor, double ceiling) {
    StringBuilder line = new StringBuilder();
    BigDecimal sum = BigDecimal.ZERO;
    for (int i = 0; i < points.length; i++) {
      sum = sum.add(points[i]);
      if (i >= 7) {
        sum = sum.subtract(points[i - 7]);
      }
      if (i >= 6) {
        BigDecimal mean = sum.divide(BigDecimal.valueOf(7), 4, RoundingMode.HALF_EVEN);
        point(line, left + (i + 0.5) * slot, y(mean, top, floor, ceiling));
      }
    }
    out.open("path", "d", "M" + line, "class", "average").close("path").line();
  }

  /** Unseen columns, a day each, that tell its revenue under the pointer. */
  private void titles(Html out, double left, double slot, double floor, double ceiling) {
    for (int i = 0; i < points.length; i++) {
      out.open(
              "rect",
              "x",
              left + i * slot,
              "y",
              ceiling,
              "width",
              slot,
              "height",
              floor - ceiling,
              "class",
              "hover")
          .put("title", title(i))
          .close("rect");
    }
    out.line();
  }

  private String title(int day) {
    return Figures.day(first.plusDays((long) day * daysPerPoint))
        + ": "
        + Figures.money(points[day])
        + " "
        + unit;
  }

  private static void point(StringBuilder line, double x, double y) {
    line.append(line.isEmpty() ? "" : " ")
        .append(Html.coordinate(x))
        .append(' ')
        .append(Html.coordinate(y));
  }

  // Where a point lies is no amount of money: a double is exact enough for a pixel.
  private static double y(BigDecimal value, BigDecimal top, double floor, double ceiling) {
    double share = Math.max(0, value.doubleValue()) / top.doubleValue();
    return floor - share * (floor - ceiling);
  }

  /** The smallest of 1, 2, 2.5 and 5 times a power of ten that needs no more than so many steps. */
  private BigDecimal step(int most) {
    BigDecimal highest = highest();
    BigDecimal power = BigDecimal.ONE.scaleByPowerOfTen(highest.precision() - highest.scale() - 3);
    while (true) {
      for (String factor : new String[] {"1", "2", "2.5", "5"}) {
        BigDecimal step = power.multiply(new BigDecimal(factor));
        if (highest.compareTo(step.multiply(BigDecimal.valueOf(most))) <= 0) {
          return step;
        }
      }
      power = power.scaleByPowerOfTen(1);
    }
  }

  private BigDecimal top(BigDecimal step) {
    return highest().divide(step, 0, RoundingMode.CEILING).multiply(step);
  }

  private BigDecimal highest() {
    BigDecimal highest = BigDecimal.ZERO;
    for (BigDecimal point : points) {
      highest = highest.max(point);
    }
    return highest.signum() == 0 ? BigDecimal.ONE : highest;
  }

  private void timeAxis(Html out, double left, double right, double slot, double floor, int most) {
    List<LocalDate> ticks = List.of();
    Period step = STEPS.get(STEPS.size() - 1);
    for (Period candidate : STEPS) {
      List<LocalDate> dates = ticks(candidate);
      if (dates.size() <= most) {
        ticks = dates;
        step = candidate;
        break;
      }
    }
    int lastYear = Integer.MIN_VALUE;
    for (LocalDate tick : ticks) {
      double offset = ChronoUnit.DAYS.between(first, tick) + (step.getDays() > 0 ? 0.5 : 0);
      double x = left + offset / daysPerPoint * slot;
      out.open("line", "x1", x, "x2", x, "y1", floor, "y2", floor + 5, "class", "axis")
          .close("line");
      DateTimeFormatter plain = step.getDays() > 0 ? DAY : step.getMonths() > 0 ? MONTH : YEAR;
      String label = plain.format(tick);
      if (plain != YEAR && tick.getYear() != lastYear) {
        label += " " + tick.getYear();
      }
      lastYear = tick.getYear();
      // The outermost labels turn inwards rather than leave the picture.
      double half = label.length() * 3.6;
      String anchor = x - half < 0 ? "tick" : x + half > right + 6 ? "tick right" : "tick mid";
      out.put("text", label, "x", x, "y", floor + 19, "class", anchor);
    }
  }

  private List<LocalDate> ticks(Period step) {
    LocalDate last = first.plusDays(days.length - 1L);
    List<LocalDate> dates = new ArrayList<>();
    LocalDate date = first;
    if (step.getYears() > 0) {
      date = LocalDate.of(Math.floorDiv(first.getYear(), step.getYears()) * step.getYears(), 1, 1);
    } else if (step.getMonths() > 0) {
      date = LocalDate.of(first.getYear(), 1, 1);
    }
    for (; !date.isAfter(last); date = date.plus(step)) {
      if (!date.isBefore(first)) {
        dates.add(date);
      }
    }
    return dates;
  }
}

package dev.millrace.benchmarks.flink;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/** Where the jobs over the whole of the clickstream leave what they found, in this process. */
final class WholeCollected {

  private static final LongAdder REJECTS = new LongAdder();
  private static final Map<String, Long> COUNTS = new ConcurrentHashMap<>();
  private static final Map<String, String> WINDOWS = new ConcurrentHashMap<>();
  private static final Map<String, List<Visit>> VISITS = new ConcurrentHashMap<>();

  private WholeCollected() {}

  /** A visit; of whom is left out of the answer, since not every job writes visitors alike. */
  private record Visit(
      long start, long end, long events, long pages, boolean purchased, long revenue) {

    private boolean overlaps(Visit other) {
      return start <= other.end && end >= other.start;
    }

    private String row() {
      return String.join(
          "|",
          "visit",
          Long.toString(start),
          Long.toString(end),
          Long.toString(events),
          Long.toString(pages),
          Boolean.toString(purchased),
          Long.toString(revenue));
    }
  }

  static void clear() {
    REJECTS.reset();
    COUNTS.clear();
    WINDOWS.clear();
    VISITS.clear();
  }

  /** Waits for a row of windows. */
  static void awaitRow() throws InterruptedException {
    while (WINDOWS.isEmpty()) {
      TimeUnit.MILLISECONDS.sleep(10);
    }
  }

  static void reject() {
    REJECTS.increment();
  }

  /** States how many records of a source an outcome has; again, if it was stated before. */
  static void count(String outcome, String stageAndSource, long records) {
    COUNTS.put(outcome + "|" + stageAndSource, records);
  }

  /** States five minutes; again, if they were stated before. */
  static void fiveMinutes(long start, String action, long events, long revenue) {
    WINDOWS.put("5m|" + start + "|" + action, events + "|" + revenue);
  }

  /** States a minute; again, if it was stated before. */
  static void minute(
      long start, String device, long views, long carts, long purchases, long revenue) {
    WINDOWS.put(
        "1m|" + start + "|" + device, views + "|" + carts + "|" + purchases + "|" + revenue);
  }

  /** States a visit, which takes the place of those of this visitor that it overlaps. */
  static void visit(
      String visitor,
      long start,
      long end,
      long events,
      long pages,
      boolean purchased,
      long revenue) {
    Visit visit = new Visit(start, end, events, pages, purchased, revenue);
    VISITS.compute(
        visitor,
        (who, before) -> {
          List<Visit> visits = new ArrayList<>(before == null ? List.of() : before);
          visits.removeIf(visit::overlaps);
          visits.add(visit);
          return visits;
        });
  }

  static EventsAnswer answer() {
    long invalid = sum("invalid");
    long late = sum("late");
    if (invalid + late != REJECTS.sum()) {
      throw new IllegalStateException(
          "%d records were counted as refused, and %d handed on as such"
              .formatted(invalid + late, REJECTS.sum()));
    }
    List<String> rows = new ArrayList<>();
    rows.add("duplicates|" + sum("duplicate"));
    rows.add("visitors|" + VISITS.size());
    WINDOWS.forEach((window, sums) -> rows.add(window + "|" + sums));
    VISITS.values().forEach(visits -> visits.forEach(visit -> rows.add(visit.row())));
    return new EventsAnswer(sum("good"), invalid, late, rows);
  }

  private static long sum(String outcome) {
    return COUNTS.entrySet().stream()
        .filter(count -> count.getKey().startsWith(outcome + "|"))
        .mapToLong(Map.Entry::getValue)
        .sum();
  }
}

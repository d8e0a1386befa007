package dev.millrace.benchmarks.flink;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Where the jobs of this process leave what they found: cluster and job are in one process. */
final class Collected {

  private static final LongAdder REJECTS = new LongAdder();
  private static final Map<String, Long> COUNTS = new ConcurrentHashMap<>();
  private static final Map<String, Minute> MINUTES = new ConcurrentHashMap<>();

  private Collected() {}

  private record Minute(long events, long revenue) {
    @Override
    public String toString() {
      return events + "|" + revenue;
    }
  }

  static void clear() {
    REJECTS.reset();
    COUNTS.clear();
    MINUTES.clear();
  }

  static void reject() {
    REJECTS.increment();
  }

  static void count(String outcome, long records) {
    COUNTS.put(outcome, records);
  }

  /** States a minute; again, if it was stated before. */
  static void minute(long startMillis, String action, long events, long revenueTenThousandths) {
    MINUTES.put(startMillis + "|" + action, new Minute(events, revenueTenThousandths));
  }

  /** How many records were judged. */
  static long judged() {
    return COUNTS.values().stream().mapToLong(Long::longValue).sum();
  }

  /** How many good ones the minutes hold, less than there are. */
  static long missing() {
    return COUNTS.getOrDefault("good", 0L)
        - MINUTES.values().stream().mapToLong(Minute::events).sum();
  }

  static EventsAnswer answer() {
    long invalid = COUNTS.getOrDefault("invalid", 0L);
    long late = COUNTS.getOrDefault("late", 0L);
    if (invalid + late != REJECTS.sum()) {
      throw new IllegalStateException(
          "%d records were counted as refused, and %d handed on as such"
              .formatted(invalid + late, REJECTS.sum()));
    }
    return new EventsAnswer(
        COUNTS.getOrDefault("good", 0L),
        invalid,
        late,
        MINUTES.entrySet().stream()
            .map(minute -> minute.getKey() + "|" + minute.getValue())
            .toList());
  }
}

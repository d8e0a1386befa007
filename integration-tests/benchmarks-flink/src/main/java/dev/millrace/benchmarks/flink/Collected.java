package dev.millrace.benchmarks.flink;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Where the jobs of this process leave what they found: cluster and job are in one process. */
final class Collected {

  private static final LongAdder REJECTS = new LongAdder();
  private static final Map<String, Long> COUNTS = new ConcurrentHashMap<>();
  private static final Map<String, Minute> MINUTES = new ConcurrentHashMap<>();
  private static final LongAdder ROWS = new LongAdder();
  private static final LongAdder HASHES = new LongAdder();
  private static volatile boolean hashed;

  private Collected() {}

  private record Minute(long events, long revenue) {
    @Override
    public String toString() {
      return events + "|" + revenue;
    }
  }

  /**
   * Begins anew.
   *
   * @param hashing whether the rows are too many to be kept: their number is, and a sum of hashes
   */
  static void clear(boolean hashing) {
    REJECTS.reset();
    COUNTS.clear();
    MINUTES.clear();
    ROWS.reset();
    HASHES.reset();
    hashed = hashing;
  }

  static void reject() {
    REJECTS.increment();
  }

  /** States how many records of a source had an outcome; again, if it was stated before. */
  static void count(String source, String outcome, long records) {
    COUNTS.put(outcome + "|" + source, records);
  }

  /** States a minute; again, if it was stated before and rows are kept. */
  static void minute(long startMillis, String key, long events, long revenueTenThousandths) {
    if (hashed) {
      ROWS.increment();
      HASHES.add(
          mixed(mixed(mixed(mixed(startMillis) + hash(key)) + events) + revenueTenThousandths));
    } else {
      MINUTES.put(startMillis + "|" + key, new Minute(events, revenueTenThousandths));
    }
  }

  /** Of 64 bits. */
  private static long hash(String text) {
    long hash = 0;
    for (int i = 0; i < text.length(); i++) {
      hash = mixed(hash + text.charAt(i));
    }
    return hash;
  }

  /** Every bit of the outcome hangs on every bit of the value (the finalizer of MurmurHash3). */
  static long mixed(long value) {
    long mixed = value + 0x9e3779b97f4a7c15L;
    mixed = (mixed ^ (mixed >>> 33)) * 0xff51afd7ed558ccdL;
    mixed = (mixed ^ (mixed >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return mixed ^ (mixed >>> 33);
  }

  /** How many records were judged. */
  static long judged() {
    return COUNTS.values().stream().mapToLong(Long::longValue).sum();
  }

  /** How many good ones the minutes hold, less than there are. */
  static long missing() {
    return of("good") - MINUTES.values().stream().mapToLong(Minute::events).sum();
  }

  private static long of(String outcome) {
    return COUNTS.entrySet().stream()
        .filter(count -> count.getKey().startsWith(outcome + "|"))
        .mapToLong(Map.Entry::getValue)
        .sum();
  }

  /** The rows; or how many there are, with the sum of their hashes. */
  static List<String> minutes() {
    return hashed
        ? List.of("%d rows, %016x".formatted(ROWS.sum(), HASHES.sum()))
        : MINUTES.entrySet().stream()
            .map(minute -> minute.getKey() + "|" + minute.getValue())
            .toList();
  }

  static EventsAnswer answer() {
    long invalid = of("invalid");
    long late = of("late");
    if (invalid + late != REJECTS.sum()) {
      throw new IllegalStateException(
          "%d records were counted as refused, and %d handed on as such"
              .formatted(invalid + late, REJECTS.sum()));
    }
    return new EventsAnswer(of("good"), invalid, late, minutes());
  }
}

package dev.millrace.transforms;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.beam.sdk.metrics.Counter;
import org.apache.beam.sdk.metrics.Metrics;

/**
 * Counts what a stage did with its records during one bundle, in plain fields, and hands the counts
 * out as {@link Tally} records when the bundle ends. One instance per DoFn instance: created in
 * {@code @Setup}, {@link #start started} in {@code @StartBundle}, {@link #finish finished} in
 * {@code @FinishBundle}. Not thread-safe, as a DoFn is not.
 */
public final class Tallies {

  private static final int OUTCOMES = Outcome.values().length;

  private final String stage;
  private final Counter records;
  private final Map<String, long[]> bySource = new HashMap<>();
  private String lastSource = "";
  private long[] lastCounts = new long[0];

  /**
   * Counts for a stage; the counter {@code millrace/<stage>.records} follows for progress displays.
   */
  public Tallies(String stage) {
    this.stage = stage;
    this.records = Metrics.counter("millrace", stage + ".records");
  }

  /** Forgets what a failed bundle may have left. */
  public void start() {
    bySource.clear();
    lastSource = "";
    lastCounts = new long[0];
  }

  /** One record of a source was read and had an outcome. */
  public void count(Origin origin, Outcome outcome) {
    count(origin.source(), outcome, 1);
  }

  /** So many records of a source were read and had an outcome. */
  public void count(String source, Outcome outcome, long records) {
    // Records of one source come in runs: one comparison instead of a look-up.
    if (lastCounts.length == 0 || !source.equals(lastSource)) {
      lastCounts = bySource.computeIfAbsent(source, s -> new long[OUTCOMES]);
      lastSource = source;
    }
    lastCounts[slot(Outcome.READ)] += records;
    lastCounts[slot(outcome)] += records;
  }

  /** A record of a source that was counted before turns out to have had another outcome. */
  public void change(String source, Outcome from, Outcome to) {
    long[] counts = bySource.computeIfAbsent(source, s -> new long[OUTCOMES]);
    counts[slot(from)]--;
    counts[slot(to)]++;
  }

  /** Hands out what was counted, and starts anew. */
  public void finish(Consumer<Tally> out) {
    long read = 0;
    for (Map.Entry<String, long[]> source : bySource.entrySet()) {
      for (Outcome outcome : Outcome.values()) {
        long count = source.getValue()[slot(outcome)];
        if (count != 0) {
          out.accept(new Tally(stage, source.getKey(), outcome, count));
        }
      }
      read += source.getValue()[slot(Outcome.READ)];
    }
    records.inc(read);
    start();
  }

  @SuppressWarnings("EnumOrdinal") // an array index within one process, never stored
  private static int slot(Outcome outcome) {
    return outcome.ordinal();
  }
}

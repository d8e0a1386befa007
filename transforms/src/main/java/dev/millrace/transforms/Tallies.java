package dev.millrace.transforms;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.beam.sdk.metrics.Counter;
import org.apache.beam.sdk.metrics.Gauge;
import org.apache.beam.sdk.metrics.Metrics;

/**
 * Counts what a stage did with its records during one bundle, in plain fields, and hands the counts
 * out as {@link Tally} records when the bundle ends. One instance per DoFn instance: created in
 * {@code @Setup}, {@link #start started} in {@code @StartBundle}, {@link #finish finished} in
 * {@code @FinishBundle}. Not thread-safe, as a DoFn is not.
 */
public final class Tallies {

  private static final int OUTCOMES = Outcome.values().length;

  /** What metrics of this library are in, as Beam calls it; it stands before their names. */
  public static final String NAMESPACE = "millrace";

  private static final Counter[] TOTALS =
      Arrays.stream(Outcome.values())
          .map(outcome -> "records_" + outcome.name().toLowerCase(Locale.ROOT))
          .map(name -> Metrics.counter(NAMESPACE, name))
          .toArray(Counter[]::new);

  /** How long, when a bundle ended, the record had been there that arrived first of it. */
  private static final Gauge LATENCY = Metrics.gauge(NAMESPACE, "latency_millis");

  private final String stage;
  private final Counter records;
  private final Map<String, long[]> bySource = new HashMap<>();
  private String lastSource = "";
  private long[] lastCounts = new long[0];
  private long oldestArrival = Long.MAX_VALUE;

  /**
   * Counts for a stage. When a bundle ends, the counters {@code millrace/records_read}, {@code
   * records_written} and so on of the step follow, for those who watch; what counts is the tallies.
   * The counter {@code millrace/<stage>.records} is for displays of progress.
   */
  public Tallies(String stage) {
    this.stage = stage;
    this.records = Metrics.counter(NAMESPACE, stage + ".records");
  }

  /** Forgets what a failed bundle may have left. */
  public void start() {
    bySource.clear();
    lastSource = "";
    lastCounts = new long[0];
    oldestArrival = Long.MAX_VALUE;
  }

  /** One record of a source was read and had an outcome. */
  public void count(Origin origin, Outcome outcome) {
    if (origin.arrivalMillis() < oldestArrival && origin.arrivalMillis() != Origin.NO_ARRIVAL) {
      oldestArrival = origin.arrivalMillis();
    }
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
    long[] totals = new long[OUTCOMES];
    for (Map.Entry<String, long[]> source : bySource.entrySet()) {
      for (Outcome outcome : Outcome.values()) {
        long count = source.getValue()[slot(outcome)];
        if (count != 0) {
          out.accept(new Tally(stage, source.getKey(), outcome, count));
          totals[slot(outcome)] += count;
        }
      }
    }
    records.inc(totals[slot(Outcome.READ)]);
    // Zeros too: what asks for a share of late records finds them though none is late.
    for (int i = 0; i < OUTCOMES; i++) {
      TOTALS[i].inc(totals[i]);
    }
    if (oldestArrival != Long.MAX_VALUE) {
      LATENCY.set(System.currentTimeMillis() - oldestArrival);
    }
    start();
  }

  @SuppressWarnings("EnumOrdinal") // an array index within one process, never stored
  private static int slot(Outcome outcome) {
    return outcome.ordinal();
  }
}

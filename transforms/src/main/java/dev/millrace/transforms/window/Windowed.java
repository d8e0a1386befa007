package dev.millrace.transforms.window;

import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.combine.CombineBlocks;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CoderRegistry;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.transforms.Combine;
import org.apache.beam.sdk.transforms.Combine.CombineFn;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.FlatMapElements;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.SerializableBiFunction;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.transforms.display.DisplayData;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.FixedWindows;
import org.apache.beam.sdk.transforms.windowing.IntervalWindow;
import org.apache.beam.sdk.transforms.windowing.PaneInfo;
import org.apache.beam.sdk.transforms.windowing.PaneInfo.Timing;
import org.apache.beam.sdk.transforms.windowing.Sessions;
import org.apache.beam.sdk.transforms.windowing.SlidingWindows;
import org.apache.beam.sdk.transforms.windowing.WindowFn;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollection.IsBounded;
import org.apache.beam.sdk.values.TypeDescriptor;
import org.joda.time.Instant;

/**
 * Aggregates records per key and event-time window.
 *
 * <pre>{@code
 * PCollection<Aggregate<Integer, Totals>> revenue = sales.good().apply("StoreRevenue",
 *     Windowed.sliding(Duration.ofDays(7), Duration.ofDays(1))
 *         .keyedBy((Sale s) -> s.getStoreId(), VarIntCoder.of())
 *         .sum(Sale::getStoreSales));
 * }</pre>
 *
 * <p><b>Input:</b> records; their event time decides the window, whatever the timestamps of the
 * elements were (in a stream these may lie after it by no more than the policy's lateness).
 * <b>Output:</b> one {@link Aggregate} per key, window and pane; windows without a record have
 * none. <b>Bounded/unbounded:</b> both; in batch one pane per key and window, itself in the global
 * window. <b>State and timers:</b> in a stream three cells and two timers per window and bucket of
 * keys; sessions one cell and two timers per key. <b>Reasons:</b> none. <b>Guarantee:</b> exact
 * where the combine function is; the last pane does not depend on order or bundles. A record whose
 * window has passed the policy's lateness is dropped by the runner: keep that above the late gate's
 * bound. <b>Runners:</b> all in batch; streams on Direct and Flink.
 *
 * <p>All windows combine within each bundle before the shuffle: what crosses it is one accumulator
 * per bundle, key and slice of time, those of a bucket of keys together; of the sessions of a
 * stream one per bundle, key and part of a session. These are not windows of Beam's, and stay in
 * the global window. Keys are the same if they are equal: take no arrays.
 *
 * @param <T> type of the records
 * @param <K> type of the key
 * @param <A> type of the accumulator
 * @param <R> type of the result
 */
public final class Windowed<T, K, A, R>
    extends PTransform<PCollection<Sourced<T>>, PCollection<Aggregate<K, R>>> {

  /** Accumulators a bundle of a stream holds at most; more go on uncombined. */
  static final int BUFFER_LIMIT = 10_000;

  // Sessions have bounds of their own; a slice as long as time itself is never asked for.
  private static final long NO_SLICES = Long.MAX_VALUE;

  private final Keyed<T, K> keyed;
  private final CombineFn<T, A, R> fn;
  private final Coder<A> accumulators;
  private final Coder<R> results;
  private final int bufferLimit;

  private Windowed(
      Keyed<T, K> keyed,
      CombineFn<T, A, R> fn,
      Coder<A> accumulators,
      Coder<R> results,
      int bufferLimit) {
    this.keyed = keyed;
    this.fn = fn;
    this.accumulators = accumulators;
    this.results = results;
    this.bufferLimit = bufferLimit;
  }

  /** Windows of a size, side by side, aligned to the epoch. */
  public static Windows tumbling(Duration size) {
    WindowPolicy.positive("windows of", size);
    return new Windows(
        FixedWindows.of(WindowPolicy.joda(size)),
        size.toMillis(),
        size.toMillis(),
        "tumbling " + WindowPolicy.words(size),
        WindowPolicy.onTime());
  }

  /** Windows of a size, one starting each period, aligned to the epoch. */
  public static Windows sliding(Duration size, Duration period) {
    WindowPolicy.positive("windows of", size);
    WindowPolicy.positive("windows every", period);
    if (period.compareTo(size) > 0) {
      throw new IllegalArgumentException(
          "windows of "
              + size
              + " every "
              + period
              + " would leave gaps: a record could be in none");
    }
    return new Windows(
        SlidingWindows.of(WindowPolicy.joda(size)).every(WindowPolicy.joda(period)),
        size.toMillis(),
        gcd(size.toMillis(), period.toMillis()),
        "sliding " + WindowPolicy.words(size) + " every " + WindowPolicy.words(period),
        WindowPolicy.onTime());
  }

  /** Windows that last until nothing has come for a gap. */
  public static Windows sessions(Duration gap) {
    WindowPolicy.positive("sessions with a gap of", gap);
    return new Windows(
        Sessions.withGapDuration(WindowPolicy.joda(gap)),
        gap.toMillis(),
        NO_SLICES,
        "sessions, gap " + WindowPolicy.words(gap),
        WindowPolicy.onTime());
  }

  /** For tests: how many accumulators a bundle holds. */
  Windowed<T, K, A, R> withBufferLimit(int limit) {
    return new Windowed<>(keyed, fn, accumulators, results, limit);
  }

  @Override
  public PCollection<Aggregate<K, R>> expand(PCollection<Sourced<T>> input) {
    Windows windows = keyed.windows;
    boolean sessions = windows.sliceMillis == NO_SLICES;
    if (input.isBounded() == IsBounded.BOUNDED) {
      return sessions ? sessionsInBatch(input) : inBatch(input);
    }
    if (sessions) {
      Duration gap = Duration.ofMillis(windows.sizeMillis);
      return input.apply(
          "Sessions",
          new StreamSessions<>(
              keyed.key, keyed.coder, fn, accumulators, results, gap, windows.policy));
    }
    return input.apply(
        "Windows",
        new StreamWindows<>(
            keyed.key,
            keyed.coder,
            fn,
            accumulators,
            results,
            windows.fn,
            windows.sliceMillis,
            windows.policy,
            bufferLimit));
  }

  private PCollection<Aggregate<K, R>> sessionsInBatch(PCollection<Sourced<T>> input) {
    // By the clock a long batch would state the sessions it has not read to their end.
    WindowPolicy policy = keyed.windows.policy.withoutEarly();
    return input
        .apply("EventTime", ParDo.of(new AtEventTime<>(keyed.key, fn)))
        .setCoder(KvCoder.of(keyed.coder, accumulators))
        .apply("Windows", policy.into(keyed.windows.fn))
        .apply("Combine", Combine.perKey(new Merge<>(fn, accumulators, results)))
        .setCoder(KvCoder.of(keyed.coder, results))
        .apply("Aggregates", ParDo.of(new ToAggregate<K, R>()))
        .setCoder(Aggregate.coder(keyed.coder, results));
  }

  /**
   * In batch each window states its result once, at the end, so a window is but a part of the key.
   * Records are combined per slice of time first, and the slices per window: no record is put into
   * each of its windows.
   */
  private PCollection<Aggregate<K, R>> inBatch(PCollection<Sourced<T>> input) {
    CombineFn<T, A, R> combine = fn;
    SerializableFunction<T, K> key = keyed.key;
    long slice = keyed.windows.sliceMillis;
    KvCoder<KV<K, Long>, A> coder =
        KvCoder.of(KvCoder.of(keyed.coder, VarLongCoder.of()), accumulators);
    PCollection<KV<KV<K, Long>, A>> sums =
        input.apply(
            "CombineSlices",
            CombineBlocks.of(
                record ->
                    KV.of(
                        KV.of(
                            key.apply(record.value()),
                            Math.floorDiv(record.requiredEventTimeMillis(), slice) * slice),
                        combine.addInput(combine.createAccumulator(), record.value())),
                coder,
                merge()));
    if (keyed.windows.fn instanceof SlidingWindows sliding) {
      sums =
          sums.apply(
                  "Slide",
                  FlatMapElements.into(new TypeDescriptor<KV<KV<K, Long>, A>>() {})
                      .via(sum -> slide(sum, sliding)))
              .setCoder(coder)
              .apply("CombineWindows", CombineBlocks.perKey(merge()));
    }
    long size = keyed.windows.sizeMillis;
    return sums.apply(
            "Aggregates",
            MapElements.into(new TypeDescriptor<Aggregate<K, R>>() {})
                .via(
                    sum ->
                        new Aggregate<>(
                            sum.getKey().getKey(),
                            combine.extractOutput(sum.getValue()),
                            sum.getKey().getValue(),
                            sum.getKey().getValue() + size,
                            0,
                            Timing.ON_TIME)))
        .setCoder(Aggregate.coder(keyed.coder, results));
  }

  private SerializableBiFunction<A, A, A> merge() {
    CombineFn<T, A, R> combine = fn;
    return (one, other) -> combine.mergeAccumulators(List.of(one, other));
  }

  /** The sum of a slice in each window that holds the slice, by the start of the window. */
  private static <K, A> List<KV<KV<K, Long>, A>> slide(
      KV<KV<K, Long>, A> slice, SlidingWindows sliding) {
    List<KV<KV<K, Long>, A>> sums = new ArrayList<>();
    for (IntervalWindow window :
        sliding.assignWindows(Instant.ofEpochMilli(slice.getKey().getValue()))) {
      KV<K, Long> key = KV.of(slice.getKey().getKey(), window.start().getMillis());
      sums.add(KV.of(key, slice.getValue()));
    }
    return sums;
  }

  private static long gcd(long a, long b) {
    return b == 0 ? a : gcd(b, a % b);
  }

  @Override
  public void populateDisplayData(DisplayData.Builder builder) {
    builder.add(DisplayData.item("windows", keyed.windows.toString()));
  }

  /** Windows and their policy: what {@link Windowed} starts from. */
  public static final class Windows {
    private final WindowFn<Object, ? extends BoundedWindow> fn;
    private final long sizeMillis;
    private final long sliceMillis;
    private final String words;
    private final WindowPolicy policy;

    private Windows(
        WindowFn<Object, ? extends BoundedWindow> fn,
        long sizeMillis,
        long sliceMillis,
        String words,
        WindowPolicy policy) {
      this.fn = fn;
      this.sizeMillis = sizeMillis;
      this.sliceMillis = sliceMillis;
      this.words = words;
      this.policy = policy;
    }

    /** When windows state their results; {@link WindowPolicy#onTime()} if not said. */
    public Windows withPolicy(WindowPolicy when) {
      return new Windows(fn, sizeMillis, sliceMillis, words, when);
    }

    /** What to aggregate by. The coder must be deterministic. */
    public <T, K> Keyed<T, K> keyedBy(SerializableFunction<T, K> key, Coder<K> coder) {
      return new Keyed<>(this, key, coder);
    }

    @Override
    public String toString() {
      return words + "; " + policy;
    }
  }

  /**
   * Windows and key.
   *
   * @param <T> type of the records
   * @param <K> type of the key
   */
  public static final class Keyed<T, K> {
    private final Windows windows;
    private final SerializableFunction<T, K> key;
    private final Coder<K> coder;

    private Keyed(Windows windows, SerializableFunction<T, K> key, Coder<K> coder) {
      this.windows = windows;
      this.key = key;
      this.coder = coder;
    }

    /** Exact sums of amounts, and the count of records, in one pass. */
    @SafeVarargs
    @SuppressWarnings("varargs")
    public final Windowed<T, K, Totals, Totals> sum(
        SerializableFunction<T, BigDecimal>... amounts) {
      return aggregate(Sums.of(amounts), Totals.coder(), Totals.coder());
    }

    /**
     * Any aggregate. The accumulators must be immutable: the function returns new ones and changes
     * none that it is given.
     */
    public <A, R> Windowed<T, K, A, R> aggregate(
        CombineFn<T, A, R> fn, Coder<A> accumulators, Coder<R> results) {
      return new Windowed<>(this, fn, accumulators, results, BUFFER_LIMIT);
    }
  }

  /** Each record by itself, at its event time. */
  private static final class AtEventTime<T, K, A> extends DoFn<Sourced<T>, KV<K, A>> {
    private final SerializableFunction<T, K> key;
    private final CombineFn<T, A, ?> fn;

    private AtEventTime(SerializableFunction<T, K> key, CombineFn<T, A, ?> fn) {
      this.key = key;
      this.fn = fn;
    }

    @ProcessElement
    public void process(@Element Sourced<T> record, OutputReceiver<KV<K, A>> out) {
      A one = fn.addInput(fn.createAccumulator(), record.value());
      out.outputWithTimestamp(
          KV.of(key.apply(record.value()), one),
          Instant.ofEpochMilli(record.requiredEventTimeMillis()));
    }

    // In batch nothing is late, wherever a timestamp goes.
    @Override
    @SuppressWarnings("deprecation")
    public org.joda.time.Duration getAllowedTimestampSkew() {
      return org.joda.time.Duration.millis(Long.MAX_VALUE);
    }
  }

  /** The same combine function over accumulators instead of records. */
  private static final class Merge<A, R> extends CombineFn<A, A, R> {
    private final CombineFn<?, A, R> fn;
    private final Coder<A> accumulators;
    private final Coder<R> results;

    private Merge(CombineFn<?, A, R> fn, Coder<A> accumulators, Coder<R> results) {
      this.fn = fn;
      this.accumulators = accumulators;
      this.results = results;
    }

    @Override
    public A createAccumulator() {
      return fn.createAccumulator();
    }

    @Override
    public A addInput(A accumulator, A input) {
      return fn.mergeAccumulators(List.of(accumulator, input));
    }

    @Override
    public A mergeAccumulators(Iterable<A> all) {
      return fn.mergeAccumulators(all);
    }

    @Override
    public R extractOutput(A accumulator) {
      return fn.extractOutput(accumulator);
    }

    @Override
    public Coder<A> getAccumulatorCoder(CoderRegistry registry, Coder<A> input) {
      return accumulators;
    }

    @Override
    public Coder<R> getDefaultOutputCoder(CoderRegistry registry, Coder<A> input) {
      return results;
    }
  }

  private static final class ToAggregate<K, R> extends DoFn<KV<K, R>, Aggregate<K, R>> {
    @ProcessElement
    public void process(
        @Element KV<K, R> combined,
        BoundedWindow window,
        PaneInfo pane,
        OutputReceiver<Aggregate<K, R>> out) {
      IntervalWindow interval = (IntervalWindow) window;
      out.output(
          new Aggregate<>(
              combined.getKey(),
              combined.getValue(),
              interval.start().getMillis(),
              interval.end().getMillis(),
              pane.getIndex(),
              pane.getTiming()));
    }
  }
}

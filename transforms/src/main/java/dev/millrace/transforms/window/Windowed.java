package dev.millrace.transforms.window;

import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.combine.CombineBlocks;
import java.io.Serializable;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CoderRegistry;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.transforms.Combine;
import org.apache.beam.sdk.transforms.Combine.CombineFn;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.transforms.display.DisplayData;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.FixedWindows;
import org.apache.beam.sdk.transforms.windowing.IntervalWindow;
import org.apache.beam.sdk.transforms.windowing.PaneInfo;
import org.apache.beam.sdk.transforms.windowing.Sessions;
import org.apache.beam.sdk.transforms.windowing.SlidingWindows;
import org.apache.beam.sdk.transforms.windowing.WindowFn;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
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
 * elements were (these must not lie after it, but for the policy's lateness). <b>Output:</b> one
 * {@link Aggregate} per key, window and pane; windows without a record have none.
 * <b>Bounded/unbounded:</b> both; in batch one pane per key and window. <b>State and timers:</b>
 * those of a combine, one accumulator per key and window. <b>Reasons:</b> none. <b>Guarantee:</b>
 * exact where the combine function is; the last pane does not depend on order or bundles. A record
 * whose window has passed the policy's lateness is dropped by the runner: keep that above the late
 * gate's bound. <b>Runners:</b> all; Spark streaming where no other grouping lies before it.
 *
 * <p>Tumbling and sliding windows combine within each bundle before the shuffle: what crosses it is
 * one accumulator per bundle, key and window. Sessions do not, since their windows merge later.
 *
 * @param <T> type of the records
 * @param <K> type of the key
 * @param <A> type of the accumulator
 * @param <R> type of the result
 */
public final class Windowed<T, K, A, R>
    extends PTransform<PCollection<Sourced<T>>, PCollection<Aggregate<K, R>>> {

  /** Accumulators a bundle holds at most; what comes beyond them goes on uncombined. */
  static final int BUFFER_LIMIT = 10_000;

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
        "sliding " + WindowPolicy.words(size) + " every " + WindowPolicy.words(period),
        WindowPolicy.onTime());
  }

  /** Windows that last until nothing has come for a gap. */
  public static Windows sessions(Duration gap) {
    WindowPolicy.positive("sessions with a gap of", gap);
    return new Windows(
        Sessions.withGapDuration(WindowPolicy.joda(gap)),
        "sessions, gap " + WindowPolicy.words(gap),
        WindowPolicy.onTime());
  }

  /** For tests: how many accumulators a bundle holds. */
  Windowed<T, K, A, R> withBufferLimit(int limit) {
    return new Windowed<>(keyed, fn, accumulators, results, limit);
  }

  @Override
  public PCollection<Aggregate<K, R>> expand(PCollection<Sourced<T>> input) {
    WindowFn<Object, ? extends BoundedWindow> windowFn = keyed.windows.fn;
    WindowPolicy policy = keyed.windows.policy;
    PCollection<KV<K, A>> assigned =
        input
            .apply("KeyByEventTime", ParDo.of(new KeyByEventTime<>(keyed, fn, policy)))
            .setCoder(KvCoder.of(keyed.coder, accumulators))
            .apply("Windows", policy.into(windowFn));
    if (windowFn.isNonMerging() && input.isBounded() == PCollection.IsBounded.BOUNDED) {
      return inBlocks(assigned);
    }
    if (windowFn.isNonMerging()) {
      assigned =
          assigned
              .apply("CombineBundle", ParDo.of(new CombineBundle<>(fn, bufferLimit)))
              .setCoder(KvCoder.of(keyed.coder, accumulators));
    }
    return assigned
        .apply("Combine", Combine.perKey(new Merge<>(fn, accumulators, results)))
        .setCoder(KvCoder.of(keyed.coder, results))
        .apply("Aggregates", ParDo.of(new ToAggregate<K, R>()))
        .setCoder(Aggregate.coder(keyed.coder, results));
  }

  @Override
  public void populateDisplayData(DisplayData.Builder builder) {
    builder.add(DisplayData.item("windows", keyed.windows.toString()));
  }

  /**
   * In batch each window states its result once: blocks spare the runner a group for each key and
   * window.
   */
  private PCollection<Aggregate<K, R>> inBlocks(PCollection<KV<K, A>> assigned) {
    CombineFn<?, A, R> combine = fn;
    return assigned
        .apply("Reify", ParDo.of(new Reify<K, A>()))
        .setCoder(
            KvCoder.of(
                KvCoder.of(keyed.coder, KvCoder.of(VarLongCoder.of(), VarLongCoder.of())),
                accumulators))
        .apply("Combine", CombineBlocks.perKey((a, b) -> combine.mergeAccumulators(List.of(a, b))))
        .apply(
            "Aggregates",
            MapElements.into(new TypeDescriptor<Aggregate<K, R>>() {})
                .via(
                    c ->
                        new Aggregate<>(
                            c.getKey().getKey(),
                            combine.extractOutput(c.getValue()),
                            c.getKey().getValue().getKey(),
                            c.getKey().getValue().getValue(),
                            0,
                            PaneInfo.Timing.ON_TIME)))
        .setCoder(Aggregate.coder(keyed.coder, results));
  }

  /** Makes the window part of the key: its start and end, in milliseconds since the epoch. */
  private static final class Reify<K, A> extends DoFn<KV<K, A>, KV<KV<K, KV<Long, Long>>, A>> {
    @ProcessElement
    public void process(
        @Element KV<K, A> element,
        BoundedWindow window,
        OutputReceiver<KV<KV<K, KV<Long, Long>>, A>> out) {
      IntervalWindow interval = (IntervalWindow) window;
      out.output(
          KV.of(
              KV.of(
                  element.getKey(),
                  KV.of(interval.start().getMillis(), interval.end().getMillis())),
              element.getValue()));
    }
  }

  /** Windows and their policy: what {@link Windowed} starts from. */
  public static final class Windows {
    private final WindowFn<Object, ? extends BoundedWindow> fn;
    private final String words;
    private final WindowPolicy policy;

    private Windows(
        WindowFn<Object, ? extends BoundedWindow> fn, String words, WindowPolicy policy) {
      this.fn = fn;
      this.words = words;
      this.policy = policy;
    }

    /** When windows state their results; {@link WindowPolicy#onTime()} if not said. */
    public Windows withPolicy(WindowPolicy when) {
      return new Windows(fn, words, when);
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

  /** Leaves the envelope behind: key and an accumulator of one record, at its event time. */
  private static final class KeyByEventTime<T, K, A> extends DoFn<Sourced<T>, KV<K, A>> {
    private final SerializableFunction<T, K> key;
    private final CombineFn<T, A, ?> fn;
    private final Duration lateness;

    private KeyByEventTime(Keyed<T, K> keyed, CombineFn<T, A, ?> fn, WindowPolicy policy) {
      this.key = keyed.key;
      this.fn = fn;
      this.lateness = policy.lateness();
    }

    @ProcessElement
    public void process(@Element Sourced<T> record, OutputReceiver<KV<K, A>> out) {
      A one = fn.addInput(fn.createAccumulator(), record.value());
      out.outputWithTimestamp(
          KV.of(key.apply(record.value()), one), Instant.ofEpochMilli(record.eventTimeMillis()));
    }

    // A grouping before this one can have moved a record's timestamp past its event time. Where the
    // window may still be open, moving it back is right; elsewhere Beam refuses.
    @Override
    @SuppressWarnings("deprecation")
    public org.joda.time.Duration getAllowedTimestampSkew() {
      return WindowPolicy.joda(lateness);
    }
  }

  /**
   * Combines the accumulators of a bundle per key and window. Each goes on with its own window and
   * the least of its records' timestamps, which the watermark has not passed unless it had passed
   * that record itself.
   */
  private static final class CombineBundle<K, A> extends DoFn<KV<K, A>, KV<K, A>> {
    private record Slot<K>(K key, BoundedWindow window) {}

    private record Sum<A>(A accumulator, Instant timestamp) {}

    private final CombineFn<?, A, ?> fn;
    private final int limit;
    private transient Map<Slot<K>, Sum<A>> buffer = new HashMap<>();

    private CombineBundle(CombineFn<?, A, ?> fn, int limit) {
      this.fn = fn;
      this.limit = limit;
    }

    @StartBundle
    public void start() {
      buffer = new HashMap<>();
    }

    @ProcessElement
    public void process(
        @Element KV<K, A> element,
        @Timestamp Instant timestamp,
        BoundedWindow window,
        OutputReceiver<KV<K, A>> out) {
      Slot<K> slot = new Slot<>(element.getKey(), window);
      Sum<A> sum = buffer.get(slot);
      if (sum != null) {
        A both = fn.mergeAccumulators(List.of(sum.accumulator, element.getValue()));
        Instant earlier = timestamp.isBefore(sum.timestamp) ? timestamp : sum.timestamp;
        buffer.put(slot, new Sum<>(both, earlier));
      } else if (buffer.size() < limit) {
        buffer.put(slot, new Sum<>(element.getValue(), timestamp));
      } else {
        out.output(element);
      }
    }

    @FinishBundle
    public void finish(FinishBundleContext context) {
      buffer.forEach(
          (slot, sum) ->
              context.output(KV.of(slot.key, sum.accumulator), sum.timestamp, slot.window));
      buffer = new HashMap<>();
    }
  }

  /** The same combine function, over accumulators instead of records. */
  private static final class Merge<A, R> extends CombineFn<A, A, R> implements Serializable {
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

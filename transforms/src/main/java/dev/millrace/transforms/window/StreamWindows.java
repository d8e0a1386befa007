package dev.millrace.transforms.window;

import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.combine.Buckets;
import dev.millrace.transforms.window.OpenWindow.Sum;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.state.BagState;
import org.apache.beam.sdk.state.StateSpec;
import org.apache.beam.sdk.state.StateSpecs;
import org.apache.beam.sdk.state.TimeDomain;
import org.apache.beam.sdk.state.Timer;
import org.apache.beam.sdk.state.TimerSpec;
import org.apache.beam.sdk.state.TimerSpecs;
import org.apache.beam.sdk.state.ValueState;
import org.apache.beam.sdk.transforms.Combine.CombineFn;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.IntervalWindow;
import org.apache.beam.sdk.transforms.windowing.PaneInfo;
import org.apache.beam.sdk.transforms.windowing.PaneInfo.Timing;
import org.apache.beam.sdk.transforms.windowing.WindowFn;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.WindowingStrategy;
import org.joda.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Windows of a stream with one state for the keys of a bucket, not for each key.
 *
 * <p>Beam's combine keeps, for each key and window, an accumulator, what its triggers and panes
 * know, a hold of the watermark and timers, and touches most of them with every element. Here what
 * a bundle has of a window is one block of bytes per bucket of keys, added to that bucket's state
 * and not looked into before a pane is due; a bucket and window has two timers. What is stated, and
 * when, is what a {@link WindowPolicy}'s triggers would state of each key.
 *
 * <p>The window is Beam's: the runner drops what comes after its lateness, and clears its state.
 */
final class StreamWindows<T, K, A, R>
    extends PTransform<PCollection<Sourced<T>>, PCollection<Aggregate<K, R>>> {

  /**
   * What a bundle costs beside its records goes by buckets, most of all where windows are many and
   * their keys few, as in a replay. No more tasks than these merge.
   */
  private static final int BUCKETS = 8;

  private final SerializableFunction<T, K> key;
  private final Coder<K> keys;
  private final CombineFn<T, A, R> fn;
  private final Coder<A> sums;
  private final Coder<R> results;
  private final WindowFn<Object, ? extends BoundedWindow> windows;
  private final long sliceMillis;
  private final WindowPolicy policy;
  private final int bufferLimit;

  /**
   * @param sliceMillis a time between two bounds of windows: the records of a slice share all their
   *     windows
   * @param bufferLimit accumulators that a bundle holds at most; what comes beyond them goes on
   *     uncombined
   */
  StreamWindows(
      SerializableFunction<T, K> key,
      Coder<K> keys,
      CombineFn<T, A, R> fn,
      Coder<A> sums,
      Coder<R> results,
      WindowFn<Object, ? extends BoundedWindow> windows,
      long sliceMillis,
      WindowPolicy policy,
      int bufferLimit) {
    this.key = key;
    this.keys = keys;
    this.fn = fn;
    this.sums = sums;
    this.results = results;
    this.windows = windows;
    this.sliceMillis = sliceMillis;
    this.policy = policy;
    this.bufferLimit = bufferLimit;
  }

  @Override
  public PCollection<Aggregate<K, R>> expand(PCollection<Sourced<T>> input) {
    PCollection<Aggregate<K, R>> stated =
        input
            .apply("CombineBundle", ParDo.of(new CombineBundle<>(this)))
            .setCoder(KvCoder.of(VarIntCoder.of(), ByteArrayCoder.of()))
            .apply("Windows", policy.into(windows))
            .apply("Combine", ParDo.of(new Merge<>(this)))
            .setCoder(Aggregate.coder(keys, results));
    // As after a combine of Beam's: what groups panes does not wait once more as long.
    WindowingStrategy<?, ?> strategy = stated.getWindowingStrategy();
    return stated.setWindowingStrategyInternal(
        strategy.withTrigger(strategy.getTrigger().getContinuationTrigger()));
  }

  /**
   * One block per bucket of keys and slice of a bundle. It has the least event time of its records,
   * which the watermark has not passed unless it had passed that record itself.
   */
  private static final class CombineBundle<T, K, A> extends DoFn<Sourced<T>, KV<Integer, byte[]>> {
    private record Slot<K>(K key, long slice, BoundedWindow inputWindow) {
      // For each record of a stream: those that Java makes call handles, which takes longer.
      @Override
      public int hashCode() {
        return (Objects.hashCode(key) * 31 + Long.hashCode(slice)) * 31 + inputWindow.hashCode();
      }

      @Override
      public boolean equals(@Nullable Object other) {
        return other instanceof Slot<?> slot
            && slice == slot.slice
            && Objects.equals(key, slot.key)
            && inputWindow.equals(slot.inputWindow);
      }
    }

    private record Place(int bucket, long slice, BoundedWindow inputWindow) {}

    private static final class Part<A> {
      private A sum;
      private long eventMillis;

      private Part(A sum, long eventMillis) {
        this.sum = sum;
        this.eventMillis = eventMillis;
      }
    }

    private static final class Block {
      private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      private long eventMillis = Long.MAX_VALUE;
    }

    private final SerializableFunction<T, K> key;
    private final Coder<K> keys;
    private final CombineFn<T, A, ?> fn;
    private final Coder<A> sums;
    private final long sliceMillis;
    private final long latenessMillis;
    private final int limit;
    private transient Map<Slot<K>, Part<A>> buffer = new HashMap<>();

    private CombineBundle(StreamWindows<T, K, A, ?> windows) {
      this.key = windows.key;
      this.keys = windows.keys;
      this.fn = windows.fn;
      this.sums = windows.sums;
      this.sliceMillis = windows.sliceMillis;
      this.latenessMillis = windows.policy.lateness().toMillis();
      this.limit = windows.bufferLimit;
    }

    @StartBundle
    public void start() {
      buffer = new HashMap<>();
    }

    @ProcessElement
    public void process(
        @Element Sourced<T> record,
        @Timestamp Instant timestamp,
        BoundedWindow window,
        OutputReceiver<KV<Integer, byte[]>> out)
        throws IOException {
      long time = record.requiredEventTimeMillis();
      if (time < timestamp.getMillis() - latenessMillis) {
        throw new IllegalStateException(
            "a record of %s, position %d, has the timestamp %s, after its event time %s by more than the allowed lateness; a grouping before these windows has moved it: let it keep the earliest timestamp"
                .formatted(
                    record.origin().source(),
                    record.origin().position(),
                    timestamp,
                    Instant.ofEpochMilli(time)));
      }
      K of = key.apply(record.value());
      Slot<K> slot = new Slot<>(of, Math.floorDiv(time, sliceMillis), window);
      Part<A> part = buffer.get(slot);
      if (part != null) {
        part.sum = fn.addInput(part.sum, record.value());
        part.eventMillis = Math.min(time, part.eventMillis);
        return;
      }
      A one = fn.addInput(fn.createAccumulator(), record.value());
      if (buffer.size() < limit) {
        buffer.put(slot, new Part<>(one, time));
        return;
      }
      ByteArrayOutputStream block = new ByteArrayOutputStream();
      keys.encode(of, block);
      int bucket = Buckets.of(block.toByteArray(), BUCKETS);
      sums.encode(one, block);
      out.outputWithTimestamp(KV.of(bucket, block.toByteArray()), Instant.ofEpochMilli(time));
    }

    @FinishBundle
    public void finish(FinishBundleContext context) throws IOException {
      Map<Place, Block> blocks = new HashMap<>();
      ByteArrayOutputStream encoded = new ByteArrayOutputStream();
      for (Map.Entry<Slot<K>, Part<A>> kept : buffer.entrySet()) {
        Slot<K> slot = kept.getKey();
        Part<A> part = kept.getValue();
        encoded.reset();
        keys.encode(slot.key, encoded);
        Place place =
            new Place(Buckets.of(encoded.toByteArray(), BUCKETS), slot.slice, slot.inputWindow);
        Block block = blocks.computeIfAbsent(place, begun -> new Block());
        encoded.writeTo(block.bytes);
        sums.encode(part.sum, block.bytes);
        block.eventMillis = Math.min(part.eventMillis, block.eventMillis);
      }
      blocks.forEach(
          (place, block) ->
              context.output(
                  KV.of(place.bucket, block.bytes.toByteArray()),
                  Instant.ofEpochMilli(block.eventMillis),
                  place.inputWindow));
      buffer = new HashMap<>();
    }

    // Where the window may still be open, moving a record back to its event time is right.
    @Override
    @SuppressWarnings("deprecation")
    public org.joda.time.Duration getAllowedTimestampSkew() {
      return org.joda.time.Duration.millis(latenessMillis);
    }
  }

  /** The keys of a bucket in a window. */
  // Not private: its timers are called by the runner alone.
  static final class Merge<K, A, R> extends DoFn<KV<Integer, byte[]>, Aggregate<K, R>> {
    private static final String NEW = "new";
    private static final String STATED = "stated";
    private static final String OPEN = "open";
    private static final String CLOCK = "clock";
    private static final String END = "end";

    @StateId(NEW)
    @SuppressWarnings("UnusedVariable") // read by the runner
    private final StateSpec<BagState<byte[]>> newSpec = StateSpecs.bag(ByteArrayCoder.of());

    @StateId(STATED)
    @SuppressWarnings("UnusedVariable") // read by the runner
    private final StateSpec<ValueState<byte[]>> statedSpec = StateSpecs.value(ByteArrayCoder.of());

    @StateId(OPEN)
    @SuppressWarnings("UnusedVariable") // read by the runner
    private final StateSpec<ValueState<OpenWindow>> openSpec = StateSpecs.value(OpenWindow.coder());

    @TimerId(CLOCK)
    @SuppressWarnings("UnusedVariable") // read by the runner
    private final TimerSpec clockSpec = TimerSpecs.timer(TimeDomain.PROCESSING_TIME);

    @TimerId(END)
    @SuppressWarnings("UnusedVariable") // read by the runner
    private final TimerSpec endSpec = TimerSpecs.timer(TimeDomain.EVENT_TIME);

    private final CombineFn<?, A, R> fn;
    private final OpenWindow.Blocks<K, A> blocks;
    private final boolean isCorrected;
    private final long earlyMillis;

    private Merge(StreamWindows<?, K, A, R> windows) {
      this.fn = windows.fn;
      this.blocks = new OpenWindow.Blocks<>(windows.keys, windows.sums, windows.fn);
      this.isCorrected = !windows.policy.lateness().isZero();
      this.earlyMillis = windows.policy.early().map(Duration::toMillis).orElse(0L);
    }

    @ProcessElement
    public void process(
        @Element KV<Integer, byte[]> element,
        BoundedWindow window,
        @StateId(NEW) BagState<byte[]> added,
        @StateId(STATED) ValueState<byte[]> stated,
        @StateId(OPEN) ValueState<OpenWindow> state,
        @TimerId(CLOCK) Timer clock,
        @TimerId(END) Timer end,
        OutputReceiver<Aggregate<K, R>> out)
        throws IOException {
      byte[] block = element.getValue();
      OpenWindow open = state.read();
      if (open == null) {
        open = OpenWindow.NEW;
        end.set(window.maxTimestamp());
      }
      if (open.ended()) {
        state(List.of(block), stated, Timing.LATE, window, out);
        return;
      }
      added.add(block);
      OpenWindow grown = open.plus(block.length);
      if (grown.isFull()) {
        byte[] merged = blocks.encode(blocks.merged(added.read()));
        added.clear();
        added.add(merged);
        grown = grown.merged(merged.length);
      }
      if (earlyMillis > 0 && !grown.early()) {
        grown = grown.withEarly();
        clock
            .withOutputTimestamp(window.maxTimestamp())
            .offset(org.joda.time.Duration.millis(earlyMillis))
            .setRelative();
      }
      state.write(grown);
    }

    /** States early what has changed. */
    @OnTimer(CLOCK)
    public void early(
        BoundedWindow window,
        @StateId(NEW) BagState<byte[]> added,
        @StateId(STATED) ValueState<byte[]> stated,
        @StateId(OPEN) ValueState<OpenWindow> state,
        OutputReceiver<Aggregate<K, R>> out)
        throws IOException {
      OpenWindow open = state.read();
      if (open != null && !open.ended()) {
        state(added.read(), stated, Timing.EARLY, window, out);
        added.clear();
        state.write(OpenWindow.NEW);
      }
    }

    /** States what has changed when the watermark passes the end. */
    @OnTimer(END)
    public void ended(
        BoundedWindow window,
        @StateId(NEW) BagState<byte[]> added,
        @StateId(STATED) ValueState<byte[]> stated,
        @StateId(OPEN) ValueState<OpenWindow> state,
        @TimerId(CLOCK) Timer clock,
        OutputReceiver<Aggregate<K, R>> out)
        throws IOException {
      state(added.read(), stated, Timing.ON_TIME, window, out);
      added.clear();
      state.write(OpenWindow.ENDED);
      if (earlyMillis > 0) {
        // Else it would hold the watermark at the end of the window.
        clock.clear();
      }
    }

    private void state(
        Iterable<byte[]> added,
        ValueState<byte[]> stated,
        Timing timing,
        BoundedWindow window,
        OutputReceiver<Aggregate<K, R>> out)
        throws IOException {
      Map<K, A> changes = blocks.merged(added);
      if (changes.isEmpty()) {
        return;
      }
      Map<K, Sum<A>> all = blocks.stated(stated.read());
      for (Map.Entry<K, A> change : changes.entrySet()) {
        Sum<A> sum = blocks.plus(all.get(change.getKey()), change.getValue());
        all.put(change.getKey(), sum.stated(timing));
        state(change.getKey(), sum, timing, (IntervalWindow) window, out);
      }
      if (isCorrected || timing == Timing.EARLY) {
        stated.write(blocks.encodeStated(all));
      }
    }

    private void state(
        K key,
        Sum<A> sum,
        Timing timing,
        IntervalWindow window,
        OutputReceiver<Aggregate<K, R>> out) {
      out.outputWindowedValue(
          new Aggregate<>(
              key,
              fn.extractOutput(sum.sum()),
              window.start().getMillis(),
              window.end().getMillis(),
              sum.panes(),
              timing),
          window.maxTimestamp(),
          List.of(window),
          PaneInfo.createPane(
              sum.panes() == 0,
              timing == Timing.ON_TIME && !isCorrected,
              timing,
              sum.panes(),
              timing == Timing.EARLY ? -1 : sum.panes() - sum.earlyPanes()));
    }
  }
}

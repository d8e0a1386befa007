package dev.millrace.transforms.combine;

import dev.millrace.transforms.AtRest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.io.range.OffsetRange;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.GroupByKey;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.SerializableBiFunction;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.transforms.splittabledofn.RestrictionTracker;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.GlobalWindow;
import org.apache.beam.sdk.transforms.windowing.TimestampCombiner;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.joda.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Combines the values of each key, in batch, through a few compact blocks instead of one group per
 * key.
 *
 * <p>Each bundle combines what it can in memory and packs the rest into compressed blocks of bytes,
 * a few per bucket of keys; a bucket's blocks are merged in one hash map. A runner that works key
 * by key (the Direct runner above all, which makes a bundle of each) then has {@value #BUCKETS}
 * keys to work on, whatever the number of keys, and what it holds between is compressed bytes. A
 * large bucket is merged in parts, and a runner may pause between them: the Direct runner does, so
 * that what follows takes up a part's results before the next part is decoded.
 *
 * <p><b>Input:</b> elements that have a key and a value, equal keys (by {@code equals}) having
 * equal encodings. <b>Output:</b> one value per key, in the global window, at the earliest
 * timestamp. <b>Bounded/unbounded:</b> bounded only. <b>State and timers:</b> none. <b>Reasons:</b>
 * none. <b>Guarantee:</b> as {@code Combine.perKey}: the function must be associative and
 * commutative. <b>Runners:</b> all. A {@value #PARTS}th of a bucket's keys must fit into memory.
 *
 * @param <T> element
 * @param <K> key
 * @param <A> value
 */
public final class CombineBlocks<T, K, A>
    extends PTransform<PCollection<T>, PCollection<KV<K, A>>> {

  static final int BUCKETS = 8;
  static final int PARTS = 64;

  /** Entries that a bundle combines in memory before it packs them. */
  private static final int BUFFERED = 20_000;

  /** Bytes that are compressed together: a part is found without decoding what lies far from it. */
  private static final int GROUP_BYTES = 32 << 10;

  /** Compressed bytes that are merged at a time. */
  private static final int STEP_BYTES = 1 << 20;

  private final SerializableFunction<T, KV<K, A>> entry;
  private final @Nullable KvCoder<K, A> coder;
  private final SerializableBiFunction<A, A, A> merge;

  private CombineBlocks(
      SerializableFunction<T, KV<K, A>> entry,
      @Nullable KvCoder<K, A> coder,
      SerializableBiFunction<A, A, A> merge) {
    this.entry = entry;
    this.coder = coder;
    this.merge = merge;
  }

  /** Combines per key by a function of two values, which changes neither. */
  public static <K, A> CombineBlocks<KV<K, A>, K, A> perKey(SerializableBiFunction<A, A, A> merge) {
    return new CombineBlocks<>(element -> element, null, merge);
  }

  /**
   * The same for elements that are not keyed yet: no collection of keyed values lies between.
   *
   * @param entry key and value of an element; the value is new, for it may be changed
   * @param coder of keys and values
   * @param merge combines two values, of which it may change the first
   */
  public static <T, K, A> CombineBlocks<T, K, A> of(
      SerializableFunction<T, KV<K, A>> entry,
      KvCoder<K, A> coder,
      SerializableBiFunction<A, A, A> merge) {
    return new CombineBlocks<>(entry, coder, merge);
  }

  @Override
  @SuppressWarnings("unchecked") // without a coder of its own, this is for keyed values
  public PCollection<KV<K, A>> expand(PCollection<T> input) {
    if (input.isBounded() == PCollection.IsBounded.UNBOUNDED) {
      throw new IllegalArgumentException("blocks are merged at the end of the data: bounded only");
    }
    KvCoder<K, A> entries = coder;
    if (entries == null) {
      if (!(((PCollection<?>) input).getCoder() instanceof KvCoder<?, ?> ofInput)) {
        throw new IllegalArgumentException("set a KvCoder on the input, not " + input.getCoder());
      }
      entries = (KvCoder<K, A>) ofInput;
    }
    try {
      entries.getKeyCoder().verifyDeterministic();
    } catch (Coder.NonDeterministicException refused) {
      throw new IllegalArgumentException(
          "equal keys must have equal encodings: " + entries.getKeyCoder(), refused);
    }
    return input
        .apply("Pack", ParDo.of(new Pack<>(entry, merge, entries)))
        .setCoder(KvCoder.of(VarIntCoder.of(), ByteArrayCoder.of()))
        .apply(
            "AtRest",
            AtRest.<KV<Integer, byte[]>>window().withTimestampCombiner(TimestampCombiner.EARLIEST))
        .apply("ByBucket", GroupByKey.create())
        .apply("Merge", ParDo.of(new Merge<>(merge, entries)))
        .setCoder(entries);
  }

  private static final class Pack<T, K, A> extends DoFn<T, KV<Integer, byte[]>> {
    private final SerializableFunction<T, KV<K, A>> entry;
    private final SerializableBiFunction<A, A, A> merge;
    private final KvCoder<K, A> coder;
    private transient Map<K, A> buffer = new HashMap<>();
    private transient List<KV<Integer, byte[]>> packed = new ArrayList<>();
    private transient @Nullable BoundedWindow window;
    private transient Instant earliest = BoundedWindow.TIMESTAMP_MAX_VALUE;

    private Pack(
        SerializableFunction<T, KV<K, A>> entry,
        SerializableBiFunction<A, A, A> merge,
        KvCoder<K, A> coder) {
      this.entry = entry;
      this.merge = merge;
      this.coder = coder;
    }

    @StartBundle
    public void start() {
      buffer = new HashMap<>();
      packed = new ArrayList<>();
      earliest = BoundedWindow.TIMESTAMP_MAX_VALUE;
    }

    @ProcessElement
    public void process(@Element T element, @Timestamp Instant timestamp, BoundedWindow of)
        throws IOException {
      KV<K, A> keyed = entry.apply(element);
      buffer.merge(keyed.getKey(), keyed.getValue(), merge);
      window = of;
      earliest = timestamp.isBefore(earliest) ? timestamp : earliest;
      if (buffer.size() >= BUFFERED) {
        pack();
      }
    }

    @FinishBundle
    public void finish(FinishBundleContext context) throws IOException {
      pack();
      for (KV<Integer, byte[]> block : packed) {
        // Any window does: all go to the global one next. The timestamp is one the watermark has
        // not passed, and it holds the watermark until the block is merged, so that nothing that
        // leaves it is late.
        context.output(block, earliest, window == null ? GlobalWindow.INSTANCE : window);
      }
      packed = new ArrayList<>();
    }

    private void pack() throws IOException {
      ByteArrayOutputStream[] slots = new ByteArrayOutputStream[BUCKETS * PARTS];
      ByteArrayOutputStream key = new ByteArrayOutputStream();
      for (Map.Entry<K, A> kept : buffer.entrySet()) {
        key.reset();
        coder.getKeyCoder().encode(kept.getKey(), key);
        int slot = Buckets.of(key.toByteArray(), BUCKETS * PARTS);
        ByteArrayOutputStream part = slots[slot];
        if (part == null) {
          part = new ByteArrayOutputStream();
          slots[slot] = part;
        }
        part.write(slot % PARTS);
        key.writeTo(part);
        coder.getValueCoder().encode(kept.getValue(), part);
      }
      for (int bucket = 0; bucket < BUCKETS; bucket++) {
        for (byte[] block : blocks(slots, bucket * PARTS)) {
          packed.add(KV.of(bucket, block));
        }
      }
      buffer = new HashMap<>();
    }

    /**
     * Of a bucket. A block is groups of parts, in order, each as: its first part, its last, its
     * length, its bytes.
     */
    private static List<byte[]> blocks(@Nullable ByteArrayOutputStream[] slots, int first)
        throws IOException {
      List<byte[]> blocks = new ArrayList<>();
      ByteArrayOutputStream block = new ByteArrayOutputStream();
      DataOutputStream out = new DataOutputStream(block);
      ByteArrayOutputStream group = new ByteArrayOutputStream();
      int from = -1;
      int last = -1;
      for (int part = 0; part < PARTS; part++) {
        ByteArrayOutputStream slot = slots[first + part];
        if (slot != null) {
          from = from < 0 ? part : from;
          last = part;
          slot.writeTo(group);
        }
        if (group.size() >= GROUP_BYTES || (part == PARTS - 1 && group.size() > 0)) {
          byte[] bytes = Zipped.zip(group.toByteArray());
          out.writeByte(from);
          out.writeByte(last);
          out.writeInt(bytes.length);
          out.write(bytes);
          group.reset();
          from = -1;
        }
        if (block.size() >= Zipped.FULL || (part == PARTS - 1 && block.size() > 0)) {
          blocks.add(block.toByteArray());
          block.reset();
        }
      }
      return blocks;
    }
  }

  @DoFn.BoundedPerElement
  static final class Merge<K, A> extends DoFn<KV<Integer, Iterable<byte[]>>, KV<K, A>> {
    private final SerializableBiFunction<A, A, A> merge;
    private final KvCoder<K, A> coder;

    Merge(SerializableBiFunction<A, A, A> merge, KvCoder<K, A> coder) {
      this.merge = merge;
      this.coder = coder;
    }

    /** Steps, each some of the parts: the larger the bucket, the fewer. */
    @GetInitialRestriction
    public OffsetRange steps(@Element KV<Integer, Iterable<byte[]>> bucket) {
      long size = 0;
      for (byte[] block : bucket.getValue()) {
        size += block.length;
      }
      return new OffsetRange(0, Math.max(1, Math.min(PARTS, size / STEP_BYTES)));
    }

    @GetRestrictionCoder
    public Coder<OffsetRange> restrictionCoder() {
      return OffsetRange.Coder.of();
    }

    @ProcessElement
    public void process(
        @Element KV<Integer, Iterable<byte[]>> bucket,
        RestrictionTracker<OffsetRange, Long> tracker,
        OutputReceiver<KV<K, A>> out)
        throws IOException {
      long steps = steps(bucket).getTo();
      for (long step = tracker.currentRestriction().getFrom(); tracker.tryClaim(step); step++) {
        int from = (int) (step * PARTS / steps);
        int to = (int) ((step + 1) * PARTS / steps);
        merged(bucket.getValue(), from, to).forEach((key, value) -> out.output(KV.of(key, value)));
      }
    }

    private Map<K, A> merged(Iterable<byte[]> blocks, int from, int to) throws IOException {
      Coder<K> keys = coder.getKeyCoder();
      Coder<A> values = coder.getValueCoder();
      Map<K, A> merged = new HashMap<>();
      for (byte[] block : blocks) {
        ByteBuffer groups = ByteBuffer.wrap(block);
        while (groups.hasRemaining()) {
          int first = groups.get();
          int last = groups.get();
          int length = groups.getInt();
          int start = groups.position();
          groups.position(start + length);
          if (last < from || first >= to) {
            continue;
          }
          InputStream in = new ByteArrayInputStream(Zipped.unzip(block, start, length));
          while (in.available() > 0) {
            int part = in.read();
            K key = keys.decode(in);
            A value = values.decode(in);
            if (part >= from && part < to) {
              merged.merge(key, value, merge);
            }
          }
        }
      }
      return merged;
    }
  }
}

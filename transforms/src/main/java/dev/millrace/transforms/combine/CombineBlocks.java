package dev.millrace.transforms.combine;

import dev.millrace.transforms.AtRest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.GroupByKey;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.SerializableBiFunction;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.GlobalWindow;
import org.apache.beam.sdk.transforms.windowing.TimestampCombiner;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.joda.time.Instant;
import org.jspecify.annotations.Nullable;
import org.xerial.snappy.Snappy;

/**
 * Combines the values of each key, in batch, through a few compact blocks instead of one group per
 * key.
 *
 * <p>Each bundle combines what it can in memory and packs the rest into one compressed block of
 * bytes per bucket of keys; a bucket's blocks are merged in one hash map. A runner that works key
 * by key (the Direct runner above all, which makes a bundle of each) then has {@value #BUCKETS}
 * keys to work on, whatever the number of keys, and what it holds between is compressed bytes.
 *
 * <p><b>Input:</b> keyed values, equal keys having equal encodings. <b>Output:</b> one value per
 * key, in the global window, at the earliest timestamp. <b>Bounded/unbounded:</b> bounded only.
 * <b>State and timers:</b> none. <b>Reasons:</b> none. <b>Guarantee:</b> as {@code Combine.perKey}:
 * the function must be associative and commutative. <b>Runners:</b> all. A bucket's keys must fit
 * into memory.
 *
 * @param <K> key
 * @param <A> value, immutable
 */
public final class CombineBlocks<K, A>
    extends PTransform<PCollection<KV<K, A>>, PCollection<KV<K, A>>> {

  static final int BUCKETS = 8;
  private static final int BUFFERED = 20_000;

  private final SerializableBiFunction<A, A, A> merge;

  private CombineBlocks(SerializableBiFunction<A, A, A> merge) {
    this.merge = merge;
  }

  /** Combines per key by a function of two values, which changes neither. */
  public static <K, A> CombineBlocks<K, A> perKey(SerializableBiFunction<A, A, A> merge) {
    return new CombineBlocks<>(merge);
  }

  @Override
  public PCollection<KV<K, A>> expand(PCollection<KV<K, A>> input) {
    if (input.isBounded() == PCollection.IsBounded.UNBOUNDED) {
      throw new IllegalArgumentException("blocks are merged at the end of the data: bounded only");
    }
    if (!(input.getCoder() instanceof KvCoder<K, A> coder)) {
      throw new IllegalArgumentException("set a KvCoder on the input, not " + input.getCoder());
    }
    return input
        .apply("Pack", ParDo.of(new Pack<>(merge, coder)))
        .setCoder(KvCoder.of(VarIntCoder.of(), ByteArrayCoder.of()))
        .apply(
            "AtRest",
            AtRest.<KV<Integer, byte[]>>window().withTimestampCombiner(TimestampCombiner.EARLIEST))
        .apply("ByBucket", GroupByKey.create())
        .apply("Merge", ParDo.of(new Merge<>(merge, coder)))
        .setCoder(coder);
  }

  private static final class Pack<K, A> extends DoFn<KV<K, A>, KV<Integer, byte[]>> {
    private final SerializableBiFunction<A, A, A> merge;
    private final KvCoder<K, A> coder;
    private transient Map<K, A> buffer = new HashMap<>();
    private transient List<KV<Integer, byte[]>> packed = new ArrayList<>();
    private transient @Nullable BoundedWindow window;
    private transient Instant earliest = BoundedWindow.TIMESTAMP_MAX_VALUE;

    private Pack(SerializableBiFunction<A, A, A> merge, KvCoder<K, A> coder) {
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
    public void process(@Element KV<K, A> element, @Timestamp Instant timestamp, BoundedWindow of)
        throws IOException {
      buffer.merge(element.getKey(), element.getValue(), merge);
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
        // not passed, and it
        // holds the watermark until the block is merged, so that nothing that leaves it is late.
        context.output(block, earliest, window == null ? GlobalWindow.INSTANCE : window);
      }
      packed = new ArrayList<>();
    }

    private void pack() throws IOException {
      ByteArrayOutputStream[] blocks = new ByteArrayOutputStream[BUCKETS];
      ByteArrayOutputStream key = new ByteArrayOutputStream();
      for (Map.Entry<K, A> entry : buffer.entrySet()) {
        key.reset();
        coder.getKeyCoder().encode(entry.getKey(), key);
        int bucket = bucketOf(key.toByteArray());
        ByteArrayOutputStream block = blocks[bucket];
        if (block == null) {
          block = new ByteArrayOutputStream(1 << 12);
          blocks[bucket] = block;
        }
        key.writeTo(block);
        coder.getValueCoder().encode(entry.getValue(), block);
      }
      for (int bucket = 0; bucket < BUCKETS; bucket++) {
        ByteArrayOutputStream block = blocks[bucket];
        if (block != null) {
          packed.add(KV.of(bucket, Snappy.compress(block.toByteArray())));
        }
      }
      buffer = new HashMap<>();
    }

    private static int bucketOf(byte[] key) {
      int hash = java.util.Arrays.hashCode(key) * 0x9E3779B9;
      return (hash >>> 16) % BUCKETS;
    }
  }

  private static final class Merge<K, A> extends DoFn<KV<Integer, Iterable<byte[]>>, KV<K, A>> {
    private final SerializableBiFunction<A, A, A> merge;
    private final KvCoder<K, A> coder;

    private Merge(SerializableBiFunction<A, A, A> merge, KvCoder<K, A> coder) {
      this.merge = merge;
      this.coder = coder;
    }

    @ProcessElement
    public void process(@Element KV<Integer, Iterable<byte[]>> bucket, OutputReceiver<KV<K, A>> out)
        throws IOException {
      Coder<K> keys = coder.getKeyCoder();
      Coder<A> values = coder.getValueCoder();
      Map<K, A> merged = new HashMap<>();
      for (byte[] block : bucket.getValue()) {
        InputStream in = new ByteArrayInputStream(Snappy.uncompress(block));
        while (in.available() > 0) {
          K key = keys.decode(in);
          merged.merge(key, values.decode(in), merge);
        }
      }
      merged.forEach((key, value) -> out.output(KV.of(key, value)));
    }
  }
}

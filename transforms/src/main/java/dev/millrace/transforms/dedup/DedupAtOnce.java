package dev.millrace.transforms.dedup;

import dev.millrace.transforms.AtRest;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.Outcome;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.Tallies;
import dev.millrace.transforms.Tally;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.ListCoder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.state.StateSpec;
import org.apache.beam.sdk.state.StateSpecs;
import org.apache.beam.sdk.state.TimeDomain;
import org.apache.beam.sdk.state.Timer;
import org.apache.beam.sdk.state.TimerSpec;
import org.apache.beam.sdk.state.TimerSpecs;
import org.apache.beam.sdk.state.ValueState;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.transforms.windowing.GlobalWindow;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.TupleTagList;
import org.joda.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * {@link Dedup#atOnce} in a stream: one state for the ids of a bucket and second, not for each id.
 *
 * <p>The records of a bundle are put together by second of event time and bucket of their keys, and
 * a state is read and written once for all of those. It is forgotten, by one timer, when the
 * watermark has passed the second and the lateness. A copy that comes after that is taken for a
 * first one: nothing is dropped. Of a key the first 128 bits of its SHA-256 are remembered.
 */
final class DedupAtOnce<T> extends PTransform<PCollection<Sourced<T>>, PCollectionTuple> {

  /** Few enough that a bundle has several records of each, enough to spread over the workers. */
  static final int BUCKETS = 64;

  private static final long SLICE_MILLIS = 1_000;
  private static final int BUFFER_LIMIT = 10_000;

  private final String stage;
  private final SerializableFunction<T, String> key;
  private final long latenessMillis;
  private final TupleTag<Sourced<T>> good;
  private final TupleTag<Tally> tallies;

  DedupAtOnce(
      String stage,
      SerializableFunction<T, String> key,
      java.time.Duration lateness,
      TupleTag<Sourced<T>> good,
      TupleTag<Tally> tallies) {
    this.stage = stage;
    this.key = key;
    this.latenessMillis = lateness.toMillis();
    this.good = good;
    this.tallies = tallies;
  }

  @Override
  public PCollectionTuple expand(PCollection<Sourced<T>> input) {
    Coder<Sourced<T>> records = input.getCoder();
    PCollectionTuple unique =
        input
            .apply("AllTime", AtRest.window())
            .apply("Buckets", ParDo.of(new Buckets<>(key)))
            .setCoder(KvCoder.of(VarLongCoder.of(), ListCoder.of(records)))
            .apply(
                "Winners",
                ParDo.of(new Winners<>(stage, key, latenessMillis, tallies))
                    .withOutputTags(good, TupleTagList.of(tallies)));
    return PCollectionTuple.of(good, unique.get(good).setCoder(records))
        .and(tallies, unique.get(tallies).setCoder(Tally.coder()));
  }

  /** The key of a bucket and second. */
  private static long slot(int bucket, long eventMillis) {
    return Math.floorDiv(eventMillis, SLICE_MILLIS) * BUCKETS + bucket;
  }

  /** Puts the records of a bundle together by bucket and second, at their earliest timestamp. */
  private static final class Buckets<T> extends DoFn<Sourced<T>, KV<Long, List<Sourced<T>>>> {
    private static final class Part<T> {
      private final List<Sourced<T>> records = new ArrayList<>();
      private Instant timestamp;

      private Part(Instant timestamp) {
        this.timestamp = timestamp;
      }

      private void add(Sourced<T> record, Instant at) {
        records.add(record);
        if (at.isBefore(timestamp)) {
          timestamp = at;
        }
      }
    }

    private final SerializableFunction<T, String> key;
    private transient Map<Long, Part<T>> buffer = new HashMap<>();
    private transient int buffered;

    private Buckets(SerializableFunction<T, String> key) {
      this.key = key;
    }

    @StartBundle
    public void start() {
      buffer = new HashMap<>();
      buffered = 0;
    }

    @ProcessElement
    public void process(
        @Element Sourced<T> record,
        @Timestamp Instant timestamp,
        OutputReceiver<KV<Long, List<Sourced<T>>>> out) {
      int bucket = Math.floorMod(spread(key.apply(record.value()).hashCode()), BUCKETS);
      long slot = slot(bucket, record.requiredEventTimeMillis());
      if (buffered == BUFFER_LIMIT) {
        out.output(KV.of(slot, List.of(record)));
        return;
      }
      buffered++;
      buffer.computeIfAbsent(slot, begun -> new Part<>(timestamp)).add(record, timestamp);
    }

    /** Texts that count have hashes that follow one another; buckets should not. */
    private static int spread(int hash) {
      int mixed = hash * 0x9E3779B9;
      return mixed ^ mixed >>> 16;
    }

    @FinishBundle
    public void finish(FinishBundleContext context) {
      buffer.forEach(
          (slot, part) ->
              context.output(KV.of(slot, part.records), part.timestamp, GlobalWindow.INSTANCE));
      buffer = new HashMap<>();
    }
  }

  /** The record of a key that comes first leaves; the others are its duplicates. */
  // Not private: its timer is called by the runner alone.
  static final class Winners<T> extends DoFn<KV<Long, List<Sourced<T>>>, Sourced<T>> {
    private static final String SEEN = "seen";
    private static final String FORGOTTEN = "forgotten";

    @StateId(SEEN)
    @SuppressWarnings("UnusedVariable") // read by the runner
    private final StateSpec<ValueState<SeenIds>> spec = StateSpecs.value(SeenIds.coder());

    @TimerId(FORGOTTEN)
    @SuppressWarnings("UnusedVariable") // read by the runner
    private final TimerSpec timer = TimerSpecs.timer(TimeDomain.EVENT_TIME);

    private final SerializableFunction<T, String> key;
    private final long latenessMillis;
    private final TupleTag<Tally> talliesTag;
    private final String stage;
    private transient @Nullable Tallies tallies;
    private transient @Nullable MessageDigest digest;

    private Winners(
        String stage,
        SerializableFunction<T, String> key,
        long latenessMillis,
        TupleTag<Tally> tallies) {
      this.key = key;
      this.latenessMillis = latenessMillis;
      this.talliesTag = tallies;
      this.stage = stage;
    }

    @Setup
    public void setUp() {
      tallies = new Tallies(stage);
    }

    @StartBundle
    public void start() {
      tallies().start();
    }

    private Tallies tallies() {
      return Objects.requireNonNull(tallies);
    }

    @ProcessElement
    public void process(
        @Element KV<Long, List<Sourced<T>>> bucket,
        @StateId(SEEN) ValueState<SeenIds> state,
        @TimerId(FORGOTTEN) Timer forgotten,
        OutputReceiver<Sourced<T>> out) {
      SeenIds known = state.read();
      if (known == null) {
        forgotten.set(forgotten(bucket.getKey()));
      }
      SeenIds seen = known == null ? new SeenIds() : known;
      for (Sourced<T> record : bucket.getValue()) {
        Origin origin = record.origin();
        ByteBuffer id = id(key.apply(record.value()));
        Origin before = seen.add(id.getLong(), id.getLong(), origin);
        if (before == null) {
          tallies().count(origin, Outcome.WRITTEN);
          out.output(record);
        } else if (before.compareTo(origin) <= 0) {
          tallies().count(origin, Outcome.DUPLICATE);
        } else {
          // It came later, but before the one that left: the ledger is that of a batch.
          tallies().count(origin, Outcome.WRITTEN);
          tallies().change(before.source(), Outcome.WRITTEN, Outcome.DUPLICATE);
        }
      }
      state.write(seen);
    }

    /** When the watermark has passed the second and the lateness, or all time. */
    private Instant forgotten(long slot) {
      long end = (Math.floorDiv(slot, BUCKETS) + 1) * SLICE_MILLIS + latenessMillis;
      return Instant.ofEpochMilli(Math.min(end, GlobalWindow.INSTANCE.maxTimestamp().getMillis()));
    }

    private ByteBuffer id(String of) {
      try {
        MessageDigest sha = digest;
        if (sha == null) {
          sha = MessageDigest.getInstance("SHA-256");
          digest = sha;
        }
        return ByteBuffer.wrap(sha.digest(of.getBytes(StandardCharsets.UTF_8)));
      } catch (NoSuchAlgorithmException missing) {
        throw new IllegalStateException("every Java platform has SHA-256", missing);
      }
    }

    /** The second has passed. */
    @OnTimer(FORGOTTEN)
    public void forget(@StateId(SEEN) ValueState<SeenIds> state) {
      state.clear();
    }

    @FinishBundle
    public void finish(FinishBundleContext context) {
      tallies()
          .finish(
              tally ->
                  context.output(
                      talliesTag,
                      tally,
                      GlobalWindow.INSTANCE.maxTimestamp(),
                      GlobalWindow.INSTANCE));
    }
  }
}

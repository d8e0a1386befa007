package dev.millrace.transforms.dedup;

import dev.millrace.transforms.AtRest;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.Outcome;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.Tally;
import dev.millrace.transforms.WindowedTallies;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.ListCoder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.state.StateSpec;
import org.apache.beam.sdk.state.StateSpecs;
import org.apache.beam.sdk.state.ValueState;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.DefaultTrigger;
import org.apache.beam.sdk.transforms.windowing.FixedWindows;
import org.apache.beam.sdk.transforms.windowing.Window;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.TupleTagList;
import org.joda.time.Duration;
import org.joda.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * {@link Dedup#atOnce} in a stream: one state for the ids of a bucket and second, not for each id.
 *
 * <p>The records of a bundle are put together by second of event time and bucket of their keys, and
 * a state is read and written once for all of those. The second is a window, so the runner forgets
 * its states, by one timer each, when it has passed the lateness. Of a key the first 128 bits of
 * its SHA-256 are remembered.
 */
final class DedupAtOnce<T> extends PTransform<PCollection<Sourced<T>>, PCollectionTuple> {

  /** Few enough that a bundle has several records of each, enough to spread over the workers. */
  static final int BUCKETS = 64;

  private static final int BUFFER_LIMIT = 10_000;

  private final String stage;
  private final SerializableFunction<T, String> key;
  private final java.time.Duration lateness;
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
    this.lateness = lateness;
    this.good = good;
    this.tallies = tallies;
  }

  @Override
  public PCollectionTuple expand(PCollection<Sourced<T>> input) {
    Coder<Sourced<T>> records = input.getCoder();
    PCollectionTuple unique =
        input
            .apply("Seconds", seconds())
            .apply("Buckets", ParDo.of(new Buckets<>(key)))
            .setCoder(KvCoder.of(VarIntCoder.of(), ListCoder.of(records)))
            .apply(
                "Winners",
                ParDo.of(new Winners<>(stage, key, tallies))
                    .withOutputTags(good, TupleTagList.of(tallies)));
    // Seconds are of no use to those who come after.
    return PCollectionTuple.of(
            good, unique.get(good).setCoder(records).apply("AllTime", AtRest.window()))
        .and(tallies, unique.get(tallies).setCoder(Tally.coder()));
  }

  /** Copies have one event time, so a second is as good as all time, and is soon forgotten. */
  private Window<Sourced<T>> seconds() {
    // What is behind the watermark leaves at the end of its window: that must lie within the
    // lateness of the event, for those who move it back to its event time.
    long size = Math.max(1, Math.min(1_000, lateness.toMillis()));
    return Window.<Sourced<T>>into(FixedWindows.of(Duration.millis(size)))
        .triggering(DefaultTrigger.of())
        .withAllowedLateness(Duration.millis(lateness.toMillis()))
        .discardingFiredPanes();
  }

  /** Puts the records of a bundle together by bucket and window, at their earliest timestamp. */
  private static final class Buckets<T> extends DoFn<Sourced<T>, KV<Integer, List<Sourced<T>>>> {
    private record Slot(int bucket, BoundedWindow window) {}

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
    private transient Map<Slot, Part<T>> buffer = new HashMap<>();
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
        BoundedWindow window,
        OutputReceiver<KV<Integer, List<Sourced<T>>>> out) {
      int bucket = Math.floorMod(spread(key.apply(record.value()).hashCode()), BUCKETS);
      if (buffered == BUFFER_LIMIT) {
        out.output(KV.of(bucket, List.of(record)));
        return;
      }
      buffered++;
      buffer
          .computeIfAbsent(new Slot(bucket, window), slot -> new Part<>(timestamp))
          .add(record, timestamp);
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
              context.output(KV.of(slot.bucket, part.records), part.timestamp, slot.window));
      buffer = new HashMap<>();
    }
  }

  /** The record of a key that comes first leaves; the others are its duplicates. */
  private static final class Winners<T> extends DoFn<KV<Integer, List<Sourced<T>>>, Sourced<T>> {
    private static final String SEEN = "seen";

    @StateId(SEEN)
    @SuppressWarnings("UnusedVariable") // read by the runner
    private final StateSpec<ValueState<SeenIds>> spec = StateSpecs.value(SeenIds.coder());

    private final SerializableFunction<T, String> key;
    private final TupleTag<Tally> talliesTag;
    private final WindowedTallies tallies;
    private transient @Nullable MessageDigest digest;

    private Winners(String stage, SerializableFunction<T, String> key, TupleTag<Tally> tallies) {
      this.key = key;
      this.talliesTag = tallies;
      this.tallies = new WindowedTallies(stage);
    }

    @StartBundle
    public void start() {
      tallies.start();
    }

    @ProcessElement
    public void process(
        @Element KV<Integer, List<Sourced<T>>> bucket,
        BoundedWindow window,
        @StateId(SEEN) ValueState<SeenIds> state,
        OutputReceiver<Sourced<T>> out) {
      SeenIds known = state.read();
      SeenIds seen = known == null ? new SeenIds() : known;
      for (Sourced<T> record : bucket.getValue()) {
        Origin origin = record.origin();
        ByteBuffer id = id(key.apply(record.value()));
        Origin before = seen.add(id.getLong(), id.getLong(), origin);
        if (before == null) {
          tallies.count(origin.source(), Outcome.WRITTEN, 1, window);
          out.output(record);
        } else if (before.compareTo(origin) <= 0) {
          tallies.count(origin.source(), Outcome.DUPLICATE, 1, window);
        } else {
          // It came later, but before the one that left: the ledger is that of a batch.
          tallies.count(origin.source(), Outcome.WRITTEN, 1, window);
          tallies.change(before.source(), Outcome.WRITTEN, Outcome.DUPLICATE, window);
        }
      }
      state.write(seen);
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

    @FinishBundle
    public void finish(FinishBundleContext context) {
      tallies.finish(context, talliesTag);
    }
  }
}

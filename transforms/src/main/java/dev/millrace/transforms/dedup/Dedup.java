package dev.millrace.transforms.dedup;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.AtRest;
import dev.millrace.transforms.DeadLetters;
import dev.millrace.transforms.Outcome;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.Tally;
import dev.millrace.transforms.WindowedTallies;
import dev.millrace.transforms.combine.CombineBlocks;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CoderRegistry;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.transforms.Combine;
import org.apache.beam.sdk.transforms.Combine.CombineFn;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.transforms.WithKeys;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.DefaultTrigger;
import org.apache.beam.sdk.transforms.windowing.GlobalWindows;
import org.apache.beam.sdk.transforms.windowing.Never;
import org.apache.beam.sdk.transforms.windowing.TimestampCombiner;
import org.apache.beam.sdk.transforms.windowing.Window;
import org.apache.beam.sdk.transforms.windowing.Window.ClosingBehavior;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollection.IsBounded;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.TupleTagList;
import org.joda.time.Duration;
import org.joda.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Leaves one record of each key: the first, or the latest version.
 *
 * <p>Example: {@code sales.good().apply("DedupSales", Dedup.latest(Sale.class).as("DedupSales"))}.
 *
 * <p><b>Input:</b> records, with timestamps not after their event times. <b>Output:</b> one record
 * per key and window, at its event time. <b>Bounded/unbounded:</b> in batch per window of the
 * input, as a rule the global one. In a stream once per key and window, when the watermark has
 * passed the end of the window and its allowed lateness: no answer is ever taken back, for that
 * delay. Copies must fall into one window to meet, so windows must be of event time, and a version
 * may not change it. An unbounded global window is refused. <b>State and timers:</b> those of a
 * combine; one record per key and window. <b>Reasons:</b> none: the losers are counted as
 * duplicates of their own source. <b>Guarantee:</b> which record stays depends on versions, origins
 * and bytes alone, not on order or bundles; applied twice it is as applied once. A record that the
 * runner drops behind the allowed lateness shows in the ledger: the stage has read fewer than the
 * one before has written. <b>Runners:</b> all; Spark streaming where no other grouping follows.
 *
 * @param <T> type of the records
 */
public final class Dedup<T> extends PTransform<PCollection<Sourced<T>>, Accounted<T>> {

  private final String stage;
  private final SerializableFunction<T, String> key;
  private final Precedence<T> precedence;
  private final java.time.@Nullable Duration atOnce;

  private Dedup(
      String stage,
      SerializableFunction<T, String> key,
      Precedence<T> precedence,
      java.time.@Nullable Duration atOnce) {
    this.stage = stage;
    this.key = key;
    this.precedence = precedence;
    this.atOnce = atOnce;
  }

  /**
   * Of records with one key, the one that came first: by arrival, then source, then position.
   *
   * @param key what tells one record from another, never null
   */
  public static <T> Dedup<T> first(SerializableFunction<T, String> key) {
    return new Dedup<>("Dedup", key, Precedence.first(), null);
  }

  /** Of records with one {@link RecordKey}, the one that came first. */
  public static <T extends SpecificRecord> Dedup<T> first(Class<T> type) {
    return Dedup.<T>first(RecordKey.of(type)).as("Dedup" + type.getSimpleName());
  }

  /**
   * Of records with one key, the one with the greatest version; of equal versions the one that came
   * first.
   *
   * @param key what tells one record from another, never null
   * @param version the version of a record; null is older than any other
   */
  public static <T> Dedup<T> latest(
      SerializableFunction<T, String> key,
      SerializableFunction<T, ? extends @Nullable Comparable<?>> version) {
    return new Dedup<>("Dedup", key, Precedence.latest(version), null);
  }

  /**
   * Of records with one {@link RecordKey}, the one with the greatest {@code recordVersion}; of
   * equal versions the one that came first.
   */
  public static <T extends SpecificRecord> Dedup<T> latest(Class<T> type) {
    Contract contract = Contract.of(type);
    FieldContract version =
        contract
            .recordVersion()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "contract "
                            + contract.name()
                            + " declares no recordVersion: use Dedup.first, or declare one"));
    return Dedup.<T>latest(RecordKey.of(type), new VersionOf<>(contract, version.name()))
        .as("Dedup" + type.getSimpleName());
  }

  /** The same under another stage name, which stands in the ledger. */
  public Dedup<T> as(String name) {
    return new Dedup<>(name, key, precedence, atOnce);
  }

  /**
   * The same, but in a stream the record of a key that comes first leaves at once, and all that
   * come after it are duplicates: for copies that are alike, with one event time, where which of
   * them stays is no matter; a record without one ends the run. The ledger is that of a batch all
   * the same: if a copy that comes later has the earlier origin, it counts as the one that was
   * written, and the other as its duplicate. It needs no windows of the input; what leaves is in
   * the global one. State: about 60 bytes per key, from its event time until the watermark has
   * passed that by the lateness. No record is dropped. In batch nothing changes.
   *
   * @param lateness how far the watermark may have passed the event time of a copy; one that comes
   *     later is taken for a first one. Where the watermark itself stays behind by what the late
   *     gate allows, a moment for bundles will do
   */
  public Dedup<T> atOnce(java.time.Duration lateness) {
    if (lateness.isNegative()) {
      throw new IllegalArgumentException("a lateness of " + lateness + " is negative");
    }
    if (!precedence.isFirst()) {
      throw new IllegalArgumentException(
          "the latest version cannot be told at once: use Dedup.first");
    }
    return new Dedup<>(stage, key, precedence, lateness);
  }

  @Override
  public Accounted<T> expand(PCollection<Sourced<T>> input) {
    boolean bounded = input.isBounded() == IsBounded.BOUNDED;
    if (!bounded
        && atOnce == null
        && input.getWindowingStrategy().getWindowFn() instanceof GlobalWindows) {
      throw new IllegalArgumentException(
          stage
              + ": the global window of an unbounded collection never ends, so no record would"
              + " leave; apply event-time windows first");
    }
    Coder<Sourced<T>> records = input.getCoder();
    TupleTag<Sourced<T>> good = new TupleTag<>("good");
    TupleTag<Tally> tallies = new TupleTag<>("tallies");
    if (!bounded && atOnce != null) {
      PCollectionTuple unique =
          input.apply("AtOnce", new DedupAtOnce<>(stage, key, atOnce, good, tallies));
      return accounted(unique, good, tallies, records);
    }
    PCollection<KV<String, Standing<T>>> standings =
        bounded && input.getWindowingStrategy().getWindowFn() instanceof GlobalWindows
            ? inBlocks(input, records)
            : input
                .apply("Key", WithKeys.of(record -> key.apply(record.value())))
                .setCoder(KvCoder.of(StringUtf8Coder.of(), records))
                .apply("OncePerWindow", oncePerWindow(bounded))
                .apply("Combine", Combine.perKey(new Settle<>(precedence, records)))
                .setCoder(KvCoder.of(StringUtf8Coder.of(), Standing.coder(records)));
    PCollectionTuple settled =
        standings.apply(
            "Winners",
            ParDo.of(new Winners<T>(stage, tallies))
                .withOutputTags(good, TupleTagList.of(tallies)));
    return accounted(settled, good, tallies, records);
  }

  private Accounted<T> accounted(
      PCollectionTuple settled,
      TupleTag<Sourced<T>> good,
      TupleTag<Tally> tallies,
      Coder<Sourced<T>> records) {
    return Accounted.of(
        settled.get(good).setCoder(records),
        settled.getPipeline().apply("NoRejects", Create.empty(DeadLetters.coder())),
        settled.get(tallies).setCoder(Tally.coder()).apply("Tallies", AtRest.window()));
  }

  /** In batch most keys have one record: blocks spare the runner a group for each. */
  private PCollection<KV<String, Standing<T>>> inBlocks(
      PCollection<Sourced<T>> input, Coder<Sourced<T>> records) {
    SerializableFunction<T, String> of = key;
    Precedence<T> order = precedence;
    return input.apply(
        "Combine",
        CombineBlocks.of(
            record -> KV.of(of.apply(record.value()), Standing.of(record)),
            KvCoder.of(StringUtf8Coder.of(), Standing.coder(records)),
            (a, b) -> a.plus(b, order)));
  }

  /**
   * One pane per key and window. In a stream that is the closing one, after the allowed lateness;
   * in batch the default trigger does the same, and lets runners combine before the shuffle.
   */
  private Window<KV<String, Sourced<T>>> oncePerWindow(boolean bounded) {
    return Window.<KV<String, Sourced<T>>>configure()
        .triggering(bounded ? DefaultTrigger.of() : Never.ever())
        .withAllowedLateness(Duration.ZERO, ClosingBehavior.FIRE_IF_NON_EMPTY) // the input's stays
        // A winner leaves at its own event time, which none of its key lies before.
        .withTimestampCombiner(TimestampCombiner.EARLIEST)
        .discardingFiredPanes();
  }

  private static final class VersionOf<T extends SpecificRecord>
      implements SerializableFunction<T, @Nullable Comparable<?>> {
    private final Contract contract;
    private final String name;

    private VersionOf(Contract contract, String name) {
      this.contract = contract;
      this.name = name;
    }

    @Override
    public @Nullable Comparable<?> apply(T record) {
      return (Comparable<?>) contract.field(name).valueIn(record);
    }
  }

  private static final class Settle<T> extends CombineFn<Sourced<T>, Standing<T>, Standing<T>> {
    private final Precedence<T> precedence;
    private final Coder<Sourced<T>> records;

    private Settle(Precedence<T> precedence, Coder<Sourced<T>> records) {
      this.precedence = precedence;
      this.records = records;
    }

    @Override
    public Standing<T> createAccumulator() {
      return Standing.empty();
    }

    @Override
    public Standing<T> addInput(Standing<T> standing, Sourced<T> record) {
      return standing.plus(Standing.of(record), precedence);
    }

    @Override
    public Standing<T> mergeAccumulators(Iterable<Standing<T>> all) {
      Standing<T> merged = Standing.empty();
      for (Standing<T> one : all) {
        merged = merged.plus(one, precedence);
      }
      return merged;
    }

    @Override
    public Standing<T> extractOutput(Standing<T> standing) {
      return standing;
    }

    @Override
    public Coder<Standing<T>> getAccumulatorCoder(CoderRegistry registry, Coder<Sourced<T>> input) {
      return Standing.coder(records);
    }

    @Override
    public Coder<Standing<T>> getDefaultOutputCoder(
        CoderRegistry registry, Coder<Sourced<T>> input) {
      return Standing.coder(records);
    }
  }

  private static final class Winners<T> extends DoFn<KV<String, Standing<T>>, Sourced<T>> {
    private final String stage;
    private final TupleTag<Tally> talliesTag;
    private final WindowedTallies tallies;

    private Winners(String stage, TupleTag<Tally> talliesTag) {
      this.stage = stage;
      this.talliesTag = talliesTag;
      this.tallies = new WindowedTallies(stage);
    }

    @StartBundle
    public void start() {
      tallies.start();
    }

    @ProcessElement
    public void process(
        @Element KV<String, Standing<T>> settled,
        @Timestamp Instant timestamp,
        BoundedWindow window,
        OutputReceiver<Sourced<T>> out) {
      Standing<T> standing = settled.getValue();
      Sourced<T> winner = standing.winner();
      if (winner == null) {
        throw new IllegalStateException("a key without a record in " + stage);
      }
      standing
          .losers()
          .forEach((source, count) -> tallies.count(source, Outcome.DUPLICATE, count, window));
      tallies.count(winner.origin().source(), Outcome.WRITTEN, 1, window);
      Instant eventTime = Instant.ofEpochMilli(winner.eventTimeMillis());
      if (eventTime.isAfter(window.maxTimestamp())) {
        eventTime = window.maxTimestamp();
      }
      out.outputWithTimestamp(winner, eventTime.isBefore(timestamp) ? timestamp : eventTime);
    }

    @FinishBundle
    public void finish(FinishBundleContext context) {
      tallies.finish(context, talliesTag);
    }
  }
}

package dev.millrace.transforms.ledger;

import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.Outcome;
import dev.millrace.transforms.RecordCoder;
import dev.millrace.transforms.Tallies;
import dev.millrace.transforms.Tally;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CoderRegistry;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.metrics.Gauge;
import org.apache.beam.sdk.metrics.Metrics;
import org.apache.beam.sdk.transforms.Combine;
import org.apache.beam.sdk.transforms.Combine.CombineFn;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.Flatten;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.windowing.AfterProcessingTime;
import org.apache.beam.sdk.transforms.windowing.DefaultTrigger;
import org.apache.beam.sdk.transforms.windowing.GlobalWindows;
import org.apache.beam.sdk.transforms.windowing.Repeatedly;
import org.apache.beam.sdk.transforms.windowing.Trigger;
import org.apache.beam.sdk.transforms.windowing.Window;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollection.IsBounded;
import org.apache.beam.sdk.values.PCollectionList;

/**
 * Adds up the tallies of all stages: one entry per stage and source.
 *
 * <p>Example: {@code Ledger.of("sales", refined, unique, enriched)}; then {@link LedgerCheck} says
 * whether it balances.
 *
 * <p><b>Input:</b> tallies. <b>Output:</b> {@link LedgerEntry}, one per stage and source.
 * <b>Bounded/unbounded:</b> in batch once, at the end; in a stream running totals, stated again a
 * while after something new came, to be upserted. <b>State and timers:</b> a combine in the global
 * window, so no tally is ever late; six numbers per stage and source. <b>Reasons:</b> none.
 * <b>Guarantee:</b> exact after retries, since tallies are data. <b>Runners:</b> all.
 */
public final class Ledger extends PTransform<PCollectionList<Tally>, PCollection<LedgerEntry>> {

  private final String pipeline;
  private final Duration every;

  private Ledger(String pipeline, Duration every) {
    this.pipeline = pipeline;
    this.every = every;
  }

  /** The ledger of a pipeline, applied to the tallies of its stages in a step {@code Ledger}. */
  public static PCollection<LedgerEntry> of(String pipeline, Accounted<?>... stages) {
    return PCollectionList.of(Arrays.stream(stages).map(Accounted::tallies).toList())
        .apply("Ledger", ofTallies(pipeline));
  }

  /** The ledger of a pipeline, to be applied to a list of tallies. */
  public static Ledger ofTallies(String pipeline) {
    return new Ledger(pipeline, Duration.ofSeconds(1));
  }

  /** How long, by the clock, after something new came a stream states its totals again. */
  public Ledger withUpdates(Duration after) {
    if (after.isNegative()) {
      throw new IllegalArgumentException("updates after " + after + " are in the past");
    }
    return new Ledger(pipeline, after);
  }

  @Override
  public PCollection<LedgerEntry> expand(PCollectionList<Tally> stages) {
    boolean bounded =
        stages.getAll().stream().allMatch(tallies -> tallies.isBounded() == IsBounded.BOUNDED);
    PCollectionList<Tally> windowed = PCollectionList.empty(stages.getPipeline());
    for (int i = 0; i < stages.size(); i++) {
      // Collections flatten only if their triggers agree.
      windowed = windowed.and(stages.get(i).apply("Global" + i, window(bounded)));
    }
    return windowed
        .apply("Flatten", Flatten.pCollections())
        .setCoder(Tally.coder())
        .apply("ByStageAndSource", ParDo.of(new ByStageAndSource()))
        .setCoder(KvCoder.of(KvCoder.of(StringUtf8Coder.of(), StringUtf8Coder.of()), Tally.coder()))
        .apply("Add", Combine.perKey(new Add()))
        .apply("Entries", ParDo.of(new ToEntry(pipeline)))
        .setCoder(RecordCoder.of(LedgerEntry.class));
  }

  private Window<Tally> window(boolean bounded) {
    Trigger trigger =
        bounded
            ? DefaultTrigger.of()
            : Repeatedly.forever(
                AfterProcessingTime.pastFirstElementInPane()
                    .plusDelayOf(org.joda.time.Duration.millis(every.toMillis())));
    return Window.<Tally>into(new GlobalWindows())
        .triggering(trigger)
        .withAllowedLateness(org.joda.time.Duration.ZERO)
        .accumulatingFiredPanes();
  }

  private static final class ByStageAndSource extends DoFn<Tally, KV<KV<String, String>, Tally>> {
    @ProcessElement
    public void process(@Element Tally tally, OutputReceiver<KV<KV<String, String>, Tally>> out) {
      out.output(KV.of(KV.of(tally.stage(), tally.source()), tally));
    }
  }

  private static final class Add extends CombineFn<Tally, Counts, Counts> {
    @Override
    public Counts createAccumulator() {
      return Counts.NONE;
    }

    @Override
    public Counts addInput(Counts sum, Tally tally) {
      return sum.plus(tally.outcome(), tally.count());
    }

    @Override
    public Counts mergeAccumulators(Iterable<Counts> all) {
      Counts sum = Counts.NONE;
      for (Counts one : all) {
        sum = sum.plus(one);
      }
      return sum;
    }

    @Override
    public Counts extractOutput(Counts sum) {
      return sum;
    }

    @Override
    public Coder<Counts> getAccumulatorCoder(CoderRegistry registry, Coder<Tally> input) {
      return Counts.CODER;
    }

    @Override
    public Coder<Counts> getDefaultOutputCoder(CoderRegistry registry, Coder<Tally> input) {
      return Counts.CODER;
    }
  }

  /** Records without an outcome, or with two, of what a worker has added up. */
  private static final Gauge UNBALANCED =
      Metrics.gauge(Tallies.NAMESPACE, "ledger_unbalanced_records");

  private static final class ToEntry extends DoFn<KV<KV<String, String>, Counts>, LedgerEntry> {
    private final String pipeline;
    // Of stage and source, what has no outcome; a handful of each.
    private final Map<KV<String, String>, Long> residues = new HashMap<>();

    private ToEntry(String pipeline) {
      this.pipeline = pipeline;
    }

    @ProcessElement
    public void process(
        @Element KV<KV<String, String>, Counts> sums, OutputReceiver<LedgerEntry> out) {
      Counts counts = sums.getValue();
      LedgerEntry entry =
          LedgerEntry.newBuilder()
              .setPipeline(pipeline)
              .setStage(sums.getKey().getKey())
              .setSource(sums.getKey().getValue())
              .setRead(counts.of(Outcome.READ))
              .setWritten(counts.of(Outcome.WRITTEN))
              .setInvalid(counts.of(Outcome.INVALID))
              .setLate(counts.of(Outcome.LATE))
              .setDuplicate(counts.of(Outcome.DUPLICATE))
              .setFiltered(counts.of(Outcome.FILTERED))
              .build();
      residues.put(sums.getKey(), Math.abs(LedgerCheck.residue(entry)));
      out.output(entry);
    }

    @FinishBundle
    public void finish() {
      UNBALANCED.set(residues.values().stream().mapToLong(Long::longValue).sum());
    }
  }
}

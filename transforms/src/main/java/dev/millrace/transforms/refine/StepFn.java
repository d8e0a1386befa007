package dev.millrace.transforms.refine;

import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.AtRest;
import dev.millrace.transforms.DeadLetters;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.Outcome;
import dev.millrace.transforms.RecordCoder;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.SourcedCoder;
import dev.millrace.transforms.Tallies;
import dev.millrace.transforms.Tally;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.windowing.GlobalWindow;
import org.apache.beam.sdk.transforms.windowing.GlobalWindows;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.TupleTagList;
import org.joda.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What the transforms of this package share: one record in, one record or one dead letter out, and
 * the account of both.
 *
 * @param <I> what comes in
 * @param <T> record class
 */
abstract class StepFn<I, T extends SpecificRecord> extends DoFn<I, Sourced<T>> {

  private final String stage;
  private final TupleTag<Sourced<T>> good = new TupleTag<>("good");
  private final TupleTag<DeadLetter> rejects = new TupleTag<>("rejects");
  private final TupleTag<Tally> talliesTag = new TupleTag<>("tallies");
  private transient @Nullable Tallies tallies;

  StepFn(String stage) {
    this.stage = stage;
  }

  /** Applies the function and names the coders of what comes out. */
  Accounted<T> applyTo(PCollection<I> input, Class<T> type) {
    if (!(input.getWindowingStrategy().getWindowFn() instanceof GlobalWindows)) {
      throw new IllegalArgumentException(
          stage + " stands before windows: apply it in the global window, then Window.into(...)");
    }
    PCollectionTuple out =
        input.apply(
            "Decide",
            ParDo.of(this).withOutputTags(good, TupleTagList.of(rejects).and(talliesTag)));
    return Accounted.of(
        out.get(good).setCoder(SourcedCoder.of(RecordCoder.of(type))),
        out.get(rejects)
            .setCoder(DeadLetters.coder())
            .apply("RejectsInGlobalWindow", AtRest.window()),
        out.get(talliesTag).setCoder(Tally.coder()));
  }

  final String stage() {
    return stage;
  }

  /** Makes what a worker needs, once. */
  abstract void open();

  /** The good record, or null when {@link #refused} tells why it is none. */
  abstract @Nullable Sourced<T> decide(I input);

  /** The dead letter of the record that {@link #decide} has just refused. */
  abstract DeadLetter refused();

  /** Whether that record counts as late rather than invalid. */
  abstract boolean refusedForLateness();

  abstract Origin originOf(I input);

  /** The timestamp of a good record, of the timestamp of its input. */
  abstract Instant timestampOf(Sourced<T> record, Instant input);

  @Setup
  public void setup() {
    tallies = new Tallies(stage);
    open();
  }

  @StartBundle
  public void startBundle() {
    tallies().start();
  }

  @ProcessElement
  public void process(@Element I input, @Timestamp Instant timestamp, MultiOutputReceiver out) {
    Sourced<T> record = decide(input);
    if (record == null) {
      tallies().count(originOf(input), refusedForLateness() ? Outcome.LATE : Outcome.INVALID);
      out.get(rejects).output(refused());
    } else {
      tallies().count(originOf(input), Outcome.WRITTEN);
      out.get(good).outputWithTimestamp(record, timestampOf(record, timestamp));
    }
  }

  @FinishBundle
  public void finishBundle(FinishBundleContext context) {
    tallies()
        .finish(
            tally ->
                context.output(
                    talliesTag,
                    tally,
                    GlobalWindow.INSTANCE.maxTimestamp(),
                    GlobalWindow.INSTANCE));
  }

  private Tallies tallies() {
    if (tallies == null) {
      throw new IllegalStateException("@Setup has not run");
    }
    return tallies;
  }
}

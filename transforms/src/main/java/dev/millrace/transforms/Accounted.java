package dev.millrace.transforms;

import dev.millrace.schemas.system.DeadLetter;
import java.util.Map;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PInput;
import org.apache.beam.sdk.values.POutput;
import org.apache.beam.sdk.values.PValue;
import org.apache.beam.sdk.values.TupleTag;

/**
 * What every stage returns: its good records, its rejects, and an account of both.
 *
 * @param <T> type of the good records' values
 */
public final class Accounted<T> implements POutput {

  private final PCollection<Sourced<T>> good;
  private final PCollection<DeadLetter> rejects;
  private final PCollection<Tally> tallies;
  private final TupleTag<Sourced<T>> goodTag = new TupleTag<>("good") {};
  private final TupleTag<DeadLetter> rejectsTag = new TupleTag<>("rejects") {};
  private final TupleTag<Tally> talliesTag = new TupleTag<>("tallies") {};

  private Accounted(
      PCollection<Sourced<T>> good, PCollection<DeadLetter> rejects, PCollection<Tally> tallies) {
    this.good = good;
    this.rejects = rejects;
    this.tallies = tallies;
  }

  /** The result of a stage. Tallies are in the global window, so that none is ever late. */
  public static <T> Accounted<T> of(
      PCollection<Sourced<T>> good, PCollection<DeadLetter> rejects, PCollection<Tally> tallies) {
    return new Accounted<>(good, rejects, tallies);
  }

  /** Records that passed the stage. */
  public PCollection<Sourced<T>> good() {
    return good;
  }

  /** Records that were refused, each with its bytes, its position and a reason. */
  public PCollection<DeadLetter> rejects() {
    return rejects;
  }

  /** How many records had which outcome, per source. */
  public PCollection<Tally> tallies() {
    return tallies;
  }

  @Override
  public Pipeline getPipeline() {
    return good.getPipeline();
  }

  @Override
  public Map<TupleTag<?>, PValue> expand() {
    return Map.of(goodTag, good, rejectsTag, rejects, talliesTag, tallies);
  }

  @Override
  public void finishSpecifyingOutput(
      String transformName, PInput input, PTransform<?, ?> transform) {}
}

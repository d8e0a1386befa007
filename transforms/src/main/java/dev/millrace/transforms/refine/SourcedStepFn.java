package dev.millrace.transforms.refine;

import dev.millrace.contract.Contract;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.transforms.DeadLetters;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.Sourced;
import java.io.Serializable;
import java.util.Objects;
import org.apache.avro.specific.SpecificRecord;
import org.joda.time.Instant;
import org.jspecify.annotations.Nullable;

/** One step of the refining pass alone, over records that are typed already. */
final class SourcedStepFn<T extends SpecificRecord> extends StepFn<Sourced<T>, T> {

  private final Class<T> type;
  private final OpenStep<T> open;
  private transient @Nullable Step<T> step;
  private transient @Nullable Problem problem;
  private transient @Nullable Sourced<T> current;

  SourcedStepFn(String stage, Class<T> type, OpenStep<T> open) {
    super(stage);
    this.type = type;
    this.open = open;
  }

  @Override
  void open() {
    step = open.open(Contract.of(type));
  }

  @Override
  Instant timestampOf(Sourced<T> record, Instant input) {
    return input;
  }

  @Override
  Origin originOf(Sourced<T> input) {
    return input.origin();
  }

  @Override
  @Nullable Sourced<T> decide(Sourced<T> input) {
    current = input;
    Object result = Objects.requireNonNull(step).apply(input);
    if (result instanceof Problem found) {
      problem = found;
      return null;
    }
    problem = null;
    @SuppressWarnings("unchecked") // a step gives a problem or the record
    Sourced<T> good = (Sourced<T>) result;
    return good;
  }

  @Override
  DeadLetter refused() {
    Problem found = Objects.requireNonNull(problem);
    return DeadLetters.of(
        stage(),
        found.reason(),
        found.detail(),
        found.field(),
        Contract.of(type),
        Objects.requireNonNull(current));
  }

  @Override
  boolean refusedForLateness() {
    return Objects.requireNonNull(problem).reason().isLateness();
  }

  /** Decides about one record: gives it back, perhaps changed, or a {@link Problem}. */
  interface Step<T> {
    Object apply(Sourced<T> record);
  }

  /** Makes a step on a worker. */
  interface OpenStep<T> extends Serializable {
    Step<T> open(Contract contract);
  }
}

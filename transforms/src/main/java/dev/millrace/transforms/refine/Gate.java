package dev.millrace.transforms.refine;

import dev.millrace.contract.Contract;
import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.Sourced;
import java.time.Duration;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.values.PCollection;

/**
 * The third step of {@link Refine} alone: keeps late records, and records from the future, out of
 * what follows.
 *
 * <p><b>Input:</b> sourced records with event time and arrival. <b>Output:</b> those on time; dead
 * letters; tallies. <b>Bounded/unbounded:</b> both. <b>State and timers:</b> none: lateness is
 * decided from the record, not from a watermark. <b>Reasons:</b> {@code LATE}, {@code FUTURE}.
 * <b>Guarantee:</b> the same decision in batch, stream and replay. <b>Runners:</b> all.
 *
 * @param <T> record class
 */
public final class Gate<T extends SpecificRecord>
    extends PTransform<PCollection<Sourced<T>>, Accounted<T>> {

  private final Class<T> type;
  private final String stage;
  private final LateGate gate;

  private Gate(Class<T> type, String stage, LateGate gate) {
    this.type = type;
    this.stage = stage;
    this.gate = gate;
  }

  /** Refuses records of a class by two bounds. */
  public static <T extends SpecificRecord> Gate<T> on(
      Class<T> type, Duration maxLateness, Duration maxSkew) {
    if (Contract.of(type).eventTime().isEmpty()) {
      throw new IllegalArgumentException(
          "contract "
              + type.getSimpleName()
              + " names no eventTime, so none of its records can be late");
    }
    return new Gate<>(type, "Gate" + type.getSimpleName(), new LateGate(maxLateness, maxSkew));
  }

  /** The same under another stage name. */
  public Gate<T> as(String stageName) {
    return new Gate<>(type, stageName, gate);
  }

  @Override
  public Accounted<T> expand(PCollection<Sourced<T>> input) {
    LateGate bounds = gate;
    return new SourcedStepFn<T>(
            stage,
            type,
            contract ->
                record -> {
                  Problem wrong =
                      bounds.check(record.origin().arrivalMillis(), record.eventTimeMillis());
                  return wrong == null ? record : wrong;
                })
        .applyTo(input, type);
  }
}

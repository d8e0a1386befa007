package dev.millrace.transforms.refine;

import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.Sourced;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.values.PCollection;

/**
 * The second step of {@link Refine} alone: holds records against the rules of their contract.
 *
 * <p><b>Input:</b> sourced records. <b>Output:</b> those that keep all rules; dead letters;
 * tallies. <b>Bounded/unbounded:</b> both. <b>State and timers:</b> none. <b>Reasons:</b> {@code
 * RULE_VIOLATION}. <b>Guarantee:</b> the first broken rule in the order of the contract is the one
 * named. <b>Runners:</b> all.
 *
 * @param <T> record class
 */
public final class Validate<T extends SpecificRecord>
    extends PTransform<PCollection<Sourced<T>>, Accounted<T>> {

  private final Class<T> type;
  private final String stage;

  private Validate(Class<T> type, String stage) {
    this.type = type;
    this.stage = stage;
  }

  /** Validates records of a class against its contract. */
  public static <T extends SpecificRecord> Validate<T> against(Class<T> type) {
    return new Validate<>(type, "Validate" + type.getSimpleName());
  }

  /** The same under another stage name. */
  public Validate<T> as(String stageName) {
    return new Validate<>(type, stageName);
  }

  @Override
  public Accounted<T> expand(PCollection<Sourced<T>> input) {
    return new SourcedStepFn<T>(
            stage,
            type,
            contract -> {
              Validator validator = new Validator(contract);
              return record -> {
                Problem broken = validator.check(record.value());
                return broken == null ? record : broken;
              };
            })
        .applyTo(input, type);
  }
}

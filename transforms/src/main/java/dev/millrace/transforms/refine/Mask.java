package dev.millrace.transforms.refine;

import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.Sourced;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.values.PCollection;

/**
 * The last step of {@link Refine} alone: makes private fields private. The payload is encrypted
 * already, by {@link Parse}.
 *
 * <p><b>Input:</b> sourced records in the clear. <b>Output:</b> the same records, masked; tallies.
 * <b>Bounded/unbounded:</b> both. <b>State and timers:</b> none. <b>Reasons:</b> none.
 * <b>Guarantee:</b> stable: equal values and secrets give equal results. <b>Runners:</b> all.
 *
 * @param <T> record class
 */
public final class Mask<T extends SpecificRecord>
    extends PTransform<PCollection<Sourced<T>>, Accounted<T>> {

  private final Class<T> type;
  private final String stage;
  private final String secret;

  private Mask(Class<T> type, String stage, String secret) {
    this.type = type;
    this.stage = stage;
    this.secret = secret;
  }

  /** Masks records of a class with the keys of a secret, {@code env:NAME} or {@code file:PATH}. */
  public static <T extends SpecificRecord> Mask<T> with(String secret, Class<T> type) {
    return new Mask<>(type, "Mask" + type.getSimpleName(), Vault.requireReference(secret));
  }

  /** The same under another stage name. */
  public Mask<T> as(String stageName) {
    return new Mask<>(type, stageName, secret);
  }

  @Override
  public Accounted<T> expand(PCollection<Sourced<T>> input) {
    String reference = secret;
    return new SourcedStepFn<T>(
            stage,
            type,
            contract -> {
              if (!contract.hasPrivateFields()) {
                return record -> record;
              }
              Vault vault = Vault.open(reference);
              Masker masker = new Masker(contract, vault);
              return record -> {
                // Elements are not to be changed: mask a copy.
                T copy = SpecificData.getForClass(type).deepCopy(contract.schema(), record.value());
                masker.mask(copy);
                return record.with(copy);
              };
            })
        .applyTo(input, type);
  }
}

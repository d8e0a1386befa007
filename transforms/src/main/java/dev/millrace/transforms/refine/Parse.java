package dev.millrace.transforms.refine;

import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.RawRecord;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.values.PCollection;

/**
 * The first step of {@link Refine} alone: raw bytes to a typed record with its event time and
 * arrival. Records stay in the clear: a contract with private fields is refined, not only parsed.
 *
 * <p><b>Input:</b> {@link RawRecord}s, each one JSON object. <b>Output:</b> typed records,
 * timestamped with their event time; dead letters; tallies. <b>Bounded/unbounded:</b> both.
 * <b>State and timers:</b> none. <b>Reasons:</b> those of form: encoding, syntax, limits, types,
 * required fields. <b>Guarantee:</b> as {@link Refine}. <b>Runners:</b> all.
 *
 * @param <T> record class
 */
public final class Parse<T extends SpecificRecord>
    extends PTransform<PCollection<RawRecord>, Accounted<T>> {

  private final Refine<T> pass;

  private Parse(Refine<T> pass) {
    this.pass = pass;
  }

  /** Parses JSON into records of a class. */
  public static <T extends SpecificRecord> Parse<T> json(Class<T> type) {
    return new Parse<>(Refine.parseOnly(type));
  }

  /** The same under another stage name. */
  public Parse<T> as(String stageName) {
    return new Parse<>(pass.as(stageName));
  }

  /** The same with other bounds on records. */
  public Parse<T> withLimits(Limits bounds) {
    return new Parse<>(pass.withLimits(bounds));
  }

  /** Key that encrypts payloads, as a reference; needed if the contract has private fields. */
  public Parse<T> withSecret(String reference) {
    return new Parse<>(pass.withSecret(reference));
  }

  @Override
  public Accounted<T> expand(PCollection<RawRecord> input) {
    return pass.expand(input);
  }
}

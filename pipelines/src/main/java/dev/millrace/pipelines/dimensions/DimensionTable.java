package dev.millrace.pipelines.dimensions;

import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.dedup.Dedup;
import dev.millrace.transforms.refine.Refine;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.values.PCollection;

/**
 * A table of a dimension, refined and without copies.
 *
 * @param <T> type of the rows
 * @param refined the stage that reads it
 * @param unique the stage that removes copies
 */
public record DimensionTable<T>(Accounted<T> refined, Accounted<T> unique) {

  /**
   * The table of raw rows; its stages are {@code RefineNAME} and {@code DedupNAME}.
   *
   * @param secret reference to the key of private fields
   */
  public static <T extends SpecificRecord> DimensionTable<T> of(
      String name, PCollection<RawRecord> raw, Class<T> type, String secret) {
    Accounted<T> refined =
        raw.apply("Refine" + name, Refine.json(type).as("Refine" + name).withSecret(secret));
    return new DimensionTable<>(
        refined, refined.good().apply("Dedup" + name, Dedup.first(type).as("Dedup" + name)));
  }

  /** The rows. */
  public PCollection<Sourced<T>> good() {
    return unique.good();
  }
}

package dev.millrace.pipelines.io;

import dev.millrace.contract.Contract;
import dev.millrace.schemas.system.BronzeRecord;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.Sourced;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.jspecify.annotations.Nullable;

/**
 * A lake: a directory of Parquet files (zstd) in layers, and one manifest that says which of them
 * are the lake.
 *
 * <p>Files are written apart, under {@code .staging/RUN}. Publishing moves them to {@code
 * LAYER/TABLE/PARTITION/part-HASH}, named by their content, replaces the manifest, and removes what
 * no manifest names any more. So the same answer has the same files, byte for byte; a run that died
 * leaves the lake as it was; a run that is repeated changes nothing.
 */
public final class Lake implements Serializable {

  private final String directory;
  private final String pipeline;
  private final String run;

  private Lake(String directory, String pipeline, String run) {
    this.directory = directory;
    this.pipeline = pipeline;
    this.run = run;
  }

  /**
   * The lake in a directory, for one run of a pipeline.
   *
   * @param run id of the run, letters, digits and hyphens
   */
  public static Lake at(Path directory, String pipeline, String run) {
    return new Lake(directory.toAbsolutePath().normalize().toString(), pipeline, run);
  }

  /** The rows of an answer table: one file per partition, sorted by all columns. */
  public <T extends SpecificRecord>
      PTransform<PCollection<T>, PCollection<KV<String, String>>> gold(Class<T> type) {
    Contract contract = Contract.of(type);
    return new WriteLakeTable<T>(
        this, "gold", contract.table(), contract, List.of(), (record, row) -> {}, r -> "", r -> r);
  }

  /** Rejected records, partitioned by reason. */
  public <T extends SpecificRecord>
      PTransform<PCollection<T>, PCollection<KV<String, String>>> rejects(Class<T> type) {
    Contract contract = Contract.of(type);
    return new WriteLakeTable<T>(
        this,
        "rejects",
        contract.table(),
        contract,
        List.of(),
        (record, row) -> {},
        r -> "reason=" + r.get(contract.field("reason").index()),
        r -> r);
  }

  /**
   * Clean records with their lineage (source, position, arrival time, contract version).
   *
   * @param table name of the table
   * @param partition partition of a record, such as {@code month=1997-01}; the records of one
   *     partition are sorted in memory
   */
  public <T extends SpecificRecord>
      PTransform<PCollection<Sourced<T>>, PCollection<KV<String, String>>> silver(
          String table, Class<T> type, SerializableFunction<Sourced<T>, String> partition) {
    Contract contract = Contract.of(type);
    return new WriteLakeTable<Sourced<T>>(
        this, "silver", table, contract, lineage(), Lake::putLineage, partition, Sourced::value);
  }

  /**
   * Records as they arrived, partitioned by source, in files of bounded size. Payloads are stored
   * as the function gives them.
   *
   * @param table name of the table
   * @param secret key that encrypts payloads, as a reference; null stores them in the clear
   */
  public PTransform<PCollection<RawRecord>, PCollection<KV<String, String>>> bronze(
      String table, @Nullable String secret) {
    return new WriteLakeTable<RawRecord>(
        this,
        "bronze",
        table,
        Contract.of(BronzeRecord.class),
        List.of(),
        (record, row) -> {},
        // Blocks of positions: their size is bounded, and does not depend on how files were split.
        r ->
            "source="
                + r.origin().source().replaceAll("[^A-Za-z0-9._-]", "_")
                + "/block="
                + (r.origin().position() >> 22),
        new ToBronze(secret));
  }

  /** Makes the run visible; see {@link PublishLake}. */
  public PublishLake publish() {
    return new PublishLake(this);
  }

  String directory() {
    return directory;
  }

  String pipeline() {
    return pipeline;
  }

  String run() {
    return run;
  }

  private static List<Schema.Field> lineage() {
    Schema text = Schema.create(Schema.Type.STRING);
    Schema number = Schema.create(Schema.Type.LONG);
    Schema time =
        org.apache.avro.LogicalTypes.timestampMillis().addToSchema(Schema.create(Schema.Type.LONG));
    return SchemaBuilder.record("Lineage")
        .fields()
        .name("source")
        .type(text)
        .noDefault()
        .name("position")
        .type(number)
        .noDefault()
        .name("arrival_time")
        .type()
        .unionOf()
        .nullType()
        .and()
        .type(time)
        .endUnion()
        .nullDefault()
        .name("contract_version")
        .type(Schema.create(Schema.Type.INT))
        .noDefault()
        .endRecord()
        .getFields();
  }

  private static <T> void putLineage(Sourced<T> record, GenericRecord row) {
    row.put("source", record.origin().source());
    row.put("position", record.origin().position());
    row.put(
        "arrival_time",
        record.origin().arrivalMillis() == Origin.NO_ARRIVAL
            ? null
            : record.origin().arrivalMillis());
    row.put("contract_version", record.contractVersion());
  }

  private static final class ToBronze
      implements SerializableFunction<RawRecord, org.apache.avro.generic.IndexedRecord> {
    private final @Nullable String secret;
    private transient dev.millrace.transforms.refine.@Nullable Vault vault;

    private ToBronze(@Nullable String secret) {
      this.secret = secret;
    }

    @Override
    public BronzeRecord apply(RawRecord raw) {
      if (secret != null && vault == null) {
        vault = dev.millrace.transforms.refine.Vault.open(secret);
      }
      long arrival = raw.origin().arrivalMillis();
      return new BronzeRecord(
          raw.origin().source(),
          raw.origin().position(),
          arrival == Origin.NO_ARRIVAL ? null : Instant.ofEpochMilli(arrival),
          ByteBuffer.wrap(vault == null ? raw.payload() : vault.encrypt(raw.payload())),
          vault == null ? "PLAIN" : "ENCRYPTED");
    }
  }
}

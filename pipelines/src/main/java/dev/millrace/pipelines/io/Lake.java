package dev.millrace.pipelines.io;

import dev.millrace.contract.Contract;
import dev.millrace.schemas.system.BronzeRecord;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.Sourced;
import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.transforms.Flatten;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionList;
import org.apache.commons.io.FileUtils;
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

  private static final String BRONZE = "bronze";

  /**
   * A file of bronze holds the positions that share all bits above these: 8 MiB, 131,072 records.
   */
  private static final int BYTES = 23;

  private static final int RECORDS = 17;

  private final String directory;
  private final String pipeline;
  private final String run;
  private final transient List<PCollection<KV<String, byte[]>>> raw = new ArrayList<>();
  private final transient List<PCollection<KV<String, byte[]>>> made = new ArrayList<>();
  private final transient Map<String, String> schemas = new TreeMap<>();

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

  /**
   * A table of a lake: how records become its rows.
   *
   * @param <T> element
   * @param layer {@code bronze}, {@code silver}, {@code gold} or {@code rejects}
   * @param name name of the table
   * @param contract of the records
   * @param lineage whether the rows carry source, position, arrival time and contract version
   * @param more sets these
   * @param partition partition of an element, such as {@code month=1997-01}; empty if the table has
   *     none. The rows of one partition are sorted in memory
   * @param record the record of an element
   */
  public record Table<T>(
      String layer,
      String name,
      Contract contract,
      boolean lineage,
      PutMore<T> more,
      SerializableFunction<T, String> partition,
      SerializableFunction<T, ? extends IndexedRecord> record)
      implements Serializable {

    FlatRows rows() {
      return new FlatRows(contract, lineage ? Lake.lineage() : List.of());
    }
  }

  /**
   * Sets columns beside those of the contract.
   *
   * @param <T> element
   */
  public interface PutMore<T> extends Serializable {
    /** Sets the columns of a row. */
    void put(T element, GenericRecord row);
  }

  /** An answer table: one file, sorted by all columns. */
  public static <T extends SpecificRecord> Table<T> gold(Class<T> type) {
    Contract contract = Contract.of(type);
    return new Table<>(
        "gold", contract.table(), contract, false, (record, row) -> {}, r -> "", r -> r);
  }

  /** Rejected records, partitioned by reason. */
  public static Table<DeadLetter> rejects() {
    Contract contract = Contract.of(DeadLetter.class);
    return new Table<>(
        "rejects",
        contract.table(),
        contract,
        false,
        (record, row) -> {},
        r -> "reason=" + r.getReason(),
        r -> r);
  }

  /** Clean records with their lineage. */
  public static <T extends SpecificRecord> Table<Sourced<T>> silver(
      String name, Class<T> type, SerializableFunction<Sourced<T>, String> partition) {
    return new Table<>(
        "silver", name, Contract.of(type), true, Lake::putLineage, partition, Sourced::value);
  }

  /**
   * Records as they arrived, partitioned by source, in files of bounded size.
   *
   * @param name name of the table
   * @param secret key that encrypts payloads, as a reference; null stores them in the clear
   * @param counting sources whose positions count records, not bytes
   */
  public static Table<RawRecord> bronze(
      String name, @Nullable String secret, Set<String> counting) {
    return new Table<>(
        BRONZE,
        name,
        Contract.of(BronzeRecord.class),
        false,
        (record, row) -> {},
        new Blocks(counting),
        new ToBronze(secret));
  }

  /**
   * Blocks of positions: their size is bounded, and does not depend on how files were split.
   * Records that follow each other are mostly of one, whose name is made once.
   */
  private static final class Blocks implements SerializableFunction<RawRecord, String> {
    private static final long serialVersionUID = 1L;

    private final Set<String> counting;
    private transient @Nullable String source;
    private transient long block;
    private transient String partition = "";

    private Blocks(Set<String> counting) {
      this.counting = Set.copyOf(counting);
    }

    @Override
    public String apply(RawRecord record) {
      String from = record.origin().source();
      long in = record.origin().position() >> (counting.contains(from) ? RECORDS : BYTES);
      if (!from.equals(source) || in != block) {
        source = from;
        block = in;
        partition = "source=" + from.replaceAll("[^A-Za-z0-9._-]", "_") + "/block=" + in;
      }
      return partition;
    }
  }

  /** Packs the records of a table and adds them to what {@link #write} writes. */
  public <T> Lake add(String step, PCollection<T> records, Table<T> table) {
    LakeRows<T> rows = new LakeRows<>(table);
    (table.layer().equals(BRONZE) ? raw : made).add(records.apply(step, rows));
    schemas.put(table.layer() + "/" + table.name(), rows.schema().toString());
    return this;
  }

  /**
   * Writes all tables that were added into the staging of the run. Output: the path of each file.
   */
  public PCollection<String> write() {
    // What was read is written as soon as it is read: it need not wait in memory for the answers.
    List<PCollection<String>> paths = new ArrayList<>();
    if (!raw.isEmpty()) {
      paths.add(PCollectionList.of(raw).apply("WriteBronze", new WriteLake(this, schemas)));
    }
    if (!made.isEmpty()) {
      paths.add(PCollectionList.of(made).apply("WriteLake", new WriteLake(this, schemas)));
    }
    return PCollectionList.of(paths).apply("Paths", Flatten.pCollections());
  }

  /** Removes what a run that will not publish has staged; what stays is swept by a later run. */
  public void discard() throws IOException {
    Path staging = Path.of(staging());
    if (Files.isDirectory(staging)) {
      FileUtils.deleteDirectory(staging.toFile());
    }
  }

  String staging() {
    return directory + "/.staging/" + run;
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

package dev.millrace.pipelines.io;

import dev.millrace.contract.Contract;
import dev.millrace.transforms.AtRest;
import java.io.IOException;
import java.io.Serializable;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.IndexedRecord;
import org.apache.beam.sdk.coders.IterableCoder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.extensions.avro.coders.AvroCoder;
import org.apache.beam.sdk.io.FileIO;
import org.apache.beam.sdk.io.parquet.ParquetIO;
import org.apache.beam.sdk.transforms.Contextful;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.GroupByKey;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.jspecify.annotations.Nullable;

/**
 * Writes a table of a lake into the staging of its run: one file per partition, its rows sorted by
 * all columns, so that the same rows give the same bytes.
 *
 * <p><b>Output:</b> (partition, path) of each file. Memory: the rows of one partition.
 *
 * @param <T> element
 */
final class WriteLakeTable<T> extends PTransform<PCollection<T>, PCollection<KV<String, String>>> {

  private final Lake lake;
  private final String layer;
  private final String table;
  private final Contract contract;
  private final List<Schema.Field> more;
  private final PutMore<T> putMore;
  private final SerializableFunction<T, String> partition;
  private final SerializableFunction<T, ? extends IndexedRecord> record;

  WriteLakeTable(
      Lake lake,
      String layer,
      String table,
      Contract contract,
      List<Schema.Field> more,
      PutMore<T> putMore,
      SerializableFunction<T, String> partition,
      SerializableFunction<T, ? extends IndexedRecord> record) {
    this.lake = lake;
    this.layer = layer;
    this.table = table;
    this.contract = contract;
    this.more = more;
    this.putMore = putMore;
    this.partition = partition;
    this.record = record;
  }

  @Override
  public PCollection<KV<String, String>> expand(PCollection<T> input) {
    Schema schema = new FlatRows(contract, more).schema();
    String directory = layer + "/" + table;
    String staging = lake.directory() + "/.staging/" + lake.run();
    return input
        .apply("InGlobalWindow", AtRest.window())
        .apply(
            "ToRows",
            ParDo.of(new ToRows<>(contract, schema.toString(), putMore, partition, record)))
        .setCoder(KvCoder.of(StringUtf8Coder.of(), AvroCoder.of(schema)))
        .apply("ByPartition", GroupByKey.create())
        .apply(
            "Write",
            FileIO.<String, KV<String, Iterable<GenericRecord>>>writeDynamic()
                .by(KV::getKey)
                .withDestinationCoder(StringUtf8Coder.of())
                .via(
                    Contextful.fn(
                        (SerializableFunction<
                                KV<String, Iterable<GenericRecord>>, Iterable<GenericRecord>>)
                            KV::getValue),
                    new SortedParquet(schema.toString()))
                .to(staging)
                .withTempDirectory(staging)
                .withNumShards(1)
                .withNaming(
                    partition ->
                        (window, pane, shards, shard, compression) ->
                            directory
                                + (partition.isEmpty() ? "" : "/" + partition)
                                + "/part.parquet"))
        .getPerDestinationOutputFilenames()
        .setCoder(KvCoder.of(StringUtf8Coder.of(), StringUtf8Coder.of()));
  }

  static IterableCoder<GenericRecord> blocks(Schema schema) {
    return IterableCoder.of(AvroCoder.of(schema));
  }

  /**
   * Sets columns beside those of the contract.
   *
   * @param <T> element
   */
  interface PutMore<T> extends Serializable {
    void put(T element, GenericRecord row);
  }

  private static final class ToRows<T> extends DoFn<T, KV<String, GenericRecord>> {
    private final Contract contract;
    private final String schema;
    private final PutMore<T> putMore;
    private final SerializableFunction<T, String> partition;
    private final SerializableFunction<T, ? extends IndexedRecord> record;
    private transient @Nullable FlatRows rows;

    private ToRows(
        Contract contract,
        String schema,
        PutMore<T> putMore,
        SerializableFunction<T, String> partition,
        SerializableFunction<T, ? extends IndexedRecord> record) {
      this.contract = contract;
      this.schema = schema;
      this.putMore = putMore;
      this.partition = partition;
      this.record = record;
    }

    @ProcessElement
    public void process(@Element T element, OutputReceiver<KV<String, GenericRecord>> out) {
      FlatRows flat = rows;
      if (flat == null) {
        Schema known = new Schema.Parser().parse(schema);
        List<Schema.Field> beside =
            known.getFields().subList(contract.fields().size(), known.getFields().size());
        flat = new FlatRows(contract, beside);
        rows = flat;
      }
      GenericRecord row = flat.of(record.apply(element));
      putMore.put(element, row);
      out.output(KV.of(partition.apply(element), row));
    }
  }

  /** A file of one block of rows, sorted. */
  private static final class SortedParquet implements FileIO.Sink<Iterable<GenericRecord>> {
    private final String schema;
    private transient ParquetIO.@Nullable Sink file;

    private SortedParquet(String schema) {
      this.schema = schema;
    }

    @Override
    public void open(WritableByteChannel channel) throws IOException {
      file =
          ParquetIO.sink(new Schema.Parser().parse(schema))
              .withCompressionCodec(CompressionCodecName.ZSTD);
      file.open(channel);
    }

    @Override
    public void write(Iterable<GenericRecord> block) throws IOException {
      List<GenericRecord> rows = new ArrayList<>();
      block.forEach(rows::add);
      Schema known = new Schema.Parser().parse(schema);
      rows.sort((a, b) -> GenericData.get().compare(a, b, known));
      for (GenericRecord row : rows) {
        opened().write(row);
      }
    }

    @Override
    public void flush() throws IOException {
      opened().flush();
    }

    private ParquetIO.Sink opened() {
      return java.util.Objects.requireNonNull(file);
    }
  }
}

package dev.millrace.pipelines.io;

import dev.millrace.transforms.combine.Zipped;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryData;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.io.FileIO;
import org.apache.beam.sdk.io.parquet.ParquetIO;
import org.apache.beam.sdk.transforms.Contextful;
import org.apache.beam.sdk.transforms.Flatten;
import org.apache.beam.sdk.transforms.GroupByKey;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.transforms.Values;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionList;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.jspecify.annotations.Nullable;

/**
 * Writes the blocks of all tables of a lake into the staging of its run: one file per partition,
 * its rows sorted by all columns, so that the same rows give the same bytes.
 *
 * <p><b>Output:</b> the path of each file. Memory: the rows of one partition.
 */
final class WriteLake extends PTransform<PCollectionList<KV<String, byte[]>>, PCollection<String>> {

  private final Lake lake;
  private final Map<String, String> schemas;

  /**
   * @param schemas schema of each table as text, by {@code layer/table}
   */
  WriteLake(Lake lake, Map<String, String> schemas) {
    this.lake = lake;
    this.schemas = Map.copyOf(schemas);
  }

  @Override
  public PCollection<String> expand(PCollectionList<KV<String, byte[]>> tables) {
    String staging = lake.staging();
    Map<String, String> known = schemas;
    return tables
        .apply("AllTables", Flatten.pCollections())
        .apply("ByPartition", GroupByKey.create())
        .apply(
            "Write",
            FileIO.<String, KV<String, Iterable<byte[]>>>writeDynamic()
                .by(KV::getKey)
                .withDestinationCoder(StringUtf8Coder.of())
                .via(
                    Contextful.fn(
                        (SerializableFunction<KV<String, Iterable<byte[]>>, Iterable<byte[]>>)
                            KV::getValue),
                    Contextful.fn(
                        (SerializableFunction<String, FileIO.Sink<Iterable<byte[]>>>)
                            directory -> new SortedParquet(schemaOf(directory, known))))
                .to(staging)
                .withTempDirectory(staging)
                .withNumShards(1)
                .withNaming(
                    directory ->
                        (window, pane, shards, shard, compression) -> directory + "/part.parquet"))
        .getPerDestinationOutputFilenames()
        .apply("Paths", Values.create())
        .setCoder(StringUtf8Coder.of());
  }

  private static String schemaOf(String directory, Map<String, String> schemas) {
    String[] parts = directory.split("/", 3);
    String schema = schemas.get(parts[0] + "/" + parts[1]);
    if (schema == null) {
      throw new IllegalStateException("no schema for " + directory);
    }
    return schema;
  }

  /** A file of one partition's rows, sorted. */
  private static final class SortedParquet implements FileIO.Sink<Iterable<byte[]>> {
    private final String schemaText;
    private transient ParquetIO.@Nullable Sink file;

    private SortedParquet(String schemaText) {
      this.schemaText = schemaText;
    }

    @Override
    public void open(WritableByteChannel channel) throws IOException {
      file =
          ParquetIO.sink(new Schema.Parser().parse(schemaText))
              .withCompressionCodec(CompressionCodecName.ZSTD);
      file.open(channel);
    }

    @Override
    public void write(Iterable<byte[]> blocks) throws IOException {
      Schema schema = new Schema.Parser().parse(schemaText);
      GenericDatumReader<GenericRecord> reader = new GenericDatumReader<>(schema);
      // Rows are sorted as the bytes they are: as records they would need many times the memory.
      List<Row> rows = new ArrayList<>();
      GenericRecord record = null;
      for (byte[] block : blocks) {
        byte[] bytes = Zipped.unzip(block);
        BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(bytes, null);
        InputStream rest = decoder.inputStream();
        while (rest.available() > 0) {
          rows.add(new Row(bytes, bytes.length - rest.available()));
          record = reader.read(record, decoder);
        }
      }
      rows.sort((a, b) -> BinaryData.compare(a.block, a.start, b.block, b.start, schema));
      BinaryDecoder decoder = null;
      for (Row row : rows) {
        decoder =
            DecoderFactory.get()
                .binaryDecoder(row.block, row.start, row.block.length - row.start, decoder);
        opened().write(reader.read(null, decoder));
      }
    }

    private static final class Row {
      private final byte[] block;
      private final int start;

      private Row(byte[] block, int start) {
        this.block = block;
        this.start = start;
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

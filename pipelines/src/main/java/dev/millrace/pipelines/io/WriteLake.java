package dev.millrace.pipelines.io;

import dev.millrace.transforms.combine.Zipped;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryData;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.io.parquet.ParquetIO;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.Flatten;
import org.apache.beam.sdk.transforms.GroupByKey;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
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
    // No FileIO: it groups once more, each partition one element then, and Flink holds such an
    // element to the size of a buffer.
    return tables
        .apply("AllTables", Flatten.pCollections())
        .apply("ByPartition", GroupByKey.create())
        .apply("Write", ParDo.of(new WritePartition(lake.staging(), schemas)))
        .setCoder(StringUtf8Coder.of());
  }

  /** A file appears whole, at a name that is the same at every try. */
  private static final class WritePartition extends DoFn<KV<String, Iterable<byte[]>>, String> {
    private final String staging;
    private final Map<String, String> schemas;

    private WritePartition(String staging, Map<String, String> schemas) {
      this.staging = staging;
      this.schemas = schemas;
    }

    @ProcessElement
    public void process(@Element KV<String, Iterable<byte[]>> partition, OutputReceiver<String> out)
        throws IOException {
      Path directory = Files.createDirectories(Path.of(staging, partition.getKey()));
      Path file = directory.resolve("part.parquet");
      Path fresh = directory.resolve(".part-" + UUID.randomUUID());
      try {
        try (WritableByteChannel channel =
            Files.newByteChannel(fresh, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
          SortedParquet parquet = new SortedParquet(schemaOf(partition.getKey(), schemas));
          parquet.open(channel);
          parquet.write(partition.getValue());
          parquet.flush();
        }
        Files.move(
            fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(fresh);
      }
      out.output(file.toString());
    }
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
  private static final class SortedParquet {
    private final String schemaText;
    private ParquetIO.@Nullable Sink file;

    private SortedParquet(String schemaText) {
      this.schemaText = schemaText;
    }

    void open(WritableByteChannel channel) throws IOException {
      file =
          ParquetIO.sink(new Schema.Parser().parse(schemaText))
              .withCompressionCodec(CompressionCodecName.ZSTD);
      file.open(channel);
    }

    void write(Iterable<byte[]> blocks) throws IOException {
      Schema schema = new Schema.Parser().parse(schemaText);
      GenericDatumReader<GenericRecord> reader = new GenericDatumReader<>(schema);
      // Rows are sorted as the bytes they are: as records they would need many times the memory.
      List<Row> rows = new ArrayList<>();
      for (byte[] block : blocks) {
        byte[] bytes = Zipped.unzip(block);
        BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(bytes, null);
        InputStream rest = decoder.inputStream();
        while (rest.available() > 0) {
          rows.add(new Row(bytes, bytes.length - rest.available()));
          GenericDatumReader.skip(schema, decoder);
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

    void flush() throws IOException {
      opened().flush();
    }

    private ParquetIO.Sink opened() {
      return java.util.Objects.requireNonNull(file);
    }
  }
}

package dev.millrace.pipelines.io;

import com.github.luben.zstd.ZstdCompressCtx;
import dev.millrace.contract.Contract;
import dev.millrace.pipelines.Captured;
import dev.millrace.schemas.retail.RevenueDaily;
import dev.millrace.transforms.RawRecord;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.avro.Schema;
import org.apache.avro.file.CodecFactory;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.parquet.avro.AvroParquetWriter;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.io.LocalOutputFile;

/** Writes small files in all formats, and reads files as a pipeline does. */
final class TestFiles {

  static final Contract REVENUE = Contract.of(RevenueDaily.class);

  private TestFiles() {}

  static Pipeline pipeline() {
    return Pipeline.create(PipelineOptionsFactory.create());
  }

  /** The records that files give to a pipeline, by source and position. */
  static List<RawRecord> read(RecordFiles files) {
    Pipeline pipeline = pipeline();
    Captured<RawRecord> records = Captured.of(pipeline.apply("Read", files));
    pipeline.run().waitUntilFinish();
    return records.list().stream()
        .sorted(
            Comparator.comparing((RawRecord r) -> r.origin().source())
                .thenComparingLong(r -> r.origin().position()))
        .toList();
  }

  /** The same of a URI, each as {@code source:position payload}. */
  static List<String> read(Object uri) {
    return read(RecordFiles.read("--sales", uri.toString(), REVENUE)).stream()
        .map(TestFiles::text)
        .toList();
  }

  static String text(RawRecord record) {
    return record.origin().source()
        + ":"
        + record.origin().position()
        + " "
        + new String(record.payload(), StandardCharsets.UTF_8);
  }

  static byte[] gzip(byte[] bytes) {
    ByteArrayOutputStream zipped = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(zipped)) {
      out.write(bytes);
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return zipped.toByteArray();
  }

  /** With a checksum, as the tool zstd does. */
  static byte[] zstd(byte[] bytes) {
    try (ZstdCompressCtx context = new ZstdCompressCtx()) {
      return context.setChecksum(true).compress(bytes);
    }
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static void avro(Path file, Schema schema, String codec, List<GenericRecord> rows) {
    try (DataFileWriter<GenericRecord> writer =
        new DataFileWriter<>(new GenericDatumWriter<>(schema))) {
      writer.setCodec(CodecFactory.fromString(codec)).create(schema, file.toFile());
      for (GenericRecord row : rows) {
        writer.append(row);
      }
    } catch (IOException unwritable) {
      throw new UncheckedIOException(unwritable);
    }
  }

  static void parquet(Path file, Schema schema, List<GenericRecord> rows) {
    try (ParquetWriter<GenericRecord> writer =
        AvroParquetWriter.<GenericRecord>builder(new LocalOutputFile(file))
            .withSchema(schema)
            .withConf(new PlainParquetConfiguration())
            .build()) {
      for (GenericRecord row : rows) {
        writer.write(row);
      }
    } catch (IOException unwritable) {
      throw new UncheckedIOException(unwritable);
    }
  }

  /** The files below a directory, relative to it, sorted; what is hidden too. */
  static List<String> below(Path directory) {
    try (Stream<Path> all = Files.walk(directory)) {
      return all.filter(Files::isRegularFile)
          .map(f -> directory.relativize(f).toString())
          .sorted()
          .toList();
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }
}

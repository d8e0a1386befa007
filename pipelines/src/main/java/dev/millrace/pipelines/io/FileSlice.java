package dev.millrace.pipelines.io;

import java.util.List;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.DelegateCoder;
import org.apache.beam.sdk.coders.ListCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;

/**
 * A part of a file for one worker.
 *
 * @param path where the file is
 * @param source its logical name
 * @param format how its records are laid out
 * @param compression how it is compressed as a whole
 * @param start first byte
 * @param end byte after the last; records that begin before it belong to the slice
 */
record FileSlice(
    String path, String source, Format format, Compression compression, long start, long end) {

  /** How records are laid out in a file. */
  enum Format {
    JSON_LINES,
    CSV,
    AVRO,
    PARQUET
  }

  /** How a file is compressed as a whole. */
  enum Compression {
    NONE,
    GZIP,
    ZSTD
  }

  static Coder<FileSlice> coder() {
    return DelegateCoder.of(
        ListCoder.of(StringUtf8Coder.of()), FileSlice::toTexts, FileSlice::fromTexts);
  }

  private static List<String> toTexts(FileSlice slice) {
    return List.of(
        slice.path,
        slice.source,
        slice.format.name(),
        slice.compression.name(),
        Long.toString(slice.start),
        Long.toString(slice.end));
  }

  private static FileSlice fromTexts(List<String> texts) {
    return new FileSlice(
        texts.get(0),
        texts.get(1),
        Format.valueOf(texts.get(2)),
        Compression.valueOf(texts.get(3)),
        Long.parseLong(texts.get(4)),
        Long.parseLong(texts.get(5)));
  }
}

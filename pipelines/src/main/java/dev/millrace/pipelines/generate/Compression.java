package dev.millrace.pipelines.generate;

import com.github.luben.zstd.ZstdOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.zip.GZIPOutputStream;

/** How generated files are compressed. */
public enum Compression {
  /** Plain text. */
  NONE(""),
  /** Gzip. */
  GZIP(".gz"),
  /** Zstandard. */
  ZSTD(".zst");

  private final String suffix;

  Compression(String suffix) {
    this.suffix = suffix;
  }

  /** What follows the name of a file, such as {@code .gz}. */
  public String suffix() {
    return suffix;
  }

  OutputStream over(OutputStream out) throws IOException {
    return switch (this) {
      case NONE -> out;
      case GZIP -> new GZIPOutputStream(out, 1 << 16);
      case ZSTD -> new ZstdOutputStream(out);
    };
  }
}

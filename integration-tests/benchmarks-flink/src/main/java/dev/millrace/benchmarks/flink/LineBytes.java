package dev.millrace.benchmarks.flink;

import java.io.IOException;
import java.util.Arrays;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.reader.SimpleStreamFormat;
import org.apache.flink.connector.file.src.reader.StreamFormat;
import org.apache.flink.core.fs.FSDataInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Lines of a file as their bytes. Flink's own format of lines makes strings, in which a byte that
 * is not UTF-8 can no longer be told, and which a parser of bytes has no use for.
 */
final class LineBytes extends SimpleStreamFormat<byte[]> {
  private static final long serialVersionUID = 1L;

  @Override
  public Reader createReader(Configuration config, FSDataInputStream stream) {
    return new Reader(stream);
  }

  @Override
  public TypeInformation<byte[]> getProducedType() {
    return PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO;
  }

  /** Reads blocks, and cuts lines out of them. */
  static final class Reader implements StreamFormat.Reader<byte[]> {
    private final FSDataInputStream stream;
    private byte[] block = new byte[1 << 16];
    private int start;
    private int filled;
    private boolean ended;

    Reader(FSDataInputStream stream) {
      this.stream = stream;
    }

    @Override
    public byte @Nullable [] read() throws IOException {
      int at = start;
      while (true) {
        for (; at < filled; at++) {
          if (block[at] == '\n') {
            byte[] line = Arrays.copyOfRange(block, start, at);
            start = at + 1;
            return line;
          }
        }
        if (ended) {
          byte[] rest = Arrays.copyOfRange(block, start, filled);
          start = filled;
          return rest.length == 0 ? null : rest;
        }
        System.arraycopy(block, start, block, 0, filled - start);
        at -= start;
        filled -= start;
        start = 0;
        if (filled == block.length) {
          block = Arrays.copyOf(block, 2 * block.length);
        }
        int count = stream.read(block, filled, block.length - filled);
        ended = count < 0;
        filled += Math.max(0, count);
      }
    }

    @Override
    public void close() throws IOException {
      stream.close();
    }
  }
}

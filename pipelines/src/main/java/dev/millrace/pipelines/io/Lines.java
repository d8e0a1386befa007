package dev.millrace.pipelines.io;

import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Lines of a stream with their positions. A line that is longer than the limit is given cut to the
 * limit and one byte more, so that whoever holds the limit sees that it is exceeded; what follows
 * it keeps its right position.
 */
final class Lines {

  /** In the order of memory, so that the lowest bit that is set is of the first byte. */
  private static final VarHandle EIGHT_BYTES =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private static final long ONES = 0x0101010101010101L;
  private static final long HIGH_BITS = 0x8080808080808080L;
  private static final long NEWLINES = ONES * '\n';

  private final InputStream in;
  private final int maxBytes;
  private final byte[] buffer = new byte[1 << 16];
  private int at;
  private int filled;
  private long position;
  private byte[] line = new byte[1024];

  /**
   * @param in the bytes
   * @param position position of the first of them
   * @param maxBytes longest line
   */
  Lines(InputStream in, long position, int maxBytes) {
    this.in = in;
    this.position = position;
    this.maxBytes = maxBytes;
  }

  /** Position of the byte that is read next. */
  long position() {
    return position;
  }

  /**
   * The next line without its end ({@code \n} or {@code \r\n}), or null at the end of the stream.
   */
  byte @Nullable [] next() throws IOException {
    int length = 0;
    boolean any = false;
    while (true) {
      if (at == filled) {
        filled = in.read(buffer, 0, buffer.length);
        at = 0;
        if (filled <= 0) {
          filled = 0;
          return any ? take(length) : null;
        }
      }
      any = true;
      int end = newline(at);
      int copied = Math.min(end - at, maxBytes + 1 - length);
      if (copied > 0) {
        if (length + copied > line.length) {
          line = Arrays.copyOf(line, Math.max(length + copied, line.length * 2));
        }
        System.arraycopy(buffer, at, line, length, copied);
        length += copied;
      }
      boolean ended = end < filled;
      position += end - at + (ended ? 1 : 0);
      at = ended ? end + 1 : end;
      if (ended) {
        return take(length);
      }
    }
  }

  /** Where the next line feed is, or where the buffer ends. Looks at eight bytes at a time. */
  private int newline(int from) {
    int next = from;
    for (; next + Long.BYTES <= filled; next += Long.BYTES) {
      long others = (long) EIGHT_BYTES.get(buffer, next) ^ NEWLINES;
      // Sets the high bit of the first byte that is zero; of bytes after it perhaps others.
      long zeros = others - ONES & ~others & HIGH_BITS;
      if (zeros != 0) {
        return next + (Long.numberOfTrailingZeros(zeros) >>> 3);
      }
    }
    while (next < filled && buffer[next] != '\n') {
      next++;
    }
    return next;
  }

  private byte[] take(int length) {
    int end = length > 0 && line[length - 1] == '\r' && length <= maxBytes ? length - 1 : length;
    byte[] taken = Arrays.copyOf(line, end);
    if (line.length > 1 << 16) {
      line = new byte[1024];
    }
    return taken;
  }
}

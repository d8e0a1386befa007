package dev.millrace.pipelines.io;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Lines of a stream with their positions. A line that is longer than the limit is given cut to the
 * limit and one byte more, so that whoever holds the limit sees that it is exceeded; what follows
 * it keeps its right position.
 */
final class Lines {

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
      int end = at;
      while (end < filled && buffer[end] != '\n') {
        end++;
      }
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

  private byte[] take(int length) {
    int end = length > 0 && line[length - 1] == '\r' && length <= maxBytes ? length - 1 : length;
    byte[] taken = Arrays.copyOf(line, end);
    if (line.length > 1 << 16) {
      line = new byte[1024];
    }
    return taken;
  }
}

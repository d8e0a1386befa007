package dev.millrace.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Lines of a file, straight from the blocks it is read in. */
final class Lines {

  private Lines() {}

  /** Takes one line, which is only there during the call. */
  @FunctionalInterface
  interface Sink {
    /**
     * Takes it.
     *
     * @param bytes holds the line, from {@code start} to before {@code end}
     * @param position of the line in the file
     */
    void line(byte[] bytes, int start, int end, long position);
  }

  /**
   * Hands on every line that is not empty.
   *
   * @param longest a longer line is cut off after one byte more than this
   */
  static void forEach(Path file, int longest, Sink sink) throws IOException {
    byte[] block = new byte[Math.max(1 << 16, longest + 2)];
    try (InputStream in = Files.newInputStream(file)) {
      long position = 0; // of block[0] in the file
      int filled = 0;
      int start = 0;
      int searched = 0;
      boolean skipping = false;
      while (true) {
        int count = in.read(block, filled, block.length - filled);
        filled += Math.max(0, count);
        for (; searched < filled; searched++) {
          if (block[searched] == '\n') {
            if (!skipping && searched > start) {
              sink.line(block, start, searched, position + start);
            }
            skipping = false;
            start = searched + 1;
          }
        }
        if (count < 0) {
          if (!skipping && filled > start) {
            sink.line(block, start, filled, position + start);
          }
          return;
        }
        if (skipping) {
          start = filled;
        } else if (filled - start > longest) {
          sink.line(block, start, start + longest + 1, position + start);
          skipping = true;
          start = filled;
        }
        System.arraycopy(block, start, block, 0, filled - start);
        position += start;
        searched = filled - start;
        filled = searched;
        start = 0;
      }
    }
  }
}

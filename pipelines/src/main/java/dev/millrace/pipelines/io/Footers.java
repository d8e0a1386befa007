package dev.millrace.pipelines.io;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.apache.parquet.format.ColumnChunk;
import org.apache.parquet.format.Encoding;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.RowGroup;
import org.apache.parquet.format.Util;

/**
 * Footers of Parquet files. A column lists its encodings in an order that the writer takes from
 * identity hashes: another in every process. Here they get one order, so that the same rows have
 * the same bytes.
 */
final class Footers {

  /** What follows the footer: its length, and the magic bytes. */
  private static final int TAIL = 8;

  private Footers() {}

  /** Puts the encodings of every column into order. A file that was settled stays as it is. */
  static void settle(Path file) throws IOException {
    try (RandomAccessFile parquet = new RandomAccessFile(file.toFile(), "rw")) {
      parquet.seek(parquet.length() - TAIL);
      byte[] old = new byte[Integer.reverseBytes(parquet.readInt())];
      long start = parquet.length() - TAIL - old.length;
      parquet.seek(start);
      parquet.readFully(old);
      FileMetaData footer = Util.readFileMetaData(new ByteArrayInputStream(old));
      for (RowGroup group : footer.getRow_groups()) {
        for (ColumnChunk column : group.getColumns()) {
          List<Encoding> encodings = new ArrayList<>(column.getMeta_data().getEncodings());
          Collections.sort(encodings);
          column.getMeta_data().setEncodings(encodings);
        }
      }
      ByteArrayOutputStream settled = new ByteArrayOutputStream(old.length);
      Util.writeFileMetaData(footer, settled);
      if (settled.size() != old.length) {
        throw new IOException("the footer of " + file + " changed its length when it was settled");
      }
      if (!Arrays.equals(settled.toByteArray(), old)) {
        parquet.seek(start);
        parquet.write(settled.toByteArray());
      }
    }
  }
}

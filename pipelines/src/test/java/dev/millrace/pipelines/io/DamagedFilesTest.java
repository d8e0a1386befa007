package dev.millrace.pipelines.io;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.pipelines.Captured;
import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A file that is damaged is said to be, by name; it is never read in part without a word. */
class DamagedFilesTest {

  private static final Schema SCHEMA =
      new Schema.Parser()
          .parse(
              "{\"type\":\"record\",\"name\":\"Line\",\"fields\":[{\"name\":\"id\",\"type\":\"int\"},{\"name\":\"text\",\"type\":[\"null\",\"string\"]}]}");

  /** How a file is stored. */
  enum Kind {
    GZIP_LINES,
    ZSTD_LINES,
    GZIP_CSV,
    AVRO,
    AVRO_DEFLATE,
    AVRO_SNAPPY,
    PARQUET
  }

  private static final Map<Kind, byte[]> GOOD = new ConcurrentHashMap<>();

  @TempDir Path directory;

  @ParameterizedTest
  @EnumSource(Kind.class)
  void aFileThatIsCutOffIsSaidToBe(Kind kind) throws IOException {
    byte[] whole = file(kind);
    Path cut = directory.resolve("cut" + (kind == Kind.GZIP_CSV ? ".csv" : ".json"));
    Files.write(cut, Arrays.copyOf(whole, whole.length - 40));

    UserError damaged = damaged(cut);

    assertThat(
        damaged.getMessage(),
        allOf(
            containsString(cut.toString()),
            containsString("damaged or cut off"),
            containsString("fetch it again")));
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void aFileWithABlockOfRubbishIsSaidToBe(Kind kind) throws IOException {
    byte[] bytes = file(kind);
    Arrays.fill(bytes, bytes.length / 2, bytes.length / 2 + 64, (byte) 0xA5);
    Path file = directory.resolve("rubbish" + (kind == Kind.GZIP_CSV ? ".csv" : ".json"));
    Files.write(file, bytes);

    UserError damaged = damaged(file);

    assertThat(
        damaged.getMessage(),
        allOf(containsString(file.toString()), containsString("damaged or cut off")));
  }

  @Test
  void aGzipFileWhoseSecondMemberIsDamagedIsSaidToBe() throws IOException {
    byte[] member = file(Kind.GZIP_LINES);
    byte[] two = Arrays.copyOf(member, 2 * member.length);
    System.arraycopy(member, 0, two, member.length, member.length);
    two[member.length] = 'x';
    Path file = Files.write(directory.resolve("two.json.gz"), two);

    assertThat(damaged(file).getMessage(), containsString("damaged or cut off"));
  }

  /** Where no checksum protects the bytes, damage can read as another value; all else is said. */
  @Property(tries = 60)
  void oneWrongByteIsReadOrExplained(
      @ForAll Kind kind, @ForAll @IntRange(max = 9999) int place, @ForAll byte wrong)
      throws IOException {
    Path file = Files.createTempFile("wrong", kind == Kind.GZIP_CSV ? ".csv" : ".json");
    byte[] bytes = file(kind);
    bytes[4 + (int) ((long) place * (bytes.length - 4) / 10000)] = wrong;
    Files.write(file, bytes);
    try {
      TestFiles.read(file);
    } catch (RuntimeException failed) {
      assertThat("explained: " + failed, Captured.userError(failed).isPresent(), equalTo(true));
    } finally {
      Files.delete(file);
    }
  }

  private static UserError damaged(Path file) {
    RuntimeException failed = assertThrows(RuntimeException.class, () -> TestFiles.read(file));
    return Captured.userError(failed).orElseThrow(() -> failed);
  }

  /** Bytes of a good file, longer than what is looked at before the run. */
  private static byte[] file(Kind kind) {
    return GOOD.computeIfAbsent(kind, DamagedFilesTest::write).clone();
  }

  private static byte[] write(Kind kind) {
    try {
      Path file = Files.createTempDirectory("good").resolve("file");
      write(kind, file);
      byte[] bytes = Files.readAllBytes(file);
      Files.delete(file);
      Files.delete(file.getParent());
      return bytes;
    } catch (IOException unwritable) {
      throw new UncheckedIOException(unwritable);
    }
  }

  private static void write(Kind kind, Path file) throws IOException {
    List<GenericRecord> rows =
        IntStream.range(0, 8000)
            .<GenericRecord>mapToObj(
                i ->
                    new GenericRecordBuilder(SCHEMA)
                        .set("id", i)
                        .set("text", "text " + Integer.toHexString(i * 0x9E3779B9))
                        .build())
            .toList();
    StringBuilder csv = new StringBuilder("day,store_id\n");
    StringBuilder lines = new StringBuilder();
    rows.forEach(row -> csv.append(row.get("text")).append(",").append(row.get("id")).append('\n'));
    rows.forEach(row -> lines.append(row).append('\n'));
    switch (kind) {
      case GZIP_LINES -> Files.write(file, TestFiles.gzip(TestFiles.utf8(lines.toString())));
      case ZSTD_LINES -> Files.write(file, TestFiles.zstd(TestFiles.utf8(lines.toString())));
      case GZIP_CSV -> Files.write(file, TestFiles.gzip(TestFiles.utf8(csv.toString())));
      case AVRO -> TestFiles.avro(file, SCHEMA, "null", rows);
      case AVRO_DEFLATE -> TestFiles.avro(file, SCHEMA, "deflate", rows);
      case AVRO_SNAPPY -> TestFiles.avro(file, SCHEMA, "snappy", rows);
      case PARQUET -> TestFiles.parquet(file, SCHEMA, rows);
    }
  }
}

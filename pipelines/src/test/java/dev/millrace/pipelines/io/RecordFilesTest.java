package dev.millrace.pipelines.io;

import static dev.millrace.pipelines.io.TestFiles.gzip;
import static dev.millrace.pipelines.io.TestFiles.read;
import static dev.millrace.pipelines.io.TestFiles.utf8;
import static dev.millrace.pipelines.io.TestFiles.zstd;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.pipelines.UserError;
import dev.millrace.testing.ExplicitCoders;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.refine.Limits;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.beam.sdk.Pipeline;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecordFilesTest {

  private static final String TWO_LINES = "{\"name\":\"Grün\"}\r\n\n{\"name\":\"b\"}";

  private static final Schema EVERYTHING =
      new Schema.Parser()
          .parse(
              """
              {"type": "record", "name": "Everything", "fields": [
                {"name": "whole", "type": "long"},
                {"name": "text", "type": ["null", "string"]},
                {"name": "yes", "type": "boolean"},
                {"name": "ratio", "type": "double"},
                {"name": "share", "type": "float"},
                {"name": "money", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 4}},
                {"name": "price", "type": {"type": "fixed", "name": "Price", "size": 4, "logicalType": "decimal", "precision": 9, "scale": 2}},
                {"name": "day", "type": {"type": "int", "logicalType": "date"}},
                {"name": "millis", "type": {"type": "long", "logicalType": "timestamp-millis"}},
                {"name": "micros", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]},
                {"name": "local", "type": {"type": "long", "logicalType": "local-timestamp-micros"}},
                {"name": "bytes", "type": "bytes"},
                {"name": "either", "type": ["null", "string", "int"]},
                {"name": "nan", "type": "float"},
                {"name": "map", "type": {"type": "map", "values": "long"}},
                {"name": "list", "type": {"type": "array", "items": "int"}},
                {"name": "nested", "type": {"type": "record", "name": "Nested", "fields": [{"name": "inner", "type": "string"}]}}
              ]}
              """);

  private static final String EVERYTHING_AS_JSON =
      "{\"whole\":7,\"text\":null,\"yes\":true,\"ratio\":0.1,\"share\":0.1,\"money\":-0.0001,"
          + "\"price\":12.50,\"day\":\"1997-01-02\",\"millis\":\"1997-01-02T03:04:05.006Z\","
          + "\"micros\":\"1969-12-31T23:59:59.999999Z\",\"local\":\"1997-01-02T03:04:05.000006Z\",\"bytes\":\"AP8=\",\"either\":5,\"nan\":\"NaN\",\"map\":{\"k\":1},\"list\":[1,2],"
          + "\"nested\":{\"inner\":\"é\\\"\"}}";

  @TempDir Path directory;

  @Test
  void aLineOfJsonStandsAtItsByteOffset() throws IOException {
    Path file = write("a.jsonl", utf8(TWO_LINES));

    assertThat(
        read(file), contains("a.jsonl:0 {\"name\":\"Grün\"}", "a.jsonl:19 {\"name\":\"b\"}"));
  }

  @Test
  void compressedTextIsTheSameTextWhateverTheFileIsCalled() throws IOException {
    Path gzip = write("a", gzip(utf8(TWO_LINES)));
    Path zstd = write("b.json", zstd(utf8(TWO_LINES)));

    assertThat(
        read(gzip + "," + zstd),
        contains(
            "a:0 {\"name\":\"Grün\"}",
            "a:19 {\"name\":\"b\"}",
            "b.json:0 {\"name\":\"Grün\"}",
            "b.json:19 {\"name\":\"b\"}"));
  }

  @Test
  void allMembersOfACompressedFileAreRead() throws IOException {
    byte[] first = utf8("{\"id\":1}\n{\"id\"");
    byte[] second = utf8(":2}\n");
    Path gzip = write("a.gz", joined(gzip(first), gzip(second)));
    Path zstd = write("b.zst", joined(zstd(first), zstd(second)));

    assertThat(
        read(gzip + "," + zstd),
        contains(
            "a.gz:0 {\"id\":1}", "a.gz:9 {\"id\":2}", "b.zst:0 {\"id\":1}", "b.zst:9 {\"id\":2}"));
  }

  @Test
  void aLineBeyondTheLimitIsKept() throws IOException {
    String tooLong = "{\"a\":\"" + "x".repeat(3 * Limits.DEFAULT.maxBytes()) + "\"}";
    Path file = write("a.jsonl", utf8(tooLong + "\n"));

    List<RawRecord> records = read(RecordFiles.read("--sales", file.toString(), TestFiles.REVENUE));

    assertThat(TestFiles.text(records.get(0)), is("a.jsonl:0 " + tooLong));
  }

  @Test
  void aLineBeyondAllMeasureIsCutSoThatItIsSeenAndTheNextKeepsItsPlace() throws IOException {
    int limit = 16 << 20;
    String tooLong = "{\"a\":\"" + "x".repeat(limit) + "\"}";
    Path file = write("a.jsonl", utf8("{}\n" + tooLong + "\n{\"b\":1}\n"));

    List<RawRecord> records =
        read(RecordFiles.read("--sales", file.toString(), TestFiles.REVENUE).withSlices(limit / 2));

    assertThat(
        records.stream().map(r -> r.origin().position()).toList(),
        contains(0L, 3L, 4L + tooLong.length()));
    assertThat(records.get(1).payload().length, is(limit + 1));
    assertThat(TestFiles.text(records.get(2)), containsString("{\"b\":1}"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.csv", "a.csv.gz", "a.csv.zst"})
  void csvIsTypedByTheContractAndStandsAtItsLine(String name) throws IOException {
    String text =
        """
        \ufeff"day", store_id,product_category,revenue,note
        1997-01-01,3,"Fruit, ""fresh""
        and dried",12.5000,

        1997-01-02,three,007,-1e3,x
        """
            .replace("\n", "\r\n")
            .replace("\r\nand", "\nand");
    byte[] bytes = utf8(text);
    Path file =
        write(name, name.endsWith("gz") ? gzip(bytes) : name.endsWith("zst") ? zstd(bytes) : bytes);

    assertThat(
        read(file),
        contains(
            name
                + ":2 {\"day\":\"1997-01-01\",\"store_id\":3,\"product_category\":\"Fruit, \\\"fresh\\\"\\nand dried\",\"revenue\":12.5000,\"note\":null}",
            name
                + ":5 {\"day\":\"1997-01-02\",\"store_id\":\"three\",\"product_category\":\"007\",\"revenue\":-1e3,\"note\":\"x\"}"));
  }

  @Test
  void aCsvRecordOfAnotherWidthGoesOnAsItsTextToBeRefused() throws IOException {
    Path file =
        write(
            "a.csv",
            utf8("day,store_id\n1997-01-01\n1997-01-02,\"2, \"\"b\"\"\",3\n1997-01-03,4\n"));

    assertThat(
        read(file),
        contains(
            "a.csv:2 1997-01-01",
            "a.csv:3 1997-01-02,\"2, \"\"b\"\"\",3",
            "a.csv:4 {\"day\":\"1997-01-03\",\"store_id\":4}"));
  }

  @Test
  void aCsvRecordThatIsNotUtf8GoesOnAsItsBytesToBeRefused() throws IOException {
    byte[] latin = "1997-01-02,Äpfel".getBytes(StandardCharsets.ISO_8859_1);
    Path file =
        write(
            "a.csv",
            joined(
                utf8("day,product_category\n1997-01-01,Äpfel €\n"),
                joined(latin, utf8("\n1997-01-03,Obst\n"))));

    List<RawRecord> records = read(RecordFiles.read("--sales", file.toString(), TestFiles.REVENUE));

    assertThat(
        TestFiles.text(records.get(0)),
        is("a.csv:2 {\"day\":\"1997-01-01\",\"product_category\":\"Äpfel €\"}"));
    assertThat(records.get(1).payload(), is(latin));
    assertThat(
        TestFiles.text(records.get(2)),
        is("a.csv:4 {\"day\":\"1997-01-03\",\"product_category\":\"Obst\"}"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"null", "deflate", "snappy", "zstandard"})
  void aRowOfAvroIsExactJsonAtItsNumber(String codec) {
    Path file = directory.resolve("a.avro");
    TestFiles.avro(file, EVERYTHING, codec, List.of(everything(), everything()));

    assertThat(
        read(file), contains("a.avro:0 " + EVERYTHING_AS_JSON, "a.avro:1 " + EVERYTHING_AS_JSON));
  }

  @Test
  void aRowOfParquetIsExactJsonAtItsNumber() {
    Path file = directory.resolve("a.parquet");
    TestFiles.parquet(file, EVERYTHING, List.of(everything(), everything()));

    assertThat(
        read(file),
        contains("a.parquet:0 " + EVERYTHING_AS_JSON, "a.parquet:1 " + EVERYTHING_AS_JSON));
  }

  @Test
  void largeBinaryFilesGiveEveryRowOnce() {
    Schema schema =
        new Schema.Parser()
            .parse(
                "{\"type\":\"record\",\"name\":\"Id\",\"fields\":[{\"name\":\"id\",\"type\":\"int\"},{\"name\":\"text\",\"type\":\"string\"}]}");
    List<GenericRecord> rows =
        IntStream.range(0, 20_000)
            .<GenericRecord>mapToObj(
                i ->
                    new GenericRecordBuilder(schema)
                        .set("id", i)
                        .set("text", "text of row " + Integer.toHexString(i * 0x9E3779B9))
                        .build())
            .toList();
    TestFiles.avro(directory.resolve("a.avro"), schema, "deflate", rows);
    TestFiles.parquet(directory.resolve("b.parquet"), schema, rows);

    List<String> read = read(directory);

    assertThat(read, hasSize(2 * rows.size()));
    for (int i = 0; i < rows.size(); i++) {
      assertThat(read.get(i), startsWith("a.avro:" + i + " {\"id\":" + i + ","));
      assertThat(read.get(i + rows.size()), startsWith("b.parquet:" + i + " {\"id\":" + i + ","));
    }
  }

  @Test
  void aDirectoryIsItsDataFilesAndNothingElse() throws IOException {
    for (String name : List.of("b.json", "a.json", ".hidden.json", "_SUCCESS", "answer-key.json")) {
      write(name, utf8("{\"of\":\"" + name + "\"}"));
    }
    write("empty.json", new byte[0]);
    Files.createDirectories(directory.resolve("below"));
    write("below/c.json", utf8("{}"));

    assertThat(
        read(directory), contains("a.json:0 {\"of\":\"a.json\"}", "b.json:0 {\"of\":\"b.json\"}"));
    assertThat(read(directory + "/"), equalTo(read(directory)));
    assertThat(read("file:" + directory), equalTo(read(directory)));
    assertThat(read("file://" + directory), equalTo(read(directory)));
  }

  @Test
  void aGlobAndAListNameFilesAndSourcesAreTheShortestNamesThatDiffer() throws IOException {
    for (String name : List.of("1997/q1.json", "1997/q2.json", "1998/q1.json", "1998/notes.txt")) {
      Files.createDirectories(directory.resolve(name).getParent());
      write(name, utf8("{\"of\":\"" + name + "\"}"));
    }

    assertThat(
        read(directory + "/*/q1.json"),
        contains(
            "1997/q1.json:0 {\"of\":\"1997/q1.json\"}",
            "1998/q1.json:0 {\"of\":\"1998/q1.json\"}"));
    assertThat(
        read(directory + "/1997/q2.json, " + directory + "/1998/q*.json"),
        contains("q1.json:0 {\"of\":\"1998/q1.json\"}", "q2.json:0 {\"of\":\"1997/q2.json\"}"));
    assertThat(
        RecordFiles.read("--sales", directory + "/199?/*.json", TestFiles.REVENUE).check(), is(3L));
  }

  @ParameterizedTest
  @CsvSource({
    "nowhere.json, there is no file",
    "no/such/directory/*.json, there is no file",
    "'a.json,', names nothing between two commas",
    "'', which names nothing; name a file",
    "gopher://host/a.json, is on no file system that is known here",
    "nothing, holds no data file",
    "hidden, holds no data file",
    "empty.json, every file that",
    "blank.json, holds nothing but blank lines",
    "text.parquet, neither JSON lines",
    "text.txt, neither JSON lines",
    "zeros.json, neither JSON lines",
    "zipped.json.gz, neither JSON lines",
    "headless.csv, names no field of RevenueDaily",
    "semicolons.csv, with commas between them",
    "cut.gz, cannot be read",
    "cut.zst, cannot be read",
    "cutinside.gz, it ends too early"
  })
  void whatCannotBeReadIsSaidBeforeTheRunWithTheOptionAndWhatToDo(String uri, String words)
      throws IOException {
    Files.createDirectories(directory.resolve("nothing"));
    Files.createDirectories(directory.resolve("hidden"));
    write("hidden/.a.json", utf8("{}"));
    write("a.json", utf8("{}"));
    write("empty.json", new byte[0]);
    write("blank.json", utf8("\n \r\n"));
    write("text.parquet", utf8("day,store_id\n1997-01-01,3\n"));
    write("text.txt", utf8("[1, 2]\n"));
    write("zeros.json", new byte[100]);
    write("zipped.json.gz", gzip(utf8("plain text")));
    write("headless.csv", utf8("1997-01-01,3\n"));
    write("semicolons.csv", utf8("day;store_id\n1997-01-01;3\n"));
    write("cut.gz", new byte[] {0x1f, (byte) 0x8b, 8});
    byte[] zipped = gzip(utf8("{\"day\":\"1997-01-01\"}"));
    write("cutinside.gz", Arrays.copyOf(zipped, zipped.length - 12));
    write("cut.zst", new byte[] {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd});
    String place = uri.contains("://") || uri.isEmpty() ? uri : directory + "/" + uri;

    UserError refused =
        assertThrows(
            UserError.class, () -> RecordFiles.read("--sales", place, TestFiles.REVENUE).check());

    assertThat(
        refused.getMessage(),
        allOf(
            startsWith("--sales"),
            containsString("'" + place),
            containsString(words),
            not(containsString("null"))));
  }

  @Test
  void noCollectionIsMovedByJavaSerialization() throws IOException {
    Path file = write("a.json", utf8("{}"));
    Pipeline pipeline = TestFiles.pipeline();

    pipeline.apply("Read", RecordFiles.read("--sales", file.toString(), TestFiles.REVENUE));

    ExplicitCoders.in(pipeline);
  }

  private Path write(String name, byte[] bytes) throws IOException {
    return Files.write(directory.resolve(name), bytes);
  }

  private static byte[] joined(byte[] first, byte[] second) {
    ByteArrayOutputStream both = new ByteArrayOutputStream();
    both.writeBytes(first);
    both.writeBytes(second);
    return both.toByteArray();
  }

  private static GenericRecord everything() {
    GenericRecord nested =
        new GenericRecordBuilder(EVERYTHING.getField("nested").schema())
            .set("inner", "é\"")
            .build();
    return new GenericRecordBuilder(EVERYTHING)
        .set("whole", 7L)
        .set("text", null)
        .set("yes", true)
        .set("ratio", 0.1)
        .set("share", 0.1f)
        .set("money", ByteBuffer.wrap(new byte[] {-1}))
        .set(
            "price",
            new GenericData.Fixed(
                EVERYTHING.getField("price").schema(), new byte[] {0, 0, 0x04, (byte) 0xE2}))
        .set("day", 9863)
        .set("millis", 852174245006L)
        .set("local", 852_174_245_000_006L)
        .set("micros", -1L)
        .set("bytes", ByteBuffer.wrap(new byte[] {0, -1}))
        .set("either", 5)
        .set("nan", Float.NaN)
        .set("map", Map.of("k", 1L))
        .set("list", List.of(1, 2))
        .set("nested", nested)
        .build();
  }
}

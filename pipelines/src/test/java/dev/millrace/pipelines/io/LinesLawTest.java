package dev.millrace.pipelines.io;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/** Whatever the text, its compression and its slices: each line once, at its place. */
class LinesLawTest {

  private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

  @Property(tries = 25)
  void theLinesOfAllSlicesAreTheLinesOfTheFileOnceEachAtTheirByteOffsets(
      @ForAll("texts") List<byte[]> texts, @ForAll @IntRange(min = 1, max = 70) int slice)
      throws IOException {
    // Given
    Path directory = Files.createTempDirectory("lines");
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < texts.size(); i++) {
      byte[] text = texts.get(i);
      byte[] stored =
          switch (i % 4) {
            case 1 -> TestFiles.gzip(text);
            case 3 -> TestFiles.zstd(text);
            default -> text;
          };
      String name = "file%02d".formatted(i);
      Files.write(directory.resolve(name), stored);
      linesOf(name, text, expected);
    }

    // When
    List<String> read =
        TestFiles.read(
                RecordFiles.read("--sales", directory.toString(), TestFiles.REVENUE)
                    .withSlices(slice))
            .stream()
            .map(TestFiles::text)
            .toList();

    // Then
    assertThat(read, equalTo(expected));
    for (String file : TestFiles.below(directory)) {
      Files.delete(directory.resolve(file));
    }
    Files.delete(directory);
  }

  @Property(tries = 2000)
  void aLineEndsAtALineFeedWhateverBytesStandAroundIt(@ForAll("bytes") byte[] bytes)
      throws IOException {
    // Given
    List<String> expected = new ArrayList<>();
    int start = 0;
    for (int at = 0; at < bytes.length; at++) {
      if (bytes[at] == '\n') {
        expected.add(Arrays.toString(Arrays.copyOfRange(bytes, start, at)));
        start = at + 1;
      }
    }
    if (start < bytes.length) {
      expected.add(Arrays.toString(Arrays.copyOfRange(bytes, start, bytes.length)));
    }

    // When
    List<String> read = new ArrayList<>();
    Lines lines = new Lines(new ByteArrayInputStream(bytes), 0, 100);
    for (byte[] line = lines.next(); line != null; line = lines.next()) {
      read.add(Arrays.toString(line));
    }

    // Then
    assertThat(read, equalTo(expected));
    assertThat(lines.position(), equalTo((long) bytes.length));
  }

  /** Line feeds, what differs from one by a bit, and what comes before and after it. */
  @Provide
  Arbitrary<byte[]> bytes() {
    return Arbitraries.bytes()
        .map(b -> b % 3 == 0 ? (byte) '\n' : b % 3 == 1 ? (byte) ((b & 0x87) | 0x08) : b)
        .filter(b -> b != '\r')
        .array(byte[].class)
        .ofMaxSize(80);
  }

  /** The rule, in the plainest words. */
  private static void linesOf(String name, byte[] text, List<String> lines) {
    int start = 0;
    while (start < text.length) {
      int newline = start;
      while (newline < text.length && text[newline] != '\n') {
        newline++;
      }
      int end = newline > start && text[newline - 1] == '\r' ? newline - 1 : newline;
      byte[] line = Arrays.copyOfRange(text, start, end);
      if (start == 0 && Arrays.equals(Arrays.copyOf(line, 3), BYTE_ORDER_MARK)) {
        line = Arrays.copyOfRange(line, 3, line.length);
      }
      String words = new String(line, java.nio.charset.StandardCharsets.UTF_8);
      if (!words.matches("[ \t\r]*")) {
        lines.add(name + ":" + start + " " + words);
      }
      start = newline + 1;
    }
  }

  /** Texts that hold a line that begins as a JSON object does: else they are no JSON lines. */
  @Provide
  Arbitrary<List<byte[]>> texts() {
    Arbitrary<String> content =
        Arbitraries.frequencyOf(
            net.jqwik.api.Tuple.of(2, Arbitraries.of("", " ", "\t", "\r", "{}")),
            net.jqwik.api.Tuple.of(
                5,
                Arbitraries.strings()
                    .withChars('{', '}', '"', 'a', ' ', '\r', 'é', '€', '\ufeff')
                    .ofMaxLength(60)
                    .map(s -> "{" + s)),
            net.jqwik.api.Tuple.of(1, Arbitraries.strings().withChars("ab😀").ofMaxLength(30)));
    Arbitrary<String> ended =
        Combinators.combine(content, Arbitraries.of("\n", "\n", "\r\n")).as((c, e) -> c + e);
    return Combinators.combine(
            Arbitraries.of(true, false),
            ended.list().ofMaxSize(6),
            ended.list().ofMaxSize(6),
            content)
        .as(
            (mark, before, after, last) -> {
              ByteArrayOutputStream text = new ByteArrayOutputStream();
              text.writeBytes(mark ? BYTE_ORDER_MARK : new byte[0]);
              text.writeBytes(
                  TestFiles.utf8(
                      String.join("", before) + "{\"id\":1}\n" + String.join("", after) + last));
              return text.toByteArray();
            })
        .list()
        .ofMinSize(1)
        .ofMaxSize(12);
  }
}

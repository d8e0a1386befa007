package dev.millrace.benchmarks;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.closeTo;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.is;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.pipelines.GeneratorEntry;
import dev.millrace.pipelines.generate.AnswerKey;
import dev.millrace.pipelines.generate.GenerateSalesOptions;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.ServiceLoader;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.w3c.dom.NodeList;

class BenchTest {

  private static final int RECORDS = 20_000;

  @TempDir private static Path generated;
  private static List<Path> files;
  private static Refined expected;

  @TempDir private Path home;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @BeforeAll
  static void generate() throws Exception {
    GenerateSalesOptions options = PipelineOptionsFactory.as(GenerateSalesOptions.class);
    options.setRecords(RECORDS);
    options.setSeed(3);
    options.setFiles(2);
    options.setOut(generated.toString());
    ServiceLoader.load(GeneratorEntry.class).stream()
        .map(ServiceLoader.Provider::get)
        .filter(generator -> generator.name().equals("sales"))
        .findFirst()
        .orElseThrow()
        .generate(options);
    files = Bench.files(generated);
    AnswerKey.Counts key = AnswerKey.readFrom(generated).total();
    long invalid = key.invalid().values().stream().mapToLong(Long::longValue).sum();
    long late = key.late() + key.future();
    Refined loop = PlainSalesLoop.run(files);
    expected = new Refined(key.read(), key.read() - invalid - late, invalid, late, loop.revenue());
  }

  @ParameterizedTest
  @EnumSource
  void everyWayToRefineDecidesAboutFaultyRecordsAsTheAnswerKeyDoes(RefineProcess.Way way)
      throws Exception {
    // When
    Refined found = way.refine(files);

    // Then
    assertThat(found, equalTo(expected));
  }

  @Test
  void theLinesOfAFileAreTheSameWhereverItsBlocksEnd() throws Exception {
    // Given
    Path file = home.resolve("lines.txt");
    List<String> lines =
        Stream.iterate(0, i -> i + 1).limit(4_000).map(i -> "x".repeat(i % 257 + 1) + i).toList();
    Files.writeString(file, String.join("\n", lines) + "\n\n" + "y".repeat(70_000) + "\nlast");
    List<String> found = new ArrayList<>();
    byte[] content = Files.readAllBytes(file);

    // When
    Lines.forEach(
        file,
        1_000,
        (bytes, start, end, position) -> {
          String line = new String(bytes, start, end - start, StandardCharsets.UTF_8);
          assertThat(
              new String(content, (int) position, end - start, StandardCharsets.UTF_8), is(line));
          found.add(line);
        });

    // Then
    assertThat(found.subList(0, lines.size()), equalTo(lines));
    assertThat(
        found.subList(lines.size(), found.size()), equalTo(List.of("y".repeat(1_001), "last")));
  }

  @Test
  void aBenchmarkOfLittleDataEndsWithTablesAndAllThatWasMeasured() throws Exception {
    // Given
    Path json = home.resolve("results.json");
    Path picture = home.resolve("results.svg");

    // When
    int status =
        bench(
            "refine",
            "--sales=" + generated,
            "--rounds=1",
            "--warm-up=0",
            "--passes=1",
            "--heap=256m",
            "--markdown",
            "--json=" + json,
            "--picture=" + picture);

    // Then
    assertThat(err.toString(StandardCharsets.UTF_8), status, is(0));
    assertThat(
        out.toString(StandardCharsets.UTF_8),
        allOf(
            containsString("### refine\n\n20,000 records, 1 rounds."),
            containsString("| plain loop "),
            containsString("| Refine on Direct / plain loop |")));
    JsonNode result = new ObjectMapper().readTree(json.toFile()).get("results").get(0);
    assertThat(result.get("records").asInt(), is(RECORDS));
    List<JsonNode> sides =
        List.of(result.get("sides").get(0), result.get("sides").get(1), result.get("sides").get(2));
    assertThat(
        sides.stream().map(side -> side.get("wallSeconds").get(0).asDouble()).toList(),
        everyItem(greaterThan(0.0)));
    double loop = sides.get(0).get("cpuSeconds").get(0).asDouble();
    double direct = sides.get(2).get("cpuSeconds").get(0).asDouble();
    assertThat(
        result.get("compared").get(1).get("timesTheCpu").get("median").asDouble(),
        closeTo(direct / loop, 1e-9));
    NodeList texts =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(picture.toFile())
            .getElementsByTagName("text");
    List<String> words =
        IntStream.range(0, texts.getLength())
            .mapToObj(i -> texts.item(i).getTextContent())
            .toList();
    assertThat(
        words,
        hasItems(
            containsString("refine: CPU µs for a record (20,000 records, 1 round)"),
            equalTo("plain loop"),
            equalTo("Refine on Direct"),
            equalTo(
                String.format(
                    Locale.ROOT,
                    "%.2f, %.2f times, wanted 1.50",
                    direct * 1e6 / RECORDS,
                    direct / loop))));
    try (Stream<Path> left = Files.list(home.resolve(".millrace/bench"))) {
      assertThat(left.toList(), equalTo(List.of()));
    }
  }

  @Test
  void aSideThatDiesFailsTheBenchmarkWithItsLastWords() {
    // When
    int status = bench("refine", "--sales=" + generated, "--warm-up=0", "--heap=1m");

    // Then
    assertThat(status, is(1));
    assertThat(
        err.toString(StandardCharsets.UTF_8),
        allOf(containsString("RefineProcess LOOP"), containsString("Too small maximum heap")));
  }

  @ParameterizedTest
  @CsvSource({
    "--rounds=0, --rounds is 0; it must be 1 or more.",
    "--rounds=many, --rounds",
    "--heap=large, --heap is 'large'; give a size such as 512m or 2g.",
    "--sales=., --sales goes with 'refine' alone",
    "speed, speed",
    "--millions=3, --millions is 3; give two or more",
    "'--millions=0,1', --millions is 0; it must be 1 or more.",
    "--slope, --slope is for more than one --scale",
    "--rate=0, --rate is 0; give events a second",
    "--json=no/such/place.json, --json: 'no/such/place.json' cannot be a file",
    "--picture=., --picture: '.' cannot be a file",
  })
  void aCommandThatMakesNoSenseIsRefusedAtOnce(String argument, String words) {
    // When
    int status = bench(argument);

    // Then
    assertThat(status, is(2));
    assertThat(err.toString(StandardCharsets.UTF_8), containsString(words));
  }

  @Test
  void cpuTimeIsReadBehindANameOfAnyForm() {
    // Given
    String stat =
        "42 (post (gres) x) S 1 42 42 0 -1 4194560 5 6 7 8 150 50 1000 200 20 0 1 0 99 1 1";

    // When
    double own = CpuTime.sumOf(stat, 11, 12);
    double children = CpuTime.sumOf(stat, 13, 14);

    // Then
    assertThat(own, closeTo(2.0, 1e-9));
    assertThat(children, closeTo(12.0, 1e-9));
  }

  private int bench(String... arguments) {
    return new Bench(
            home,
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8))
        .run(arguments);
  }
}

package dev.millrace.it.equivalence;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.not;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * How runners differ in the Beam of this build, which is why Millrace leaves them nothing to
 * decide: {@link Probes} on each. What was found is {@code docs/runner-differences.md}; {@code
 * -Dmillrace.update=true} writes it anew.
 */
class RunnerProbesIT {

  private static final Path DOCUMENT = Path.of("../../docs/runner-differences.md");

  private static final List<Column> COLUMNS =
      List.of(
          new Column("Direct, stream", "direct", "stream"),
          // No bundle ends because a machine was slow.
          new Column(
              "Flink, stream", "flink", "stream", "--parallelism=1", "--maxBundleTimeMills=60000"),
          new Column(
              "Flink, stream, a record a bundle",
              "flink",
              "stream",
              "--parallelism=1",
              "--maxBundleSize=1"),
          new Column(
              "Spark, stream",
              "spark",
              "stream",
              "--runner=TestSparkRunner",
              "--forceStreaming=true",
              "--checkpointDir=checkpoints"),
          new Column("Direct, batch", "direct", "batch"),
          new Column("Flink, batch", "flink", "batch", "--parallelism=1"),
          new Column("Spark, batch", "spark", "batch"));

  @TempDir static Path home;

  /** What was seen, by probe; a cell for each column. */
  private static final Map<String, List<String>> FOUND = new LinkedHashMap<>();

  private static String beam = "";

  private record Column(String name, String runner, String mode, List<String> options) {
    Column(String name, String runner, String mode, String... options) {
      this(name, runner, mode, List.of(options));
    }
  }

  @BeforeAll
  static void probe() throws Exception {
    Program program = new Program(home);
    for (Column column : COLUMNS) {
      List<String> arguments = new ArrayList<>(List.of(column.mode(), column.runner()));
      arguments.addAll(column.options());
      for (String line : program.lines(column.runner(), Probes.class, arguments)) {
        String[] parts = line.split("\t", -1);
        if (parts[0].equals("Beam")) {
          beam = parts[1];
        } else {
          FOUND.computeIfAbsent(parts[0], probe -> new ArrayList<>()).add(parts[1]);
        }
      }
    }
  }

  @Test
  void runnersDifferAsTheDocumentSays() throws Exception {
    // When
    String document = document();
    if (Boolean.getBoolean("millrace.update")) {
      Files.writeString(DOCUMENT, document);
    }

    // Then
    String before = Files.readString(DOCUMENT);
    assertThat(
        "with Beam "
            + beam
            + " runners differ otherwise than before; what Millrace does about it"
            + " may have to change, or be needed no more",
        changes(cells(before), cells(document)),
        empty());
    assertThat(before, equalTo(document));
  }

  @Test
  void withLatenessAboveTheWorstCaseNoRecordIsDroppedAnywhere() {
    for (String cell : row("lateness above the worst case")) {
      assertThat(cell, panes(cell).mapToInt(Integer::parseInt).sum(), equalTo(1113));
    }
  }

  @Test
  void panesThatAreNotToBeEmptyAreNoneAnywhere() {
    for (String cell : row("the same, `FIRE_IF_NON_EMPTY`")) {
      assertThat(cell, panes(cell).toList(), not(empty()));
      assertThat(cell, panes(cell).filter(pane -> pane.equals("0")).toList(), empty());
    }
  }

  private static List<String> row(String probe) {
    List<String> cells = FOUND.getOrDefault(probe, List.of());
    assertThat(probe, cells.size(), equalTo(COLUMNS.size()));
    return cells;
  }

  /** The values of the panes in a cell. */
  private static Stream<String> panes(String cell) {
    return Arrays.stream(cell.replaceAll("; counts.*", "").split("[,;] |minute \\d+: ", -1))
        .filter(pane -> !pane.isEmpty())
        .map(pane -> pane.replaceFirst(" .*", ""));
  }

  private static List<String> changes(Map<String, String> before, Map<String, String> now) {
    return Stream.concat(before.keySet().stream(), now.keySet().stream())
        .distinct()
        .filter(cell -> !before.getOrDefault(cell, "").equals(now.getOrDefault(cell, "")))
        .map(
            cell ->
                cell
                    + ": was \""
                    + before.getOrDefault(cell, "")
                    + "\", is \""
                    + now.getOrDefault(cell, "")
                    + "\"")
        .toList();
  }

  /** By column and probe. */
  private static Map<String, String> cells(String document) {
    Map<String, String> cells = new LinkedHashMap<>();
    String[] head = {};
    for (String line : document.lines().filter(line -> line.startsWith("| ")).toList()) {
      String[] row = line.split(" *\\| *", -1);
      if (head.length == 0) {
        head = row;
      }
      for (int i = 2; i < Math.min(row.length, head.length); i++) {
        cells.put(head[i] + ", " + row[1], row[i]);
      }
    }
    return cells;
  }

  private static String document() {
    return """
        # What Beam alone makes of the same records

        Made by `RunnerProbesIT` in `integration-tests/equivalence`, with Beam %s and the options that Millrace gives each runner, on one worker;
        `-Dmillrace.update=true` writes it anew. A cell that changes, as with another Beam, fails the build.

        """
            .formatted(beam)
        + line(Stream.concat(Stream.of("probe"), COLUMNS.stream().map(Column::name)).toList())
        + "|---".repeat(COLUMNS.size() + 1)
        + "|\n"
        + FOUND.entrySet().stream()
            .map(
                row ->
                    line(Stream.concat(Stream.of(row.getKey()), row.getValue().stream()).toList()))
            .collect(Collectors.joining())
        + """

        A cell has the panes in their order, *late* where Beam says so and *unknown* where it says nothing; the same pane again and again stands once. One
        key, windows of a minute, five minutes of lateness: 1 and 2 come in time, 10 and 100 late, 1000 beyond. In the windows of five minutes two
        records come in time, one late, one more than ten minutes late, and one for another window. On Flink a bundle holds the watermark back: what is
        late elsewhere is in time there.

        What follows, and Millrace does: lateness is decided from the record, before the runner sees it ([ADR 0001](adr/0001-lateness-is-data.md)), and the
        runner's is above; no pane is empty; rows are replaced, never added up
        ([ADR 0011](adr/0011-rows-know-their-generation.md)); and what Spark refuses or would get wrong in a stream is refused by name
        ([portability.md](portability.md)).
        """;
  }

  private static String line(List<String> cells) {
    return "| " + String.join(" | ", cells) + " |\n";
  }
}

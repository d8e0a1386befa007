package dev.millrace.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One way to refine events of the web shop and sum them by minute, as a stream on Flink, each time
 * in a fresh process that is warm before it is measured.
 *
 * @param way as {@code EventsProcess} names it
 */
record EventsSide(
    String name,
    String counted,
    String way,
    int passes,
    Input input,
    Path program,
    Processes processes)
    implements Side {

  /**
   * What the jobs are given.
   *
   * @param few a file or a topic, as {@code EventsInput} takes it, that the other begins with
   * @param further how many more the other has
   */
  record Input(String few, String many, long further) {}

  @Override
  public Measured run() throws IOException, InterruptedException {
    String out =
        processes
            .runJar(program, List.of(way, Integer.toString(passes), input.few(), input.many()))
            .out();
    JsonNode found =
        new ObjectMapper().readTree(out.strip().lines().reduce((a, b) -> b).orElse(""));
    return new Measured(
        found.get("wallSeconds").asDouble(),
        found.get("cpuSeconds").asDouble(),
        answer(found.get("answer")));
  }

  private static Answer answer(JsonNode found) {
    List<String> minutes = new ArrayList<>();
    found.get("minutes").forEach(row -> minutes.add(row.asText()));
    return new Answer(
        Map.of(
            "minutes",
            minutes,
            "counts",
            List.of(
                String.format(
                    Locale.ROOT,
                    "%d good, %d invalid, %d late",
                    found.get("good").asLong(),
                    found.get("invalid").asLong(),
                    found.get("late").asLong()))));
  }

  /** The comparison: the plain job is the yardstick. */
  static Comparison comparison(
      String name, Input events, int passes, Path program, Processes processes) {
    return new Comparison(
        name,
        events.further(),
        List.of(
            side(
                "plain Flink job",
                "written by hand: a POJO of the whole event, Flink's defaults",
                "PLAIN",
                events,
                passes,
                program,
                processes),
            side(
                "tuned Flink job",
                "written by hand: only what the sums need, object reuse",
                "TUNED",
                events,
                passes,
                program,
                processes),
            side(
                "Millrace on Flink",
                "Refine, Windowed, Rejects, Ledger, with the settings of 'millrace run'",
                "MILLRACE",
                events,
                passes,
                program,
                processes)),
        Map.of("Millrace on Flink", 1 / 0.6));
  }

  private static EventsSide side(
      String name,
      String counted,
      String way,
      Input input,
      int passes,
      Path program,
      Processes processes) {
    return new EventsSide(
        name,
        counted + "; one task of each step; what the events beyond the first quarter cost",
        way,
        passes,
        input,
        program,
        processes);
  }
}

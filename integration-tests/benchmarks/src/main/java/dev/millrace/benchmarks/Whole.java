package dev.millrace.benchmarks;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The whole of the clickstream as a stream on Flink, beside jobs written by hand. */
final class Whole {

  private static final String MILLRACE = "Millrace on Flink";

  private Whole() {}

  /**
   * The comparison: the plain job is the yardstick.
   *
   * @param events files beside which those of products and product classes lie
   */
  static Comparison comparison(
      EventsSide.Input events, int passes, Path program, Processes processes) {
    return new Comparison(
        "clickstream as a whole",
        events.further(),
        List.of(
            side(
                "plain Flink job",
                "written by hand: a POJO of the whole event, a state and a timer for each id",
                "WHOLE_PLAIN",
                events,
                passes,
                program,
                processes),
            side(
                "tuned Flink job",
                "written by hand: only what the sums need, object reuse, a map and a timer for the"
                    + " ids of a bucket and second, timers on the heap",
                "WHOLE_TUNED",
                events,
                passes,
                program,
                processes),
            side(
                MILLRACE,
                "the flow of the pipeline with the settings of 'millrace run'",
                "WHOLE_MILLRACE",
                events,
                passes,
                program,
                processes)),
        Map.of(MILLRACE, 1 / 1.1));
  }

  private static EventsSide side(
      String name,
      String counted,
      String way,
      EventsSide.Input events,
      int passes,
      Path program,
      Processes processes) {
    return new EventsSide(
        name,
        counted
            + "; RocksDB, checkpoints every 5 s, one task of each step; what the events beyond the"
            + " first quarter cost",
        way,
        passes,
        events,
        program,
        processes);
  }
}

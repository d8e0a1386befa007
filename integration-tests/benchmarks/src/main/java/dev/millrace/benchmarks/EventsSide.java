package dev.millrace.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.benchmarks.Comparison.Aim;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Ways to refine events of the web shop and sum them by minute, each in a fresh process that is
 * warm before it is measured.
 *
 * @param program the jobs
 */
record EventsSide(Path program, Processes processes) {

  /** Records that the times of a benchmark of growth are given for. */
  static final long MILLION = 1_000_000;

  private static final Way PLAIN =
      new Way(
          "plain Flink job",
          "PLAIN",
          "written by hand: a POJO of the whole event, Flink's defaults");
  private static final Way TUNED =
      new Way("tuned Flink job", "TUNED", "written by hand: only what the sums need, object reuse");
  private static final Way MILLRACE =
      new Way(
          "Millrace on Flink",
          "MILLRACE",
          "Refine, Windowed, Rejects, Ledger, with the settings of 'millrace run'");
  private static final Way BATCH =
      new Way("Millrace on Flink", "MILLRACE_BATCH", "the same pipeline in batch mode");

  /**
   * A way to do the work.
   *
   * @param argument as {@code EventsProcess} names it
   */
  private record Way(String name, String argument, String counted) {}

  /**
   * What the jobs are given.
   *
   * @param few a file or a topic, as {@code EventsInput} takes it, that the other begins with
   * @param further how many more the other has
   */
  record Input(String few, String many, long further) {}

  /**
   * As a stream on Flink: the plain job is the yardstick, the tuned one is to be reached too.
   *
   * @param timesThePlain how many times the CPU of the plain job Millrace takes at most
   */
  Comparison asStream(String name, Input events, double timesThePlain, int passes) {
    return new Comparison(
        name,
        events.further(),
        List.of(
            side(PLAIN, events, passes),
            side(TUNED, events, passes),
            side(MILLRACE, events, passes)),
        List.of(
            new Aim(MILLRACE.name, PLAIN.name, timesThePlain),
            new Aim(MILLRACE.name, TUNED.name, 1)));
  }

  /** In batch, of a file: DuckDB is the yardstick. */
  Comparison inBatch(Input events, int passes) {
    return new Comparison(
        "events in batch",
        events.further(),
        List.of(
            side(
                new Way(
                    "DuckDB",
                    "DUCKDB",
                    "one query over lines read as text, by DuckDB over JDBC, one thread"),
                events,
                passes),
            side(
                new Way("plain loop", "LOOP", "the parser of the plain Flink job and a hash map"),
                events,
                passes),
            side(BATCH, events, passes),
            side(
                new Way(
                    "Millrace on Direct",
                    "MILLRACE_DIRECT",
                    "the same pipeline on the Direct runner, on all cores"),
                events,
                passes)),
        List.of(new Aim(BATCH.name, "DuckDB", 1)));
  }

  /**
   * The whole of the clickstream as a stream on Flink, with its state in RocksDB: the plain job is
   * the yardstick.
   *
   * @param events files beside which those of products and product classes lie
   */
  Comparison asAWhole(Input events, int passes) {
    String same = "; RocksDB, checkpoints every 5 s";
    return new Comparison(
        "clickstream as a whole",
        events.further(),
        List.of(
            side(
                new Way(
                    "plain Flink job",
                    "WHOLE_PLAIN",
                    "written by hand: a POJO of the whole event, a state and a timer for each id"
                        + same),
                events,
                passes),
            side(
                new Way(
                    "tuned Flink job",
                    "WHOLE_TUNED",
                    "written by hand: only what the sums need, object reuse, a map and a timer for"
                        + " the ids of a bucket and second, timers on the heap"
                        + same),
                events,
                passes),
            side(
                new Way(
                    "Millrace on Flink",
                    "WHOLE_MILLRACE",
                    "the flow of the pipeline with the settings of 'millrace run'" + same),
                events,
                passes)),
        List.of(new Aim(MILLRACE.name, PLAIN.name, 1.1)));
  }

  /** Summed by session, of which there are so many: the tuned job is the yardstick. */
  Comparison byKey(String keys, Input events, int passes) {
    return new Comparison(
        "events by " + keys,
        events.further(),
        List.of(
            side(TUNED, events, passes, "session"),
            side(PLAIN, events, passes, "session"),
            side(MILLRACE, events, passes, "session")),
        List.of(new Aim(MILLRACE.name, TUNED.name, 1.2), new Aim(MILLRACE.name, PLAIN.name, 1.2)));
  }

  /**
   * Ever more events by Millrace, in the same heap: the first input is the yardstick, and times are
   * for a million events.
   *
   * @param inputs each with the same few
   * @param copies how often each has the same events
   */
  Comparison growing(boolean batch, List<Input> inputs, List<Integer> copies) {
    List<Side> sides = new ArrayList<>();
    List<Aim> aims = new ArrayList<>();
    for (int i = 0; i < inputs.size(); i++) {
      Input input = inputs.get(i);
      int times = copies.get(i);
      Way way = batch ? BATCH : MILLRACE;
      String name = String.format(Locale.ROOT, "%,d events", input.further());
      long passes = Math.max(1, 10 * MILLION / input.further());
      sides.add(
          new JobSide(
              name,
              way.counted + "; what these events cost beyond a million, for a million of them",
              List.of(way.argument, passes + "+10", input.few(), input.many()),
              (double) MILLION / input.further(),
              found -> answer(found, times),
              program,
              processes));
      if (i > 0) {
        aims.add(new Aim(name, sides.get(0).name(), 1.1));
      }
    }
    return new Comparison(batch ? "growth in batch" : "growth", MILLION, sides, aims);
  }

  private Side side(Way way, Input input, int passes, String... more) {
    List<String> arguments =
        new ArrayList<>(List.of(way.argument, Integer.toString(passes), input.few(), input.many()));
    arguments.addAll(Arrays.asList(more));
    return new JobSide(
        way.name,
        way.counted + "; one task of each step; what the events beyond the first quarter cost",
        arguments,
        1,
        found -> answer(found, 1),
        program,
        processes);
  }

  /** The answer to each of so many copies of the same events. */
  static Answer answer(JsonNode found, int copies) {
    List<String> minutes = new ArrayList<>();
    found
        .get("minutes")
        .forEach(row -> minutes.add(copies == 1 ? row.asText() : ofOne(row.asText(), copies)));
    return new Answer(
        Map.of(
            "minutes",
            minutes,
            "counts",
            List.of(
                String.format(
                    Locale.ROOT,
                    "%d good, %d invalid, %d late",
                    share(found.get("good").asLong(), copies),
                    share(found.get("invalid").asLong(), copies),
                    share(found.get("late").asLong(), copies)))));
  }

  private static String ofOne(String row, int copies) {
    String[] cells = row.split("\\|", -1);
    return String.join(
        "|",
        cells[0],
        cells[1],
        Long.toString(share(Long.parseLong(cells[2]), copies)),
        Long.toString(share(Long.parseLong(cells[3]), copies)));
  }

  private static long share(long sum, int copies) {
    if (sum % copies != 0) {
      throw new WrongAnswer(
          "The same events were given %d times, and %d is no multiple of it."
              .formatted(copies, sum));
    }
    return sum / copies;
  }
}

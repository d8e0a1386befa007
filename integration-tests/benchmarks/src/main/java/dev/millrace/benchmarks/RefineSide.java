package dev.millrace.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** One way to refine sales, each time in a fresh process that is warm before it is measured. */
record RefineSide(
    String name,
    String counted,
    RefineProcess.Way way,
    int passes,
    List<Path> files,
    Processes processes)
    implements Side {

  @Override
  public Measured run() throws IOException, InterruptedException {
    List<String> arguments = new ArrayList<>(List.of(way.name(), Integer.toString(passes)));
    files.forEach(file -> arguments.add(file.toString()));
    String out = processes.run(RefineProcess.class.getName(), arguments).out();
    RefineProcess.Found found = RefineProcess.JSON.readValue(out, RefineProcess.Found.class);
    return new Measured(found.wallSeconds(), found.cpuSeconds(), answer(found.refined()));
  }

  static Answer answer(Refined refined) {
    return new Answer(
        Map.of(
            "counts",
            List.of(
                String.format(
                    Locale.ROOT,
                    "%d read, %d good, %d invalid, %d late, revenue %s",
                    refined.read(),
                    refined.good(),
                    refined.invalid(),
                    refined.late(),
                    refined.revenue()))));
  }

  /** The comparison: the loop is the yardstick. */
  static Comparison comparison(List<Path> files, long records, int passes, Processes processes) {
    return new Comparison(
        "refine",
        records,
        List.of(
            new RefineSide(
                "plain loop",
                "one thread reads lines, parses, applies limits, rules and gate, and counts",
                RefineProcess.Way.LOOP,
                passes,
                files,
                processes),
            new RefineSide(
                "Refine alone",
                "the function of Refine on one thread, called as a runner calls it, over the"
                    + " lines of the same reader; no runner, no file source",
                RefineProcess.Way.PASS,
                passes,
                files,
                processes),
            new RefineSide(
                "Refine on Direct",
                "a pipeline of read, Refine and count on the Direct runner: building it, reading"
                    + " files, the runner's own work, all its threads",
                RefineProcess.Way.DIRECT,
                passes,
                files,
                processes)),
        List.of(new Comparison.Aim("Refine on Direct", "plain loop", 1.5)));
  }
}

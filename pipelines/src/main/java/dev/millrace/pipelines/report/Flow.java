package dev.millrace.pipelines.report;

import dev.millrace.pipelines.report.RunReport.LedgerRow;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The ledger as streams of records: per input its sources, the stages they go through, and where
 * each stage lets some of them out.
 *
 * @param lanes one per input
 */
record Flow(List<Lane> lanes) {

  /** More sources of one input than this are drawn as one. */
  private static final int SOURCES = 12;

  /** Where a record leaves a stage, other than as good. */
  enum Exit {
    INVALID("invalid"),
    LATE("late"),
    DUPLICATE("duplicate"),
    FILTERED("filtered"),
    LOST("unaccounted"),
    EXCESS("too many");

    final String label;

    Exit(String label) {
      this.label = label;
    }
  }

  /**
   * The way of an input.
   *
   * @param name name of the input
   * @param sources what flows in, by name
   * @param stages what it flows through
   */
  record Lane(String name, List<Amount<String>> sources, List<Stage> stages) {
    long read() {
      return stages.get(0).read();
    }

    long written() {
      return stages.get(stages.size() - 1).written();
    }

    boolean isPlain() {
      return stages.stream().allMatch(stage -> stage.exits().isEmpty());
    }
  }

  /** A stage: what enters, what goes on, what leaves. */
  record Stage(String name, long read, long written, List<Amount<Exit>> exits) {}

  /** So many records of something. */
  record Amount<T>(T of, long count) {}

  static Flow of(RunReport report) {
    List<Lane> lanes = new ArrayList<>();
    for (RunInfo.Input input : report.run().inputs()) {
      List<Stage> stages = new ArrayList<>();
      for (int i = 0; i < input.stages().size(); i++) {
        String next = i + 1 < input.stages().size() ? input.stages().get(i + 1) : "";
        stages.add(stage(report, input.stages().get(i), next));
      }
      if (!stages.isEmpty() && report.sum(stages.get(0).name(), LedgerRow::read) > 0) {
        lanes.add(new Lane(input.name(), sources(report, stages.get(0).name()), stages));
      }
    }
    return new Flow(lanes);
  }

  private static Stage stage(RunReport report, String name, String next) {
    // What is lost of one source and too much of another is not set off.
    long lost = 0;
    long excess = 0;
    for (LedgerRow row : report.ledger()) {
      if (row.stage().equals(name)) {
        lost += Math.max(0, row.residue());
        excess += Math.max(0, -row.residue());
      }
    }
    if (!next.isEmpty()) {
      Map<String, Long> between = new TreeMap<>();
      for (LedgerRow row : report.ledger()) {
        if (row.stage().equals(name)) {
          between.merge(row.source(), row.written(), Long::sum);
        } else if (row.stage().equals(next)) {
          between.merge(row.source(), -row.read(), Long::sum);
        }
      }
      for (long gap : between.values()) {
        lost += Math.max(0, gap);
        excess += Math.max(0, -gap);
      }
    }
    List<Amount<Exit>> exits = new ArrayList<>();
    exits.add(new Amount<>(Exit.INVALID, report.sum(name, LedgerRow::invalid)));
    exits.add(new Amount<>(Exit.LATE, report.sum(name, LedgerRow::late)));
    exits.add(new Amount<>(Exit.DUPLICATE, report.sum(name, LedgerRow::duplicate)));
    exits.add(new Amount<>(Exit.FILTERED, report.sum(name, LedgerRow::filtered)));
    exits.add(new Amount<>(Exit.LOST, lost));
    exits.add(new Amount<>(Exit.EXCESS, excess));
    exits.removeIf(exit -> exit.count() == 0);
    return new Stage(
        name, report.sum(name, LedgerRow::read), report.sum(name, LedgerRow::written), exits);
  }

  private static List<Amount<String>> sources(RunReport report, String stage) {
    List<Amount<String>> all =
        report.ledger().stream()
            .filter(row -> row.stage().equals(stage))
            .map(row -> new Amount<>(row.source(), row.read()))
            .sorted(Comparator.comparing(Amount::of))
            .toList();
    if (all.size() <= SOURCES) {
      return all;
    }
    List<Amount<String>> shown = new ArrayList<>(all.subList(0, SOURCES - 1));
    List<Amount<String>> rest = all.subList(SOURCES - 1, all.size());
    shown.add(
        new Amount<>(rest.size() + " more sources", rest.stream().mapToLong(Amount::count).sum()));
    return shown;
  }

  /** The widest lane, in records. */
  long widest() {
    return lanes.stream().mapToLong(Lane::read).max().orElse(0);
  }
}

package dev.millrace.pipelines.report;

import dev.millrace.pipelines.report.RunReport.Column;
import dev.millrace.pipelines.report.RunReport.Kind;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.ToLongFunction;

/** What a person sees at the end of a run. */
public final class RunSummary {

  /** What the warehouse is called that needs no option. */
  public static final String EMBEDDED = "embedded PostgreSQL";

  private static final int TOP = 5;
  private static final List<Column> LEDGER =
      List.of(
          new Column("stage", Kind.TEXT),
          new Column("source", Kind.TEXT),
          new Column("read", Kind.COUNT),
          new Column("written", Kind.COUNT),
          new Column("invalid", Kind.COUNT),
          new Column("late", Kind.COUNT),
          new Column("duplicate", Kind.COUNT));
  private static final List<Column> REJECTS =
      List.of(
          new Column("rejected", Kind.COUNT),
          new Column("reason", Kind.TEXT),
          new Column("stage", Kind.TEXT),
          new Column("meaning", Kind.TEXT));

  private RunSummary() {}

  /**
   * The summary of a report.
   *
   * @param page where the report is
   * @param what the records the run is about, in the plural: those of its first input
   * @param question SQL to try next
   */
  public static String of(RunReport report, Path page, String what, String question) {
    List<String> chain = chain(report);
    boolean live = report.run().outcome() == RunInfo.Outcome.STOPPED;
    List<String> lines = new ArrayList<>();
    long records = sum(report, chain.subList(0, 1), RunReport.LedgerRow::read);
    lines.add(
        String.format(
            Locale.ROOT,
            live
                ? "Stopped. %,d %s and %,d records about them read so far, in %.1f s."
                : "%,d %s and %,d records about them read, every one accounted for, in %.1f s.",
            records,
            what,
            report.totals().read() - records,
            report.run().elapsedMillis() / 1000.0));
    long rejected = sum(report, chain, row -> row.invalid() + row.late());
    if (rejected > 0) {
      lines.add(
          String.format(
              Locale.ROOT,
              live
                  ? "%,d %s were rejected (%.2f %%)."
                  : "%,d %s were rejected (%.2f %%); the good ones are published. A limit: --max-reject-ratio.",
              rejected,
              what,
              100.0 * rejected / records));
    }
    lines.add("");
    lines.add("Ledger of the " + what);
    lines.addAll(TextTable.lines(LEDGER, ledger(report)));
    if (!report.rejects().isEmpty()) {
      lines.add("");
      lines.add("Dead letters");
      lines.addAll(
          TextTable.lines(
              REJECTS,
              report.rejects().stream()
                  .map(r -> List.of("" + r.count(), r.reason(), r.stage(), r.meaning()))
                  .toList()));
    }
    for (RunReport.Table table : report.tables()) {
      lines.add("");
      lines.add(table.title());
      lines.addAll(
          TextTable.lines(
              table.columns(), table.rows().subList(0, Math.min(TOP, table.rows().size()))));
    }
    long files = report.lake().stream().mapToLong(RunReport.LakeTable::files).sum();
    long bytes = report.lake().stream().mapToLong(RunReport.LakeTable::bytes).sum();
    lines.add("");
    if (!live) {
      lines.add(
          String.format(
              Locale.ROOT,
              "Lake       %s (%,d files, %.1f MB)",
              report.run().places().get("lake"),
              files,
              bytes / 1e6));
    }
    String warehouse = String.valueOf(report.run().places().get("warehouse"));
    lines.add(
        "Warehouse  "
            + warehouse
            + "; ask it: ./millrace sql \""
            + question
            + "\""
            // What the option was may hold a password; who gave it has it.
            + (warehouse.equals(EMBEDDED) ? "" : " --warehouse=…"));
    lines.add("Report     " + page);
    return String.join("\n", lines);
  }

  /** Stages of the records the run is about. */
  private static List<String> chain(RunReport report) {
    return report.run().inputs().get(0).stages();
  }

  private static long sum(
      RunReport report, List<String> stages, ToLongFunction<RunReport.LedgerRow> what) {
    return report.ledger().stream()
        .filter(row -> stages.contains(row.stage()))
        .mapToLong(what)
        .sum();
  }

  /** In the order in which a record passes the stages. */
  private static List<List<String>> ledger(RunReport report) {
    List<String> stages = chain(report);
    return report.ledger().stream()
        .filter(row -> stages.contains(row.stage()))
        .sorted(
            Comparator.comparingInt((RunReport.LedgerRow row) -> stages.indexOf(row.stage()))
                .thenComparing(RunReport.LedgerRow::source))
        .map(
            row ->
                List.of(
                    row.stage(),
                    row.source(),
                    "" + row.read(),
                    "" + row.written(),
                    "" + row.invalid(),
                    "" + row.late(),
                    "" + row.duplicate()))
        .toList();
  }
}

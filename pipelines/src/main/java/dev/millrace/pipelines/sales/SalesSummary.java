package dev.millrace.pipelines.sales;

import dev.millrace.pipelines.report.RunReport;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What a person sees at the end of a run. */
final class SalesSummary {

  private SalesSummary() {}

  static String of(RunReport report, Path page) {
    List<String> lines = new ArrayList<>();
    RunReport.Totals totals = report.totals();
    lines.add(
        "%,d records read, every one accounted for, in %.1f s."
            .formatted(
                totals.read(),
                Duration.ofMillis(report.run().elapsedMillis()).toMillis() / 1000.0));
    lines.add("");
    lines.add(
        "%-14s %-26s %9s %9s %8s %6s %10s"
            .formatted("stage", "source", "read", "written", "invalid", "late", "duplicate"));
    for (RunReport.LedgerRow row : report.ledger()) {
      if (row.stage().endsWith("Sales")) {
        lines.add(
            "%-14s %-26s %,9d %,9d %,8d %,6d %,10d"
                .formatted(
                    row.stage(),
                    row.source(),
                    row.read(),
                    row.written(),
                    row.invalid(),
                    row.late(),
                    row.duplicate()));
      }
    }
    for (RunReport.Rejects rejects : report.rejects()) {
      lines.add("");
      lines.add(
          "%,d rejected as %s in %s".formatted(rejects.count(), rejects.reason(), rejects.stage()));
    }
    for (RunReport.Table table : report.tables()) {
      lines.add("");
      lines.add(table.title());
      for (List<String> row : table.rows().subList(0, Math.min(5, table.rows().size()))) {
        lines.add("  " + String.join("  ", row));
      }
    }
    long files = report.lake().stream().mapToLong(RunReport.LakeTable::files).sum();
    long bytes = report.lake().stream().mapToLong(RunReport.LakeTable::bytes).sum();
    lines.add("");
    lines.add(
        "Lake       %s (%,d files, %.1f MB)"
            .formatted(report.run().places().get("lake"), files, bytes / 1e6));
    lines.add(
        "Warehouse  %s; ask it: ./millrace sql \"SELECT * FROM top_products\""
            .formatted(report.run().places().get("warehouse")));
    lines.add("Report     %s".formatted(page));
    return String.format(Locale.ROOT, "%s", String.join("\n", lines));
  }
}

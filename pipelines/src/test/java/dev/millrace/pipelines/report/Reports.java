package dev.millrace.pipelines.report;

import dev.millrace.contract.Reason;
import dev.millrace.pipelines.report.RunInfo.Input;
import dev.millrace.pipelines.report.RunInfo.Outcome;
import dev.millrace.pipelines.report.RunReport.CategoryRevenue;
import dev.millrace.pipelines.report.RunReport.Column;
import dev.millrace.pipelines.report.RunReport.DayRevenue;
import dev.millrace.pipelines.report.RunReport.Example;
import dev.millrace.pipelines.report.RunReport.FieldRow;
import dev.millrace.pipelines.report.RunReport.Kind;
import dev.millrace.pipelines.report.RunReport.LakeTable;
import dev.millrace.pipelines.report.RunReport.LedgerRow;
import dev.millrace.pipelines.report.RunReport.Rejects;
import dev.millrace.pipelines.report.RunReport.Revenue;
import dev.millrace.pipelines.report.RunReport.Table;
import dev.millrace.pipelines.report.RunReport.WarehouseTable;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Reports to test with. */
final class Reports {

  static final List<String> SALES = List.of("RefineSales", "DedupSales", "EnrichSales");

  private Reports() {}

  static RunInfo run(Input... inputs) {
    return new RunInfo(
        "0b5e7c1a-93d4",
        "sales",
        "1",
        "Direct runner",
        Instant.parse("2026-11-21T06:30:00.250Z"),
        Instant.parse("2026-11-21T06:30:21.750Z"),
        List.of(inputs),
        Map.of("max-lateness", "7d", "secret", "file:.millrace/secret.key"),
        Outcome.PUBLISHED,
        "",
        Map.of("lake", "out/lake", "report", "out/report"));
  }

  static Input sales(long records) {
    return new Input("sales", "data/sales_fact_*.json", 1, records, SALES);
  }

  /** One source through three stages: 1,000 read, 970 written. */
  static RunReport balanced() {
    return withSource("sales_fact_1997.json");
  }

  static RunReport withSource(String source) {
    return new RunReport(
        run(sales(1000)),
        List.of(
            new LedgerRow("RefineSales", source, 1000, 985, 8, 7, 0, 0),
            new LedgerRow("DedupSales", source, 985, 975, 0, 0, 10, 0),
            new LedgerRow("EnrichSales", source, 975, 970, 5, 0, 0, 0)),
        List.of(
            rejects(Reason.RULE_VIOLATION, "RefineSales", 8, source),
            rejects(Reason.LATE, "RefineSales", 7, source),
            rejects(Reason.ORPHAN_KEY, "EnrichSales", 5, source)),
        List.of(
            new FieldRow("Sale", "store_sales", "DECIMAL", null, 985, 0, "0.5000", "22.9200"),
            new FieldRow("Sale", "sale_id", "STRING", null, 985, 900, "a", "z"),
            new FieldRow("Customer", "lname", "STRING", "MASK", 10, 0, "Abel", "Zorn")),
        new Revenue(
            "USD",
            List.of(
                new DayRevenue(LocalDate.of(1997, 1, 1), new BigDecimal("706.3400")),
                new DayRevenue(LocalDate.of(1997, 1, 2), new BigDecimal("1304.5300"))),
            List.of(new CategoryRevenue("Vegetables", new BigDecimal("2010.8700")))),
        List.of(
            new Table(
                "Best-selling products",
                List.of(
                    new Column("rank", Kind.COUNT),
                    new Column("product", Kind.TEXT),
                    new Column("revenue", Kind.MONEY)),
                List.of(List.of("1", "Hilltop 200 MG Ibuprofen", "1255.6000")))),
        List.of(new LakeTable("silver", "sales", 2, 970, 40_960)),
        List.of(new WarehouseTable("fact_sale", 970, 970, 0, 0)));
  }

  /** Three records entered a stage and have no outcome. */
  static RunReport unbalanced() {
    RunReport good = balanced();
    List<LedgerRow> ledger = new ArrayList<>(good.ledger());
    ledger.set(2, new LedgerRow("EnrichSales", "sales_fact_1997.json", 975, 967, 5, 0, 0, 0));
    return withLedger(good, ledger);
  }

  static RunReport withLedger(RunReport report, List<LedgerRow> ledger) {
    return new RunReport(
        report.run(),
        ledger,
        report.rejects(),
        report.fields(),
        report.revenue(),
        report.tables(),
        report.lake(),
        report.warehouse());
  }

  static RunReport withOutcome(RunReport report, Outcome outcome, String message) {
    return withRun(report, outcome, message, report.run().places());
  }

  static RunReport withPlaces(RunReport report, Map<String, String> places) {
    return withRun(report, report.run().outcome(), report.run().message(), places);
  }

  private static RunReport withRun(
      RunReport report, Outcome outcome, String message, Map<String, String> places) {
    RunInfo run = report.run();
    return new RunReport(
        new RunInfo(
            run.id(),
            run.pipeline(),
            run.version(),
            run.runner(),
            run.started(),
            run.ended(),
            run.inputs(),
            run.config(),
            outcome,
            message,
            places),
        report.ledger(),
        report.rejects(),
        report.fields(),
        report.revenue(),
        report.tables(),
        report.lake(),
        report.warehouse());
  }

  static Rejects rejects(Reason reason, String stage, long count, String source) {
    return new Rejects(
        reason.name(),
        stage,
        count,
        reason.description(),
        reason.remedy(),
        List.of(
            new Example(source, 12_345, "store_sales", "-1.5000 is less than 0"),
            new Example(source, 67_890, null, "a comma is missing")));
  }
}

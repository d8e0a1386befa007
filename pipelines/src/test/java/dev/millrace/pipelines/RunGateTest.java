package dev.millrace.pipelines;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.transforms.RecordCoder;
import java.util.List;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.Create;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunGateTest {

  /** 100 sales of two files: 20 invalid, 5 late, 4 orphans; 10 copies. */
  private static final List<LedgerEntry> LEDGER =
      List.of(
          entry("RefineSales", "a.json", 60, 45, 10, 5, 0),
          entry("RefineSales", "b.json", 40, 30, 10, 0, 0),
          entry("DedupSales", "a.json", 45, 35, 0, 0, 10),
          entry("DedupSales", "b.json", 30, 30, 0, 0, 0),
          entry("EnrichSales", "a.json", 35, 35, 0, 0, 0),
          entry("EnrichSales", "b.json", 30, 26, 4, 0, 0),
          entry("RefineStores", "stores.json", 9, 1, 8, 0, 0),
          entry("DedupStores", "stores.json", 1, 1, 0, 0, 0),
          entry("LocateStores", "stores.json", 1, 1, 0, 0, 0));

  private static final RunGate GATE =
      RunGate.of(
          "sales",
          List.of(
              List.of("RefineSales", "DedupSales", "EnrichSales"),
              List.of("RefineStores", "DedupStores", "LocateStores"),
              List.of("RefineDays", "DedupDays")));

  @Test
  void aRunThatBalancesPassesWithTheNumberOfItsSales() {
    Pipeline pipeline = Pipeline.create(PipelineOptionsFactory.create());

    Captured<Long> passed = gate(pipeline, LEDGER, 1.0);
    pipeline.run().waitUntilFinish();

    assertThat(passed.list(), contains(100L));
  }

  @ParameterizedTest
  @CsvSource({"1", "0.3", "0.29"})
  void asManyRejectsAsAreAllowedPass(double ratio) {
    assertThat(GATE.refusingMoreRejectsThan(ratio).objections(LEDGER), empty());
  }

  @Test
  void aRunWithMoreRejectsIsRefusedWithASentenceAndNothingPasses() {
    Pipeline pipeline = Pipeline.create(PipelineOptionsFactory.create());

    Captured<Long> passed = gate(pipeline, LEDGER, 0.28);
    RuntimeException failed =
        assertThrows(RuntimeException.class, () -> pipeline.run().waitUntilFinish());

    assertThat(passed.list(), empty());
    assertThat(
        Captured.userError(failed).orElseThrow().getMessage(),
        allOf(
            containsString("The run is refused."),
            containsString(
                "29 of 100 sales were rejected (29.00 %), more than --max-reject-ratio=0.28 allows"),
            containsString("Nothing was published.")));
  }

  @Test
  void aRunWithoutSalesOrRejectsIsNotRefusedByTheRatio() {
    assertThat(GATE.refusingMoreRejectsThan(0).objections(List.of()), empty());
    assertThat(
        GATE.refusingMoreRejectsThan(0)
            .objections(
                List.of(
                    entry("RefineSales", "a", 5, 5, 0, 0, 0),
                    entry("DedupSales", "a", 5, 1, 0, 0, 4),
                    entry("EnrichSales", "a", 1, 1, 0, 0, 0))),
        empty());
  }

  @Test
  void aLostRecordRefusesTheRunWhateverTheRatioAndSaysWhere() {
    assertThat(
        GATE.objections(
            List.of(
                entry("RefineSales", "a", 5, 4, 0, 0, 0),
                entry("DedupSales", "a", 4, 4, 0, 0, 0),
                entry("EnrichSales", "a", 3, 3, 0, 0, 0),
                entry("RefineDays", "days", 7, 7, 0, 0, 0))),
        contains(
            "Stage RefineSales read 5 records of a, but accounts for 4: 1 are lost.",
            "Stage DedupSales wrote 4 records of a, but stage EnrichSales after it read 3.",
            "Stage RefineDays wrote 7 records of days, but stage DedupDays after it read 0."));
  }

  private static Captured<Long> gate(Pipeline pipeline, List<LedgerEntry> ledger, double ratio) {
    return Captured.of(
        pipeline
            .apply(Create.of(ledger).withCoder(RecordCoder.of(LedgerEntry.class)))
            .apply("RunGate", GATE.refusingMoreRejectsThan(ratio)));
  }

  private static LedgerEntry entry(
      String stage,
      String source,
      long read,
      long written,
      long invalid,
      long late,
      long duplicate) {
    return new LedgerEntry("sales", stage, source, read, written, invalid, late, duplicate, 0L);
  }
}

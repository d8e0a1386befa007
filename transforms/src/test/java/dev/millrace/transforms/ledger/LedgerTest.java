package dev.millrace.transforms.ledger;

import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.oneOf;

import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.testing.BeamTest;
import dev.millrace.testing.Expect;
import dev.millrace.testing.ExplicitCoders;
import dev.millrace.transforms.Outcome;
import dev.millrace.transforms.Tally;
import java.time.Duration;
import org.apache.beam.sdk.testing.TestPipeline;
import org.apache.beam.sdk.testing.TestStream;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionList;
import org.junit.jupiter.api.Test;

@BeamTest
class LedgerTest {

  @Test
  void talliesOfAllBundlesAndStagesAddUpPerStageAndSource(TestPipeline pipeline) {
    PCollection<Tally> refine =
        pipeline.apply(
            "Refine",
            Create.of(
                    tally("Refine", "a", Outcome.READ, 3),
                    tally("Refine", "a", Outcome.READ, 4),
                    tally("Refine", "a", Outcome.WRITTEN, 5),
                    tally("Refine", "a", Outcome.INVALID, 1),
                    tally("Refine", "a", Outcome.LATE, 1),
                    tally("Refine", "b", Outcome.READ, 1),
                    tally("Refine", "b", Outcome.FILTERED, 1))
                .withCoder(Tally.coder()));
    PCollection<Tally> dedup =
        pipeline.apply(
            "Dedup",
            Create.of(
                    tally("Dedup", "a", Outcome.READ, 5),
                    tally("Dedup", "a", Outcome.WRITTEN, 4),
                    tally("Dedup", "a", Outcome.DUPLICATE, 1))
                .withCoder(Tally.coder()));

    PCollection<LedgerEntry> ledger =
        PCollectionList.of(refine).and(dedup).apply("Ledger", Ledger.ofTallies("sales"));

    Expect.rowsInAnyOrder(
        ledger,
        new LedgerEntry("sales", "Refine", "a", 7L, 5L, 1L, 1L, 0L, 0L),
        new LedgerEntry("sales", "Refine", "b", 1L, 0L, 0L, 0L, 0L, 1L),
        new LedgerEntry("sales", "Dedup", "a", 5L, 4L, 0L, 0L, 1L, 0L));
    ExplicitCoders.in(pipeline);
    pipeline.run();
  }

  @Test
  void aStreamStatesRunningTotalsAndMixesWithBatch(TestPipeline pipeline) {
    PCollection<Tally> stream =
        pipeline.apply(
            TestStream.create(Tally.coder())
                .addElements(tally("Refine", "topic-0", Outcome.READ, 3))
                .advanceProcessingTime(org.joda.time.Duration.standardSeconds(6))
                .addElements(tally("Refine", "topic-0", Outcome.READ, 4))
                .advanceProcessingTime(org.joda.time.Duration.standardSeconds(6))
                .advanceWatermarkToInfinity());
    PCollection<Tally> batch =
        pipeline.apply(
            Create.of(tally("RefineStores", "store.json", Outcome.READ, 25))
                .withCoder(Tally.coder()));

    PCollection<LedgerEntry> ledger =
        PCollectionList.of(batch)
            .and(stream)
            .apply("Ledger", Ledger.ofTallies("sales").withUpdates(Duration.ofSeconds(5)));

    LedgerEntry stores =
        new LedgerEntry("sales", "RefineStores", "store.json", 25L, 0L, 0L, 0L, 0L, 0L);
    LedgerEntry soon = new LedgerEntry("sales", "Refine", "topic-0", 3L, 0L, 0L, 0L, 0L, 0L);
    LedgerEntry later = new LedgerEntry("sales", "Refine", "topic-0", 7L, 0L, 0L, 0L, 0L, 0L);
    // The end of the stream states the last totals once more.
    Expect.rows(ledger, () -> everyItem(oneOf(stores, soon, later)));
    Expect.rows(ledger, () -> hasItems(stores, soon, later));
    pipeline.run();
  }

  private static Tally tally(String stage, String source, Outcome outcome, long count) {
    return new Tally(stage, source, outcome, count);
  }
}

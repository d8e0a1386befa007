package dev.millrace.transforms.dedup;

import static dev.millrace.testing.Records.sourced;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.schemas.retail.Sale;
import dev.millrace.schemas.retail.Store;
import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.testing.BeamTest;
import dev.millrace.testing.Expect;
import dev.millrace.testing.ExplicitCoders;
import dev.millrace.testing.Outcomes;
import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.Outcome;
import dev.millrace.transforms.Sales;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.Tally;
import dev.millrace.transforms.ledger.Ledger;
import org.apache.beam.sdk.testing.TestPipeline;
import org.apache.beam.sdk.testing.TestStream;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.windowing.FixedWindows;
import org.apache.beam.sdk.transforms.windowing.Window;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.TimestampedValue;
import org.joda.time.Duration;
import org.joda.time.Instant;
import org.junit.jupiter.api.Test;

@BeamTest
class DedupTest {

  private static final Sourced<Sale> OLD = sourced(Sales.version("s1", null, "1")).at("a.json", 0);
  private static final Sourced<Sale> NEW =
      sourced(Sales.version("s1", "1997-01-02T00:00:00Z", "2")).at("b.json", 9);
  private static final Sourced<Sale> NEW_AGAIN =
      sourced(Sales.version("s1", "1997-01-02T00:00:00Z", "3")).at("b.json", 10);
  private static final Sourced<Sale> OTHER =
      sourced(Sales.version("s2", null, "4")).at("a.json", 100);

  @Test
  void latestKeepsTheGreatestVersionAndOfEqualOnesTheFirst(TestPipeline pipeline) {
    Accounted<Sale> unique =
        pipeline
            .apply(Create.of(NEW_AGAIN, OLD, OTHER, NEW).withCoder(Sales.coder()))
            .apply("DedupSales", Dedup.latest(Sale.class).as("DedupSales"));

    Expect.rowsInAnyOrder(unique.good(), NEW, OTHER);
    Expect.noRows(unique.rejects());
    Expect.rowsInAnyOrder(
        Ledger.of("sales", unique),
        new LedgerEntry("sales", "DedupSales", "a.json", 2L, 1L, 0L, 0L, 1L, 0L),
        new LedgerEntry("sales", "DedupSales", "b.json", 2L, 1L, 0L, 0L, 1L, 0L));
    ExplicitCoders.in(pipeline);
    pipeline.run();
  }

  @Test
  void firstKeepsTheEarliestOrigin(TestPipeline pipeline) {
    Accounted<Sale> unique =
        pipeline
            .apply(Create.of(NEW_AGAIN, NEW, OTHER, OLD).withCoder(Sales.coder()))
            .apply("DedupSales", Dedup.first(Sale.class));

    Expect.rowsInAnyOrder(unique.good(), OLD, OTHER);
    pipeline.run();
  }

  @Test
  void keyAndVersionCanBeFunctions(TestPipeline pipeline) {
    Accounted<Sale> unique =
        pipeline
            .apply(Create.of(OLD, NEW, OTHER).withCoder(Sales.coder()))
            .apply("DedupSales", Dedup.latest(sale -> "all", Sale::getStoreSales));

    Expect.rowsInAnyOrder(unique.good(), OTHER);
    pipeline.run();
  }

  @Test
  void twiceIsAsOnce(TestPipeline pipeline) {
    Accounted<Sale> once =
        pipeline
            .apply(Create.of(NEW_AGAIN, OLD, OTHER, NEW).withCoder(Sales.coder()))
            .apply("Once", Dedup.latest(Sale.class).as("Once"));

    Accounted<Sale> twice = once.good().apply("Twice", Dedup.latest(Sale.class).as("Twice"));

    Expect.rowsInAnyOrder(twice.good(), NEW, OTHER);
    Expect.rows(Ledger.of("sales", once, twice), () -> Outcomes.balancedLedger("Once", "Twice"));
    pipeline.run();
  }

  @Test
  void whatStaysLeavesAtItsEventTime(TestPipeline pipeline) {
    PCollection<Long> timestamps =
        pipeline
            .apply(Create.of(OLD, NEW).withCoder(Sales.coder()))
            .apply("DedupSales", Dedup.latest(Sale.class))
            .good()
            .apply(ParDo.of(new TimestampMillis()));

    Expect.rowsInAnyOrder(
        timestamps, java.time.Instant.parse("1997-01-01T00:00:00Z").toEpochMilli());
    pipeline.run();
  }

  @Test
  void inAStreamCopiesMeetInTheirWindowAndOneLeavesAfterItsLateness(TestPipeline pipeline) {
    Instant day = Instant.parse("1997-01-01T00:00:00Z");
    TestStream<Sourced<Sale>> stream =
        TestStream.create(Sales.coder())
            .addElements(TimestampedValue.of(OLD, day), TimestampedValue.of(OTHER, day))
            // The window has ended, but its lateness has not: the newer version still counts.
            .advanceWatermarkTo(Instant.parse("1997-01-03T00:00:00Z"))
            .addElements(TimestampedValue.of(NEW, day))
            .advanceWatermarkToInfinity();

    Accounted<Sale> unique =
        pipeline
            .apply(stream)
            .apply(
                Window.<Sourced<Sale>>into(FixedWindows.of(Duration.standardDays(1)))
                    .withAllowedLateness(Duration.standardDays(7))
                    .discardingFiredPanes())
            .apply("DedupSales", Dedup.latest(Sale.class).as("DedupSales"));

    Expect.rowsInAnyOrder(unique.good(), NEW, OTHER);
    Expect.rows(Ledger.of("sales", unique), () -> Outcomes.balancedLedger("DedupSales"));
    ExplicitCoders.in(pipeline);
    pipeline.run();
  }

  @Test
  void atOnceInAStreamTheFirstToComeLeavesAndTheLedgerIsThatOfABatch(TestPipeline pipeline) {
    Instant day = Instant.parse("1997-01-01T00:00:00Z");
    TestStream<Sourced<Sale>> stream =
        TestStream.create(Sales.coder())
            .addElements(TimestampedValue.of(NEW_AGAIN, day), TimestampedValue.of(OTHER, day))
            // By their origins these came before, but the other has left.
            .addElements(TimestampedValue.of(NEW, day))
            .advanceWatermarkTo(Instant.parse("1997-01-03T00:00:00Z"))
            .addElements(TimestampedValue.of(OLD, day))
            .advanceWatermarkToInfinity();

    Accounted<Sale> unique =
        pipeline
            .apply(stream)
            .apply(
                "DedupSales",
                Dedup.first(Sale.class).as("DedupSales").atOnce(java.time.Duration.ofDays(7)));

    Expect.rowsInAnyOrder(unique.good(), NEW_AGAIN, OTHER);
    Expect.rowsInAnyOrder(
        Ledger.of("sales", unique),
        new LedgerEntry("sales", "DedupSales", "a.json", 2L, 2L, 0L, 0L, 0L, 0L),
        new LedgerEntry("sales", "DedupSales", "b.json", 2L, 0L, 0L, 0L, 2L, 0L));
    ExplicitCoders.in(pipeline);
    pipeline.run();
  }

  @Test
  void atOnceInAStreamACopyThatComesAfterTheLatenessIsKeptRatherThanDropped(TestPipeline pipeline) {
    Instant day = Instant.parse("1997-01-01T00:00:00Z");
    TestStream<Sourced<Sale>> stream =
        TestStream.create(Sales.coder())
            .addElements(TimestampedValue.of(NEW_AGAIN, day))
            .advanceWatermarkTo(Instant.parse("1997-01-08T00:00:00Z"))
            .addElements(TimestampedValue.of(NEW, day))
            .advanceWatermarkTo(Instant.parse("1997-01-08T00:00:02Z"))
            .addElements(TimestampedValue.of(OLD, day))
            .advanceWatermarkToInfinity();

    Accounted<Sale> unique =
        pipeline
            .apply(stream)
            .apply(
                "DedupSales",
                Dedup.first(Sale.class).as("DedupSales").atOnce(java.time.Duration.ofDays(7)));

    Expect.rowsInAnyOrder(unique.good(), NEW_AGAIN, OLD);
    pipeline.run();
  }

  @Test
  void atOnceInBatchTheEarliestOriginStays(TestPipeline pipeline) {
    Accounted<Sale> unique =
        pipeline
            .apply(Create.of(NEW_AGAIN, NEW, OTHER, OLD).withCoder(Sales.coder()))
            .apply("DedupSales", Dedup.first(Sale.class).atOnce(java.time.Duration.ZERO));

    Expect.rowsInAnyOrder(unique.good(), OLD, OTHER);
    pipeline.run();
  }

  @Test
  void atOnceARecordWithoutEventTimeIsRefused(TestPipeline pipeline) {
    // Given
    Instant day = Instant.parse("1997-01-01T00:00:00Z");
    Sourced<Sale> timeless =
        new Sourced<>(OLD.value(), 1, Origin.NO_ARRIVAL, OLD.origin(), OLD.payload());
    pipeline
        .apply(
            TestStream.create(Sales.coder())
                .addElements(TimestampedValue.of(timeless, day))
                .advanceWatermarkToInfinity())
        .apply(Dedup.<Sale>first(sale -> "all").atOnce(java.time.Duration.ZERO));

    // When
    var refused = assertThrows(RuntimeException.class, pipeline::run);

    // Then
    assertThat(refused.getMessage(), containsString("a record of a.json has no event time"));
  }

  @Test
  void whatTheRunnerDropsIsNotCountedAsRead(TestPipeline pipeline) {
    Instant day = Instant.parse("1997-01-01T00:00:00Z");
    TestStream<Sourced<Sale>> stream =
        TestStream.create(Sales.coder())
            .addElements(TimestampedValue.of(OLD, day))
            .advanceWatermarkTo(Instant.parse("1997-02-01T00:00:00Z"))
            .addElements(TimestampedValue.of(NEW, day))
            .advanceWatermarkToInfinity();

    Accounted<Sale> unique =
        pipeline
            .apply(stream)
            .apply(Window.into(FixedWindows.of(Duration.standardDays(1))))
            .apply("DedupSales", Dedup.latest(Sale.class).as("DedupSales"));

    Expect.rowsInAnyOrder(unique.good(), OLD);
    Expect.rowsInAnyOrder(
        unique.tallies(),
        new Tally("DedupSales", "a.json", Outcome.READ, 1),
        new Tally("DedupSales", "a.json", Outcome.WRITTEN, 1));
    pipeline.run();
  }

  @Test
  void anUnboundedGlobalWindowIsRefused() {
    PCollection<Sourced<Sale>> stream =
        TestPipeline.create().apply(TestStream.create(Sales.coder()).advanceWatermarkToInfinity());

    var refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> stream.apply("DedupSales", Dedup.first(Sale.class).as("DedupSales")));

    assertThat(
        refused.getMessage(), containsString("DedupSales: the global window of an unbounded"));
  }

  @Test
  void latestNeedsAContractWithAVersion() {
    var refused = assertThrows(IllegalArgumentException.class, () -> Dedup.latest(Store.class));

    assertThat(refused.getMessage(), containsString("contract Store declares no recordVersion"));
  }

  private static final class TimestampMillis extends DoFn<Sourced<Sale>, Long> {
    @ProcessElement
    public void process(@Timestamp Instant timestamp, OutputReceiver<Long> out) {
      out.output(timestamp.getMillis());
    }
  }
}

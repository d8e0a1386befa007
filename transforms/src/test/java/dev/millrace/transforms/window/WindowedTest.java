package dev.millrace.transforms.window;

import static dev.millrace.testing.Records.sourced;
import static org.apache.beam.sdk.transforms.windowing.PaneInfo.Timing.EARLY;
import static org.apache.beam.sdk.transforms.windowing.PaneInfo.Timing.LATE;
import static org.apache.beam.sdk.transforms.windowing.PaneInfo.Timing.ON_TIME;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.schemas.retail.Sale;
import dev.millrace.testing.BeamTest;
import dev.millrace.testing.Expect;
import dev.millrace.testing.ExplicitCoders;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.Sales;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.dedup.Dedup;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.testing.PAssert;
import org.apache.beam.sdk.testing.TestPipeline;
import org.apache.beam.sdk.testing.TestStream;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.windowing.PaneInfo.Timing;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.TimestampedValue;
import org.joda.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@BeamTest
class WindowedTest {

  private static final long DAY = 86_400_000;
  private static final long NEW_YEAR = Instant.parse("1997-01-01T00:00:00Z").getMillis();
  private static final Windowed.Windows WEEKLY =
      Windowed.sliding(Duration.ofDays(7), Duration.ofDays(1));
  private static final Windowed.Windows DAILY = Windowed.tumbling(Duration.ofDays(1));

  @Test
  void tumblingWindowsSumEachKeyAndDay(TestPipeline pipeline) {
    PCollection<Aggregate<Integer, Totals>> daily =
        pipeline
            .apply(
                Create.of(sale(0, 1, "1.5"), sale(0, 1, "2.5"), sale(0, 2, "4"), sale(1, 1, "8"))
                    .withCoder(Sales.coder()))
            .apply("Daily", revenueByStore(DAILY));

    Expect.rowsInAnyOrder(
        daily,
        day(1, 0, 2, "4.0000", 0, ON_TIME),
        day(2, 0, 1, "4.0000", 0, ON_TIME),
        day(1, 1, 1, "8.0000", 0, ON_TIME));
    ExplicitCoders.in(pipeline);
    pipeline.run();
  }

  @Test
  void onePassGivesSeveralSumsAndTheCount(TestPipeline pipeline) {
    PCollection<Aggregate<Integer, Totals>> daily =
        pipeline
            .apply(Create.of(sale(0, 1, "1.5"), sale(0, 1, "2.5")).withCoder(Sales.coder()))
            .apply(
                "Daily",
                DAILY
                    .keyedBy(Sale::getStoreId, VarIntCoder.of())
                    .sum(Sale::getStoreSales, Sale::getStoreCost, Sale::getUnitSales));

    Totals totals =
        Totals.of(new BigDecimal("1.5000"), new BigDecimal("0.5000"), new BigDecimal("2.0000"))
            .plus(
                Totals.of(
                    new BigDecimal("2.5000"), new BigDecimal("0.5000"), new BigDecimal("2.0000")));
    Expect.rowsInAnyOrder(daily, new Aggregate<>(1, totals, NEW_YEAR, NEW_YEAR + DAY, 0, ON_TIME));
    pipeline.run();
  }

  @Test
  void slidingWindowsEqualThePlainLoop(TestPipeline pipeline) {
    PCollection<Aggregate<Integer, Totals>> weekly =
        pipeline
            .apply(Create.of(manySales()).withCoder(Sales.coder()))
            .apply("Weekly", revenueByStore(WEEKLY));

    PAssert.that(weekly).containsInAnyOrder(weeklyByLoop());
    ExplicitCoders.in(pipeline);
    pipeline.run();
  }

  @Test
  void sessionsEndAfterAGap(TestPipeline pipeline) {
    PCollection<Aggregate<Integer, Totals>> visits =
        pipeline
            .apply(
                Create.of(sale(5, 1, "4"), sale(0, 1, "1"), sale(1, 1, "2"))
                    .withCoder(Sales.coder()))
            .apply("Visits", revenueByStore(Windowed.sessions(Duration.ofDays(2))));

    Expect.rowsInAnyOrder(
        visits,
        aggregate(1, NEW_YEAR, NEW_YEAR + 3 * DAY, 2, "3.0000", 0, ON_TIME),
        aggregate(1, NEW_YEAR + 5 * DAY, NEW_YEAR + 7 * DAY, 1, "4.0000", 0, ON_TIME));
    pipeline.run();
  }

  @Test
  void afterDedupRecordsStillFallIntoTheirOwnWindows(TestPipeline pipeline) {
    PCollection<Aggregate<Integer, Totals>> daily =
        pipeline
            .apply(
                Create.of(sale(0, 1, "1"), sale(3, 1, "2"), sale(3, 1, "2"))
                    .withCoder(Sales.coder()))
            .apply("DedupSales", Dedup.first(Sale.class))
            .good()
            .apply("Daily", revenueByStore(DAILY));

    Expect.rowsInAnyOrder(
        daily, day(1, 0, 1, "1.0000", 0, ON_TIME), day(1, 3, 1, "2.0000", 0, ON_TIME));
    pipeline.run();
  }

  @Test
  void slidesThatDoNotDivideTheSizeAreRightToo(TestPipeline pipeline) {
    PCollection<Aggregate<Integer, Totals>> threeDaysEveryTwo =
        pipeline
            .apply(
                Create.of(sale(0, 1, "1"), sale(1, 1, "2"), sale(2, 1, "4"))
                    .withCoder(Sales.coder()))
            .apply(
                "ThreeDays",
                revenueByStore(Windowed.sliding(Duration.ofDays(3), Duration.ofDays(2))));

    // 1997-01-01 is an even day since the epoch, so a window starts with it.
    Expect.rowsInAnyOrder(
        threeDaysEveryTwo,
        aggregate(1, NEW_YEAR - 2 * DAY, NEW_YEAR + DAY, 1, "1.0000", 0, ON_TIME),
        aggregate(1, NEW_YEAR, NEW_YEAR + 3 * DAY, 3, "7.0000", 0, ON_TIME),
        aggregate(1, NEW_YEAR + 2 * DAY, NEW_YEAR + 5 * DAY, 1, "4.0000", 0, ON_TIME));
    pipeline.run();
  }

  @Test
  void inBatchTimestampsDoNotMatter(TestPipeline pipeline) {
    PCollection<Aggregate<Integer, Totals>> daily =
        pipeline
            .apply(
                Create.timestamped(
                        TimestampedValue.of(
                            sale(0, 1, "1"), Instant.ofEpochMilli(NEW_YEAR + 40 * DAY)))
                    .withCoder(Sales.coder()))
            .apply("Daily", revenueByStore(DAILY));

    Expect.rowsInAnyOrder(daily, day(1, 0, 1, "1.0000", 0, ON_TIME));
    pipeline.run();
  }

  @Test
  void aRecordWithoutEventTimeEndsTheRunAndFallsIntoNoWindow(TestPipeline pipeline) {
    // Given
    Sourced<Sale> sale = sale(0, 1, "1");
    Sourced<Sale> timeless =
        new Sourced<>(sale.value(), 1, Origin.NO_ARRIVAL, sale.origin(), sale.payload());
    pipeline
        .apply(Create.of(timeless).withCoder(Sales.coder()))
        .apply("Daily", revenueByStore(DAILY));

    // When
    var refused = assertThrows(RuntimeException.class, pipeline::run);

    // Then
    assertThat(refused.getMessage(), containsString("has no event time"));
  }

  @Test
  void inAStreamATimestampThatWasMovedPastTheEventTimeIsRefused(TestPipeline pipeline) {
    pipeline
        .apply(
            TestStream.create(Sales.coder())
                .addElements(
                    TimestampedValue.of(sale(0, 1, "1"), Instant.ofEpochMilli(NEW_YEAR + 1)))
                .advanceWatermarkToInfinity())
        .apply("Daily", revenueByStore(DAILY));

    var refused = assertThrows(Pipeline.PipelineExecutionException.class, pipeline::run);

    assertThat(refused.getMessage(), containsString("let it keep the earliest timestamp"));
  }

  @ParameterizedTest
  @ValueSource(ints = {10_000, 3, 0})
  void inAStreamSlidingWindowsEqualThePlainLoopWhateverTheBufferHolds(
      int limit, TestPipeline pipeline) {
    TestStream.Builder<Sourced<Sale>> stream = TestStream.create(Sales.coder());
    TimestampedValue<Sourced<Sale>> first = at(manySales().get(0));
    List<TimestampedValue<Sourced<Sale>>> more = new ArrayList<>();
    manySales().forEach(sale -> more.add(at(sale)));
    @SuppressWarnings({"unchecked", "rawtypes"})
    TimestampedValue<Sourced<Sale>>[] rest =
        more.subList(1, more.size()).toArray(new TimestampedValue[0]);

    PCollection<Aggregate<Integer, Totals>> weekly =
        pipeline
            .apply(stream.addElements(first, rest).advanceWatermarkToInfinity())
            .apply("Weekly", revenueByStore(WEEKLY).withBufferLimit(limit));

    PAssert.that(weekly).containsInAnyOrder(weeklyByLoop());
    pipeline.run();
  }

  @Test
  void inAStreamPanesComeEarlyOnTimeAndLateAndAccumulate(TestPipeline pipeline) {
    WindowPolicy policy =
        WindowPolicy.onTime().withEarly(Duration.ofSeconds(10)).withLateness(Duration.ofDays(7));
    TestStream<Sourced<Sale>> stream =
        TestStream.create(Sales.coder())
            .addElements(at(sale(0, 1, "1")), at(sale(0, 1, "2")))
            .advanceProcessingTime(org.joda.time.Duration.standardSeconds(11))
            .addElements(at(sale(0, 1, "4")))
            .advanceWatermarkTo(Instant.ofEpochMilli(NEW_YEAR + 2 * DAY))
            .addElements(at(sale(0, 1, "8")))
            .advanceWatermarkTo(Instant.ofEpochMilli(NEW_YEAR + 9 * DAY))
            // Beyond the lateness: the runner drops it. The late gate lies before that.
            .addElements(at(sale(0, 1, "16")))
            .advanceWatermarkToInfinity();

    PCollection<Aggregate<Integer, Totals>> daily =
        pipeline.apply(stream).apply("Daily", revenueByStore(DAILY.withPolicy(policy)));

    Expect.rowsInAnyOrder(
        daily,
        day(1, 0, 2, "3.0000", 0, EARLY),
        day(1, 0, 3, "7.0000", 1, ON_TIME),
        day(1, 0, 4, "15.0000", 2, LATE));
    ExplicitCoders.in(pipeline);
    pipeline.run();
  }

  @Test
  void inAStreamSlidingWindowsAreCombinedPerBundleWithTheirOwnWindows(TestPipeline pipeline) {
    TestStream<Sourced<Sale>> stream =
        TestStream.create(Sales.coder())
            .addElements(at(sale(0, 1, "1")), at(sale(1, 1, "2")), at(sale(0, 1, "4")))
            .advanceWatermarkTo(Instant.ofEpochMilli(NEW_YEAR + DAY))
            .addElements(at(sale(1, 1, "8")))
            .advanceWatermarkToInfinity();

    PCollection<Aggregate<Integer, Totals>> twoDays =
        pipeline
            .apply(stream)
            .apply(
                "TwoDays",
                revenueByStore(Windowed.sliding(Duration.ofDays(2), Duration.ofDays(1))));

    Expect.rowsInAnyOrder(
        twoDays,
        aggregate(1, NEW_YEAR - DAY, NEW_YEAR + DAY, 2, "5.0000", 0, ON_TIME),
        aggregate(1, NEW_YEAR, NEW_YEAR + 2 * DAY, 4, "15.0000", 0, ON_TIME),
        aggregate(1, NEW_YEAR + DAY, NEW_YEAR + 3 * DAY, 2, "10.0000", 0, ON_TIME));
    pipeline.run();
  }

  @Test
  void inAStreamNoPaneIsEmpty(TestPipeline pipeline) {
    WindowPolicy policy =
        WindowPolicy.onTime().withEarly(Duration.ofSeconds(10)).withLateness(Duration.ofDays(7));
    TestStream<Sourced<Sale>> stream =
        TestStream.create(Sales.coder())
            .addElements(at(sale(0, 1, "1")))
            .advanceProcessingTime(org.joda.time.Duration.standardSeconds(11))
            .advanceWatermarkToInfinity();

    PCollection<Aggregate<Integer, Totals>> daily =
        pipeline.apply(stream).apply("Daily", revenueByStore(DAILY.withPolicy(policy)));

    Expect.rowsInAnyOrder(daily, day(1, 0, 1, "1.0000", 0, EARLY));
    pipeline.run();
  }

  private static Windowed<Sale, Integer, Totals, Totals> revenueByStore(Windowed.Windows windows) {
    return windows.keyedBy(Sale::getStoreId, VarIntCoder.of()).sum(Sale::getStoreSales);
  }

  private static List<Sourced<Sale>> manySales() {
    List<Sourced<Sale>> sales = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      sales.add(sale(i * 7 % 23, i % 3, i + ".25"));
    }
    return sales;
  }

  private static List<Aggregate<Integer, Totals>> weeklyByLoop() {
    Map<KV<Integer, Integer>, Totals> byLastDay = new TreeMap<>(Comparator.comparing(KV::toString));
    for (int i = 0; i < 200; i++) {
      int day = i * 7 % 23;
      for (int last = day; last < day + 7; last++) {
        byLastDay.merge(KV.of(i % 3, last), Totals.of(new BigDecimal(i + ".2500")), Totals::plus);
      }
    }
    List<Aggregate<Integer, Totals>> rows = new ArrayList<>();
    byLastDay.forEach(
        (key, totals) ->
            rows.add(
                new Aggregate<>(
                    key.getKey(),
                    totals,
                    NEW_YEAR + (key.getValue() - 6) * DAY,
                    NEW_YEAR + (key.getValue() + 1) * DAY,
                    0,
                    ON_TIME)));
    return rows;
  }

  private static Sourced<Sale> sale(int day, int store, String revenue) {
    return sourced(Sales.sale(1, Sales.NEW_YEAR + day, store, revenue)).at("sales.json", day);
  }

  private static TimestampedValue<Sourced<Sale>> at(Sourced<Sale> sale) {
    return TimestampedValue.of(sale, Instant.ofEpochMilli(sale.eventTimeMillis()));
  }

  private static Aggregate<Integer, Totals> day(
      int store, int day, int sales, String revenue, int pane, Timing timing) {
    return aggregate(
        store, NEW_YEAR + day * DAY, NEW_YEAR + (day + 1) * DAY, sales, revenue, pane, timing);
  }

  private static Aggregate<Integer, Totals> aggregate(
      int store, long start, long end, int sales, String revenue, int pane, Timing timing) {
    Totals totals = Totals.of(new BigDecimal(revenue));
    for (int i = 1; i < sales; i++) {
      totals = totals.plus(Totals.of(BigDecimal.ZERO.setScale(4)));
    }
    return new Aggregate<>(store, totals, start, end, pane, timing);
  }
}

package dev.millrace.transforms.enrich;

import static dev.millrace.testing.Outcomes.deadLetter;
import static dev.millrace.testing.Records.sourced;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsInAnyOrder;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.hasProperty;
import static org.hamcrest.Matchers.is;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.contract.Reason;
import dev.millrace.schemas.retail.Day;
import dev.millrace.schemas.retail.Promotion;
import dev.millrace.schemas.retail.Region;
import dev.millrace.schemas.retail.Sale;
import dev.millrace.schemas.retail.Store;
import dev.millrace.schemas.system.FieldProfile;
import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.testing.BeamTest;
import dev.millrace.testing.Expect;
import dev.millrace.testing.ExplicitCoders;
import dev.millrace.testing.Outcomes;
import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.Sales;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.SourcedCoder;
import dev.millrace.transforms.ledger.Ledger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.extensions.avro.coders.AvroCoder;
import org.apache.beam.sdk.testing.TestPipeline;
import org.apache.beam.sdk.testing.TestStream;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.windowing.FixedWindows;
import org.apache.beam.sdk.transforms.windowing.Window;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.TimestampedValue;
import org.apache.beam.sdk.values.TypeDescriptors;
import org.joda.time.Duration;
import org.joda.time.Instant;
import org.junit.jupiter.api.Test;

@BeamTest
class EnrichTest {

  private static final Sourced<Sale> IN_STORE_2 =
      sourced(Sales.sale(1, Sales.NEW_YEAR, 2, "1.5")).at("sales.json", 0);
  private static final Sourced<Sale> IN_NO_STORE =
      sourced(Sales.sale(1, Sales.NEW_YEAR, 99, "1.5")).at("sales.json", 150);
  private static final Sourced<Sale> ON_NO_DAY =
      sourced(Sales.sale(1, 20_000, 2, "1.5")).at("sales.json", 300);
  private static final Sourced<Sale> IN_NO_STORE_ON_NO_DAY =
      sourced(Sales.sale(1, 20_000, 99, "1.5")).at("sales.json", 450);

  @Test
  void everyRecordGetsTheRowsItsKeysPointTo(TestPipeline pipeline) {
    Accounted<String> enriched =
        pipeline
            .apply(Create.of(IN_STORE_2).withCoder(Sales.coder()))
            .apply("EnrichSales", cityAndDay(stores(pipeline), days(pipeline)));

    Expect.rowsInAnyOrder(values(enriched), "1 in Bellingham on Wednesday");
    Expect.noRows(enriched.rejects());
    ExplicitCoders.in(pipeline);
    pipeline.run();
  }

  @Test
  void orphansAreRefusedWithTheFieldTheValueAndTheDimension(TestPipeline pipeline) {
    Accounted<String> enriched =
        pipeline
            .apply(Create.of(IN_STORE_2, IN_NO_STORE, ON_NO_DAY).withCoder(Sales.coder()))
            .apply("EnrichSales", cityAndDay(stores(pipeline), days(pipeline)));

    Expect.rows(
        enriched.rejects(),
        () ->
            containsInAnyOrder(
                allOf(
                    deadLetter(Reason.ORPHAN_KEY, "store_id"),
                    Outcomes.from("sales.json", 150),
                    Outcomes.withDetail(is("store_id 99 is in no row of store"))),
                allOf(
                    deadLetter(Reason.ORPHAN_KEY, "time_id"),
                    Outcomes.from("sales.json", 300),
                    Outcomes.withDetail(is("time_id 20000 is in no row of dim_date")))));
    Expect.rowsInAnyOrder(
        Ledger.of("sales", enriched),
        new LedgerEntry("sales", "EnrichSales", "sales.json", 3L, 1L, 2L, 0L, 0L, 0L));
    pipeline.run();
  }

  @Test
  void asTheLastStageItDropsThePayloadOfWhatItDoesNotRefuse(TestPipeline pipeline) {
    Accounted<String> enriched =
        pipeline
            .apply(Create.of(IN_STORE_2, IN_NO_STORE).withCoder(Sales.coder()))
            .apply("EnrichSales", cityAndDay(stores(pipeline), days(pipeline)).withoutPayload());

    Expect.rowsInAnyOrder(
        enriched
            .good()
            .apply(
                MapElements.into(TypeDescriptors.integers())
                    .via(record -> record.payload().bytes().length)),
        0);
    Expect.rows(
        enriched.rejects(),
        () -> contains(hasProperty("payload", is(ByteBuffer.wrap(IN_NO_STORE.payload().bytes())))));
    pipeline.run();
  }

  @Test
  void aRecordWithSeveralOrphansIsRefusedOnceForTheFirstLookUp(TestPipeline pipeline) {
    Accounted<String> enriched =
        pipeline
            .apply(Create.of(IN_NO_STORE_ON_NO_DAY).withCoder(Sales.coder()))
            .apply("EnrichSales", cityAndDay(stores(pipeline), days(pipeline)));

    Expect.rows(enriched.rejects(), () -> contains(deadLetter(Reason.ORPHAN_KEY, "store_id")));
    pipeline.run();
  }

  @Test
  void withoutAnyRowEveryKeyIsAnOrphan(TestPipeline pipeline) {
    Dimension<Store> none = dimension(pipeline, "Stores", Store.class);

    Accounted<String> enriched =
        pipeline
            .apply(Create.of(IN_STORE_2).withCoder(Sales.coder()))
            .apply("EnrichSales", cityAndDay(none, days(pipeline)));

    Expect.noRows(enriched.good());
    Expect.rows(enriched.rejects(), () -> contains(deadLetter(Reason.ORPHAN_KEY, "store_id")));
    pipeline.run();
  }

  @Test
  void ofTwoRowsWithOneKeyTheEarliestCounts(TestPipeline pipeline) {
    Dimension<Store> twice =
        dimension(pipeline, "Stores", Store.class, store(2, "Bellingham"), store(2, "Seattle"));

    Accounted<String> enriched =
        pipeline
            .apply(Create.of(IN_STORE_2).withCoder(Sales.coder()))
            .apply("EnrichSales", cityAndDay(twice, days(pipeline)));

    Expect.rowsInAnyOrder(values(enriched), "1 in Bellingham on Wednesday");
    pipeline.run();
  }

  @Test
  void inAStreamEveryRecordIsEnrichedInItsWindow(TestPipeline pipeline) {
    Instant day = Instant.parse("1997-01-01T00:00:00Z");
    TestStream<Sourced<Sale>> stream =
        TestStream.create(Sales.coder())
            .addElements(TimestampedValue.of(IN_STORE_2, day))
            .advanceWatermarkTo(day.plus(Duration.standardDays(3)))
            .addElements(TimestampedValue.of(IN_NO_STORE, day.plus(Duration.standardDays(4))))
            .advanceWatermarkToInfinity();

    Accounted<String> enriched =
        pipeline
            .apply(stream)
            .apply(Window.into(FixedWindows.of(Duration.standardDays(1))))
            .apply("EnrichSales", cityAndDay(stores(pipeline), days(pipeline)));

    Expect.rowsInAnyOrder(values(enriched), "1 in Bellingham on Wednesday");
    Expect.rows(enriched.rejects(), () -> contains(deadLetter(Reason.ORPHAN_KEY, "store_id")));
    Expect.rows(Ledger.of("sales", enriched), () -> Outcomes.balancedLedger());
    ExplicitCoders.in(pipeline);
    pipeline.run();
  }

  @Test
  void aFieldOfAnotherTypeThanTheKeyIsRefused() {
    Dimension<Store> stores = stores(TestPipeline.create());

    var refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> Enrich.broadcast(Sale.class).lookup("sale_id", stores));

    assertThat(
        refused.getMessage(),
        is("Sale.sale_id is a STRING, but Store.store_id is a INT: nothing would be found"));
  }

  @Test
  void aDimensionNeedsAKeyOfOneField() {
    var refused =
        assertThrows(IllegalArgumentException.class, () -> Dimension.of(FieldProfile.class));

    assertThat(
        refused.getMessage(),
        is("contract FieldProfile has a key of 3 fields; a dimension needs one"));
  }

  @Test
  void anUnboundedDimensionIsRefused() {
    PCollection<Sourced<Region>> endless =
        TestPipeline.create()
            .apply(
                TestStream.create(SourcedCoder.of(AvroCoder.specific(Region.class)))
                    .advanceWatermarkToInfinity());

    var refused =
        assertThrows(
            IllegalArgumentException.class, () -> endless.apply(Dimension.of(Region.class)));

    assertThat(refused.getMessage(), containsString("dimension dim_region never end"));
  }

  @Test
  void aNullKeyIsFoundEmptyAndAWrongFieldIsNamed() {
    Looked looked = new Looked(List.of("promotion_id"), new Object[1]);

    assertThat(looked.find("promotion_id", Promotion.class), is(Optional.empty()));
    assertThrows(NoSuchElementException.class, () -> looked.get("promotion_id", Promotion.class));
    var wrong =
        assertThrows(IllegalArgumentException.class, () -> looked.get("store_id", Store.class));
    assertThat(wrong.getMessage(), is("store_id was not looked up, only promotion_id"));
  }

  private static Enrich<Sale, String> cityAndDay(Dimension<Store> stores, Dimension<Day> days) {
    return Enrich.broadcast(Sale.class)
        .as("EnrichSales")
        .lookup("store_id", stores)
        .lookup("time_id", days)
        .into(
            StringUtf8Coder.of(),
            (sale, looked) ->
                sale.getProductId()
                    + " in "
                    + looked.get("store_id", Store.class).getStoreCity()
                    + " on "
                    + looked.get("time_id", Day.class).getTheDay());
  }

  private static Dimension<Store> stores(TestPipeline pipeline) {
    return dimension(
        pipeline, "Stores", Store.class, store(2, "Bellingham"), store(3, "Bremerton"));
  }

  private static Dimension<Day> days(TestPipeline pipeline) {
    Day day = new Day(Sales.NEW_YEAR, "Wednesday", "January", 1997, 1, 1, 1, "Q1");
    return dimension(pipeline, "Days", Day.class, day);
  }

  @SafeVarargs
  private static <V extends SpecificRecord> Dimension<V> dimension(
      TestPipeline pipeline, String name, Class<V> type, V... rows) {
    List<Sourced<V>> sourced = new ArrayList<>();
    for (V row : rows) {
      sourced.add(sourced(row).at(name, sourced.size()));
    }
    return pipeline
        .apply(
            "Create" + name,
            Create.of(sourced).withCoder(SourcedCoder.of(AvroCoder.specific(type))))
        .apply(name, Dimension.of(type));
  }

  private static Store store(int id, String city) {
    return Store.newBuilder()
        .setStoreId(id)
        .setStoreType("Supermarket")
        .setRegionId(1)
        .setStoreName("Store " + id)
        .setStoreCity(city)
        .setStoreState("WA")
        .setStoreCountry("USA")
        .build();
  }

  private static PCollection<String> values(Accounted<String> accounted) {
    return accounted
        .good()
        .apply("Values", MapElements.into(TypeDescriptors.strings()).via(Sourced::value));
  }
}

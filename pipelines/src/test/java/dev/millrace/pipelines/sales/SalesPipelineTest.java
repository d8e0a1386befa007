package dev.millrace.pipelines.sales;

import static dev.millrace.testing.Records.raw;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;

import dev.millrace.pipelines.Captured;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.testing.Outcomes;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.refine.Vault;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.avro.generic.IndexedRecord;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.values.PCollection;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The real pipeline; only its edges are swapped. One sale of each kind, and the answers by hand.
 *
 * <p>Days: 100 is 1996-04-09, 367 is 1997-01-01, 368 is 1997-01-02. Products 1 and 3 are fruit, 2
 * is meat. Customers 1, 3, 5 and 6 live in the West, 2 in the East, 4 nowhere.
 */
class SalesPipelineTest {

  private static final String GOOD = sale(1, 367, 1, 1, "10.0000", "4.0000", "2.0000", "");

  /** By their positions in {@code sales.json}. */
  private static final Map<Integer, String> SALES =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry(0, GOOD),
              Map.entry(1, GOOD), // a copy
              Map.entry(3, s1("1997-01-03T10:00:00Z", "7.2500")), // the newest version
              Map.entry(4, s1(null, "9.9900")), // a version without a date is the oldest
              Map.entry(5, v2(1, 368, 1, 1, "1", "S2", "1997-01-20T00:00:00Z")), // late
              Map.entry(6, v2(1, 380, 1, 1, "1", "S3", "1997-01-02T00:00:00Z")), // future
              Map.entry(7, v2(99, 368, 1, 1, "1", "S4", "1997-01-02T00:00:00Z")), // no product
              Map.entry(8, sale(1, 367, 4, 1, "1", "1", "1", "")), // customer is an orphan
              Map.entry(9, "{\"product_id\":1,"),
              Map.entry(10, "product 1"),
              Map.entry(11, sale(1, 367, 1, 1, "1", "1", "0", "")), // no units
              Map.entry(12, sale(3, 367, 1, 1, "0.0001", "0", "1", "")),
              Map.entry(13, sale(3, 367, 2, 1, "10.0001", "1", "1", "")),
              Map.entry(14, sale(1, 100, 3, 1, "2", "1", "1", "")),
              Map.entry(15, v2(2, 367, 2, 1, "1.5", "S5", "1997-01-08T00:00:00Z")), // just not late
              Map.entry(16, v2(2, 368, 1, 2, "2.75", "S6", "1997-01-01T00:00:00Z")), // just not
              Map.entry(17, sale(3, 100, 6, 1, "2", "1", "1", "")))); // as much as customer 3

  @TempDir static Path directory;
  private static SalesConfig config;
  private static Answer answer;

  /** Everything the pipeline stated, a line per row, sorted; and its dead letters. */
  private record Answer(Map<String, List<String>> rows, List<DeadLetter> letters) {
    List<String> of(String table) {
      return rows.getOrDefault(table, List.of());
    }
  }

  @BeforeAll
  static void run() throws IOException {
    Vault.createIfAbsent(directory.resolve("key"));
    config =
        new SalesConfig(
            Duration.ofDays(7),
            Duration.ofDays(1),
            1.0,
            2,
            2,
            null,
            "file:" + directory.resolve("key"));
    answer = answer(1);
  }

  @Test
  void theCleanSalesAreThoseThatPassedEveryStage() {
    assertThat(
        answer.of("sales"),
        contains(
            "sales.json:0 v1 1997-01-01 Apple Fruit Salem West",
            "sales.json:12 v1 1997-01-01 Pear Fruit Salem West",
            "sales.json:13 v1 1997-01-01 Pear Fruit Salem East",
            "sales.json:14 v1 1996-04-09 Apple Fruit Salem West",
            "sales.json:15 v2 1997-01-01 Ham Meat Salem East",
            "sales.json:16 v2 1997-01-02 Ham Meat Tacoma West",
            "sales.json:17 v1 1996-04-09 Pear Fruit Salem West",
            "sales.json:3 v2 1997-01-02 Ham Meat Tacoma East"));
  }

  @Test
  void revenuePerDayStoreAndCategory() {
    assertThat(
        answer.of("revenue_daily"),
        contains(
            "1996-04-09 1 Fruit 4.0000 2.0000 2.0000 2",
            "1997-01-01 1 Fruit 20.0002 5.0000 4.0000 3",
            "1997-01-01 1 Meat 1.5000 0.5000 3.0000 1",
            "1997-01-02 2 Meat 10.0000 3.5000 4.0000 2"));
  }

  @Test
  void topCustomersPerRegionAndOfEqualOnesTheLowerId() {
    assertThat(
        answer.of("top_customers"),
        contains("East 1 2 18.7501 3", "West 1 1 12.7501 3", "West 2 3 2.0000 1"));
  }

  @Test
  void sevenDayAverageOnEveryDayWhoseWindowHoldsASale() {
    List<String> expected =
        Stream.of(
                week(1, "1996-04-09", "4.0000 0.5714 2"),
                week(1, "1997-01-01", "21.5002 3.0715 4"),
                week(2, "1997-01-02", "10.0000 1.4286 2"))
            .flatMap(Function.identity())
            .toList();

    assertThat(answer.of("store_revenue_7d"), equalTo(expected));
  }

  @Test
  void runningTotalPerCustomer() {
    assertThat(
        answer.of("customer_running_total"),
        contains(
            "1 1997-01-01 10.0001 10.0001",
            "1 1997-01-02 2.7500 12.7501",
            "2 1997-01-01 11.5001 11.5001",
            "2 1997-01-02 7.2500 18.7501",
            "3 1996-04-09 2.0000 2.0000",
            "6 1996-04-09 2.0000 2.0000"));
  }

  @Test
  void lapsedCustomersAreKnownAndBoughtNothingInTheSixMonthsBeforeTheLatestSale() {
    assertThat(
        answer.of("lapsed_customers"),
        contains("3 1996-04-09 1997-01-02", "5 null 1997-01-02", "6 1996-04-09 1997-01-02"));
  }

  @Test
  void topProductsOfTheMonthOfTheLatestSale() {
    assertThat(
        answer.of("top_products"),
        contains("1997-01-01 1 2 Ham 11.5000 7.0000", "1997-01-01 2 3 Pear 10.0002 2.0000"));
  }

  @Test
  void theLedgerAccountsForEveryRecord() {
    assertThat(
        answer.of("ledger"),
        contains(
            // stage source read = written + invalid + late + duplicate + filtered
            "ClassifyProducts products.json 3 = 3 + 0 + 0 + 0 + 0",
            "DedupCustomers customers.json 7 = 6 + 0 + 0 + 1 + 0",
            "DedupDays days.json 3 = 3 + 0 + 0 + 0 + 0",
            "DedupProductClasses classes.json 2 = 2 + 0 + 0 + 0 + 0",
            "DedupProducts products.json 3 = 3 + 0 + 0 + 0 + 0",
            "DedupPromotions promotions.json 1 = 1 + 0 + 0 + 0 + 0",
            "DedupRegions regions.json 2 = 2 + 0 + 0 + 0 + 0",
            "DedupSales more.json 1 = 0 + 0 + 0 + 1 + 0",
            "DedupSales sales.json 12 = 10 + 0 + 0 + 2 + 0",
            "DedupStores stores.json 2 = 2 + 0 + 0 + 0 + 0",
            "EnrichSales sales.json 10 = 8 + 2 + 0 + 0 + 0",
            "LocateCustomers customers.json 6 = 5 + 1 + 0 + 0 + 0",
            "LocateStores stores.json 2 = 2 + 0 + 0 + 0 + 0",
            "RefineCustomers customers.json 7 = 7 + 0 + 0 + 0 + 0",
            "RefineDays days.json 3 = 3 + 0 + 0 + 0 + 0",
            "RefineProductClasses classes.json 2 = 2 + 0 + 0 + 0 + 0",
            "RefineProducts products.json 3 = 3 + 0 + 0 + 0 + 0",
            "RefinePromotions promotions.json 1 = 1 + 0 + 0 + 0 + 0",
            "RefineRegions regions.json 2 = 2 + 0 + 0 + 0 + 0",
            "RefineSales more.json 1 = 1 + 0 + 0 + 0 + 0",
            "RefineSales sales.json 17 = 12 + 3 + 2 + 0 + 0",
            "RefineStores stores.json 2 = 2 + 0 + 0 + 0 + 0"));
  }

  @Test
  void everyRejectHasItsReasonItsPlaceAndItsBytes() {
    assertThat(
        answer.of("rejects"),
        contains(
            "EnrichSales ORPHAN_KEY customer_id sales.json:8 v1 PLAIN sales 1",
            "EnrichSales ORPHAN_KEY product_id sales.json:7 v2 PLAIN sales 1",
            "LocateCustomers ORPHAN_KEY customer_region_id customers.json:3 v1 ENCRYPTED sales 1",
            "RefineSales FUTURE null sales.json:6 v2 PLAIN sales 1",
            "RefineSales LATE null sales.json:5 v2 PLAIN sales 1",
            "RefineSales MALFORMED null sales.json:10 v0 PLAIN sales 1",
            "RefineSales RULE_VIOLATION unit_sales sales.json:11 v1 PLAIN sales 1",
            "RefineSales TRUNCATED null sales.json:9 v0 PLAIN sales 1"));
    for (DeadLetter letter : answer.letters()) {
      byte[] payload = letter.getPayload().array();
      boolean encrypted = letter.getPayloadState().equals("ENCRYPTED");
      String text =
          new String(
              encrypted ? Vault.open(config.secret()).decrypt(payload) : payload,
              StandardCharsets.UTF_8);
      assertThat(text, is(encrypted ? customer(4, 99) : SALES.get((int) letter.getPosition())));
    }
  }

  @Test
  void theAnswerDoesNotDependOnTheOrderOfTheInput() {
    assertThat(answer(2).rows(), equalTo(answer.rows()));
  }

  private static Answer answer(long seed) {
    Pipeline pipeline = Pipeline.create(PipelineOptionsFactory.create());
    SalesResults results =
        SalesPipeline.flow(
            new SalesInputs(
                sales(pipeline, seed),
                input(
                    pipeline,
                    seed,
                    "customers",
                    customer(1, 1),
                    customer(2, 2),
                    customer(3, 1),
                    customer(4, 99),
                    customer(5, 1),
                    customer(6, 1),
                    customer(1, 2)),
                input(
                    pipeline,
                    seed,
                    "products",
                    product(1, 1, "Apple"),
                    product(2, 2, "Ham"),
                    product(3, 1, "Pear")),
                input(pipeline, seed, "classes", productClass(1, "Fruit"), productClass(2, "Meat")),
                input(pipeline, seed, "stores", store(1, 1, "Salem"), store(2, 2, "Tacoma")),
                input(
                    pipeline,
                    seed,
                    "promotions",
                    "{\"promotion_id\":0,\"promotion_district_id\":0,\"promotion_name\":\"None\",\"media_type\":\"None\",\"cost\":0}"),
                input(
                    pipeline,
                    seed,
                    "days",
                    day(100, 1996, 4, 9),
                    day(367, 1997, 1, 1),
                    day(368, 1997, 1, 2)),
                input(pipeline, seed, "regions", region(1, "West"), region(2, "East"))),
            config,
            "1");
    Map<String, Captured<? extends IndexedRecord>> tables = new TreeMap<>();
    SalesAnswers answers = results.answers();
    tables.put("revenue_daily", Captured.of(answers.revenueDaily()));
    tables.put("top_customers", Captured.of(answers.topCustomers()));
    tables.put("store_revenue_7d", Captured.of(answers.storeRevenue7d()));
    tables.put("customer_running_total", Captured.of(answers.customerRunningTotals()));
    tables.put("lapsed_customers", Captured.of(answers.lapsedCustomers()));
    tables.put("top_products", Captured.of(answers.topProducts()));
    var sales = Captured.of(results.sales());
    var ledger = Captured.of(results.ledger());
    var rejects = Captured.of(results.rejects());
    pipeline.run().waitUntilFinish();

    Map<String, List<String>> rows = new TreeMap<>();
    tables.forEach((name, table) -> rows.put(name, sorted(table, SalesPipelineTest::text)));
    rows.put(
        "sales",
        sorted(
            sales,
            s ->
                place(s)
                    + " v"
                    + s.contractVersion()
                    + " "
                    + String.join(
                        " ",
                        s.value().getDay().toString(),
                        s.value().getProductName(),
                        s.value().getProductCategory(),
                        s.value().getStoreCity(),
                        s.value().getSalesRegion())));
    rows.put(
        "ledger",
        sorted(
            ledger,
            e ->
                "%s %s %d = %d + %d + %d + %d + %d"
                    .formatted(
                        e.getStage(),
                        e.getSource(),
                        e.getRead(),
                        e.getWritten(),
                        e.getInvalid(),
                        e.getLate(),
                        e.getDuplicate(),
                        e.getFiltered())));
    rows.put(
        "rejects",
        sorted(
            rejects,
            r ->
                "%s %s %s %s:%d v%d %s %s %s"
                    .formatted(
                        r.getStage(),
                        r.getReason(),
                        r.getField(),
                        r.getSource(),
                        r.getPosition(),
                        r.getContractVersion(),
                        r.getPayloadState(),
                        r.getPipeline(),
                        r.getPipelineVersion())));
    for (List<String> chain : SalesPipeline.CHAINS) {
      assertThat(ledger.list(), is(Outcomes.balancedLedger(chain.toArray(String[]::new))));
    }
    return new Answer(rows, rejects.list());
  }

  private static <T> List<String> sorted(
      Captured<? extends T> rows, Function<? super T, String> text) {
    return rows.list().stream().map(text).sorted().toList();
  }

  /** The values of a row. */
  private static String text(IndexedRecord row) {
    return IntStream.range(0, row.getSchema().getFields().size())
        .mapToObj(i -> String.valueOf(row.get(i)))
        .collect(Collectors.joining(" "));
  }

  private static String place(Sourced<?> record) {
    return record.origin().source() + ":" + record.origin().position();
  }

  private static Stream<String> week(int store, String from, String figures) {
    LocalDate first = LocalDate.parse(from);
    return IntStream.range(0, 7).mapToObj(i -> store + " " + first.plusDays(i) + " " + figures);
  }

  private static PCollection<RawRecord> sales(Pipeline pipeline, long seed) {
    List<RawRecord> records = new ArrayList<>();
    SALES.forEach((position, json) -> records.add(raw(json).at("sales.json", position)));
    records.add(raw(s1("1997-01-02T10:00:00Z", "5.5000")).at("more.json", 0));
    return create(pipeline, seed, "sales", records);
  }

  private static PCollection<RawRecord> input(
      Pipeline pipeline, long seed, String name, String... json) {
    return create(
        pipeline,
        seed,
        name,
        IntStream.range(0, json.length)
            .mapToObj(i -> raw(json[i]).at(name + ".json", i))
            .collect(Collectors.toCollection(ArrayList::new)));
  }

  private static PCollection<RawRecord> create(
      Pipeline pipeline, long seed, String name, List<RawRecord> records) {
    Collections.shuffle(records, new Random(seed));
    return pipeline.apply("Read_" + name, Create.of(records).withCoder(RawRecord.coder()));
  }

  private static String sale(
      int product,
      int day,
      int customer,
      int store,
      String revenue,
      String cost,
      String units,
      String more) {
    return "{\"product_id\":%d,\"time_id\":%d,\"customer_id\":%d,\"promotion_id\":0,\"store_id\":%d,\"store_sales\":%s,\"store_cost\":%s,\"unit_sales\":%s%s}"
        .formatted(product, day, customer, store, revenue, cost, units, more);
  }

  private static String v2(
      int product, int day, int customer, int store, String revenue, String id, String arrived) {
    return sale(
        product,
        day,
        customer,
        store,
        revenue,
        "0.5",
        "3",
        ",\"sale_id\":\"%s\",\"arrived_at\":\"%s\"".formatted(id, arrived));
  }

  /** A version of sale S1: ham, in store 2, on 1997-01-02. */
  private static String s1(@org.jspecify.annotations.Nullable String updated, String revenue) {
    return sale(
        2,
        368,
        2,
        2,
        revenue,
        "3",
        "1",
        ",\"sale_id\":\"S1\",\"updated_at\":" + (updated == null ? "null" : "\"" + updated + "\""));
  }

  private static String customer(int id, int region) {
    return "{\"customer_id\":%d,\"account_num\":1,\"lname\":\"Last\",\"fname\":\"First\",\"address1\":null,\"city\":\"Salem\",\"state_province\":\"OR\",\"postal_code\":\"97301\",\"country\":\"USA\",\"customer_region_id\":%d,\"phone1\":null,\"birthdate\":\"1960-01-31\",\"marital_status\":\"M\",\"yearly_income\":\"$10K\",\"gender\":\"F\",\"total_children\":0,\"education\":\"none\",\"date_accnt_opened\":\"1990-01-31\",\"member_card\":\"Bronze\",\"occupation\":\"none\",\"num_cars_owned\":0}"
        .formatted(id, region);
  }

  private static String product(int id, int productClass, String name) {
    return "{\"product_id\":%d,\"product_class_id\":%d,\"brand_name\":\"B\",\"product_name\":\"%s\",\"SKU\":1,\"SRP\":1.5,\"recyclable_package\":true,\"low_fat\":false,\"units_per_case\":1}"
        .formatted(id, productClass, name);
  }

  private static String productClass(int id, String category) {
    return "{\"product_class_id\":%d,\"product_subcategory\":\"S\",\"product_category\":\"%s\",\"product_department\":\"D\",\"product_family\":\"F\"}"
        .formatted(id, category);
  }

  private static String store(int id, int region, String city) {
    return "{\"store_id\":%d,\"store_type\":\"T\",\"region_id\":%d,\"store_name\":\"Store\",\"store_city\":\"%s\",\"store_state\":\"OR\",\"store_country\":\"USA\",\"store_sqft\":null}"
        .formatted(id, region, city);
  }

  private static String day(int id, int year, int month, int day) {
    return "{\"time_id\":%d,\"the_day\":\"Monday\",\"the_month\":\"M\",\"the_year\":%d,\"day_of_month\":%d,\"week_of_year\":1,\"month_of_year\":%d,\"quarter\":\"Q1\"}"
        .formatted(id, year, day, month);
  }

  private static String region(int id, String name) {
    return "{\"region_id\":%d,\"sales_city\":\"C\",\"sales_state_province\":\"P\",\"sales_district\":\"D\",\"sales_region\":\"%s\",\"sales_country\":\"USA\"}"
        .formatted(id, name);
  }
}

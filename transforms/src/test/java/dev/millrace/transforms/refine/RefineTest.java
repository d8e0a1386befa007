package dev.millrace.transforms.refine;

import static dev.millrace.contract.Reason.FUTURE;
import static dev.millrace.contract.Reason.LATE;
import static dev.millrace.contract.Reason.MISSING_FIELD;
import static dev.millrace.contract.Reason.NOT_AN_OBJECT;
import static dev.millrace.contract.Reason.NUMBER_OUT_OF_RANGE;
import static dev.millrace.contract.Reason.RULE_VIOLATION;
import static dev.millrace.contract.Reason.TRUNCATED;
import static dev.millrace.testing.Outcomes.deadLetter;
import static dev.millrace.testing.Outcomes.from;
import static dev.millrace.testing.Outcomes.withDetail;
import static dev.millrace.testing.Records.raw;
import static dev.millrace.testing.Records.sourced;
import static java.util.stream.Collectors.joining;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsInAnyOrder;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.schemas.retail.Customer;
import dev.millrace.schemas.retail.Sale;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.schemas.web.ShopEvent;
import dev.millrace.testing.BeamTest;
import dev.millrace.testing.Expect;
import dev.millrace.testing.ExplicitCoders;
import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.Outcome;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.SourcedCoder;
import dev.millrace.transforms.Tally;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Function;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.extensions.avro.coders.AvroCoder;
import org.apache.beam.sdk.testing.TestPipeline;
import org.apache.beam.sdk.testing.TestStream;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.Reify;
import org.apache.beam.sdk.transforms.windowing.FixedWindows;
import org.apache.beam.sdk.transforms.windowing.Window;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.TimestampedValue;
import org.apache.beam.sdk.values.TypeDescriptor;
import org.hamcrest.FeatureMatcher;
import org.hamcrest.Matcher;
import org.joda.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

@BeamTest
class RefineTest {

  private static final String GOOD =
      "{\"product_id\":337,\"time_id\":367,\"customer_id\":6280,\"promotion_id\":0,\"store_id\":2,"
          + "\"store_sales\":1.5000,\"store_cost\":0.5100,\"unit_sales\":2.0000}";
  private static final Refine<Sale> SALES =
      Refine.json(Sale.class)
          .as("RefineSales")
          .lateAfter(Duration.ofDays(7))
          .futureAfter(Duration.ofDays(1));

  @TempDir private Path directory;

  @Test
  void goodRecordsLeaveTypedAndTimestampedWithTheirEventTime(TestPipeline pipeline) {
    // When
    Accounted<Sale> sales = raws(pipeline, raw(GOOD).at("a.json", 0)).apply(SALES);

    // Then
    Expect.rows(
        sales
            .good()
            .apply(Reify.timestamps())
            .apply(
                "Show",
                MapElements.into(TypeDescriptor.of(String.class))
                    .via(
                        t ->
                            t.getTimestamp()
                                + " "
                                + t.getValue().value().getStoreSales()
                                + " v"
                                + t.getValue().contractVersion()
                                + " "
                                + (t.getValue().origin().arrivalMillis()
                                    == t.getValue().eventTimeMillis()))),
        () -> contains("1997-01-01T00:00:00.000Z 1.5000 v1 true"));
    Expect.noRows(sales.rejects());
    ExplicitCoders.in(pipeline);
    pipeline.run();
  }

  @Test
  void eachRecordHasOneOutcomeAndTheLedgerBalances(TestPipeline pipeline) {
    // When
    Accounted<Sale> sales =
        raws(
                pipeline,
                raw(GOOD).at("a.json", 0),
                raw("{").at("a.json", 150),
                raw(GOOD.replace("337", "0")).at("b.json", 0),
                raw(GOOD).arrived("1997-01-09T00:00:00Z").at("b.json", 1),
                raw(GOOD).arrived("1996-12-30T00:00:00Z").at("b.json", 2),
                raw(with("\"arrived_at\":\"1997-01-08T00:00:00.001Z\"")).at("b.json", 3),
                raw(with("\"arrived_at\":\"1997-01-08T00:00:00.000Z\"")).at("b.json", 4))
            .apply(SALES);

    // Then
    Expect.rows(
        sales.rejects(),
        () ->
            containsInAnyOrder(
                deadLetter(TRUNCATED),
                deadLetter(RULE_VIOLATION, "product_id"),
                allOf(deadLetter(LATE), from("b.json", 1)),
                allOf(deadLetter(FUTURE), from("b.json", 2)),
                allOf(deadLetter(LATE), from("b.json", 3))));
    Expect.rows(
        sales.tallies(),
        () ->
            tallied(
                "RefineSales a.json READ 2",
                "RefineSales a.json WRITTEN 1",
                "RefineSales a.json INVALID 1",
                "RefineSales b.json READ 5",
                "RefineSales b.json WRITTEN 1",
                "RefineSales b.json INVALID 1",
                "RefineSales b.json LATE 3"));
    pipeline.run();
  }

  @Test
  void anyDamageLeavesAccountsThatBalance(TestPipeline pipeline) {
    // Given
    SplittableRandom random = new SplittableRandom(1);
    RawRecord[] records = new RawRecord[2_000];
    for (int i = 0; i < records.length; i++) {
      byte[] payload = GOOD.getBytes(StandardCharsets.UTF_8);
      for (int n = random.nextInt(3); n > 0; n--) {
        payload[random.nextInt(payload.length)] = (byte) random.nextInt(256);
      }
      records[i] = new RawRecord(payload, new Origin("a.json", i, Origin.NO_ARRIVAL));
    }

    // When
    Accounted<Sale> sales = raws(pipeline, records).apply(SALES);

    // Then
    Expect.rows(sales.tallies(), () -> balanced(2_000));
    pipeline.run();
  }

  @Test
  void aDeadLetterKeepsBytesPlaceAndTimes(TestPipeline pipeline) {
    // Given
    String bad = GOOD.replace("337", "0");

    // When
    Accounted<Sale> sales =
        raws(pipeline, raw(bad).arrived("1997-01-02T00:00:00Z").at("a.json", 7)).apply(SALES);

    // Then
    Expect.rowsInAnyOrder(
        sales
            .rejects()
            .apply(
                "Show",
                MapElements.into(TypeDescriptor.of(String.class))
                    .via(
                        (DeadLetter d) ->
                            String.join(
                                " ",
                                d.getStage(),
                                d.getPayloadState(),
                                text(d.getPayload()),
                                d.getSource() + ":" + d.getPosition(),
                                d.getEventTime() + "",
                                d.getArrivalTime() + "",
                                d.getContract() + d.getContractVersion()))),
        "RefineSales PLAIN " + bad + " a.json:7 1997-01-01T00:00:00Z 1997-01-02T00:00:00Z Sale1");
    pipeline.run();
  }

  @Test
  void rulesOverSeveralFieldsComeAfterThoseOfTheContract(TestPipeline pipeline) {
    // Given
    Refine<Sale> profitable =
        SALES
            .withRule(
                "profit",
                "not cost more than it earns",
                s -> s.getStoreCost().compareTo(s.getStoreSales()) <= 0)
            .withRule("never", "not be", s -> false);

    // When
    Accounted<Sale> sales =
        raws(
                pipeline,
                raw(GOOD.replace("0.5100", "1.6")).at("a.json", 0),
                raw(GOOD.replace("0.5100", "1.6").replace("337", "-1")).at("a.json", 1),
                raw(GOOD).arrived("1999-01-01T00:00:00Z").at("a.json", 2))
            .apply(profitable);

    // Then
    Expect.rows(
        sales.rejects(),
        () ->
            containsInAnyOrder(
                allOf(
                    from("a.json", 0),
                    deadLetter(RULE_VIOLATION),
                    withDetail(is("profit: the record must not cost more than it earns"))),
                allOf(from("a.json", 1), deadLetter(RULE_VIOLATION, "product_id")),
                allOf(
                    from("a.json", 2),
                    deadLetter(RULE_VIOLATION),
                    withDetail(startsWith("never")))));
    pipeline.run();
  }

  @Test
  void whatIsLeftOutIsCheckedAndGone(TestPipeline pipeline) throws IOException {
    // Given
    String event =
        "{\"event_id\":\"e\",\"user_id\":\"u\",\"session_id\":\"s\",\"action\":\"view\","
            + "\"product_id\":7,\"url\":\"/\",\"user_agent\":\"b\",\"event_time\":1000}";
    Refine<ShopEvent> refine =
        Refine.json(ShopEvent.class)
            .withSecret(secret())
            .without("user_id", "url")
            .without("product_id", "referrer", "user_agent");

    // When
    Accounted<ShopEvent> events =
        raws(
                pipeline,
                raw(event).at("e.json", 0),
                raw(event.replace("\"/\"", "\"\\/\"")).at("e.json", 1),
                raw(event.replace("\"u\"", '"' + "u".repeat(65) + '"')).at("e.json", 2),
                raw(event.replace("7", "0")).at("e.json", 3),
                raw(event.replace("\"url\"", "\"page\"")).at("e.json", 4))
            .apply(refine);

    // Then
    String left = "e||s|view|null|null|null||null|null|1970-01-01T00:00:01Z|null";
    Expect.rowsInAnyOrder(
        events
            .good()
            .apply(
                "Show",
                MapElements.into(TypeDescriptor.of(String.class))
                    .via((Sourced<ShopEvent> s) -> values(s.value()))),
        left,
        left);
    Expect.rows(
        events.rejects(),
        () ->
            containsInAnyOrder(
                allOf(from("e.json", 2), deadLetter(RULE_VIOLATION, "user_id")),
                allOf(from("e.json", 3), deadLetter(RULE_VIOLATION, "product_id")),
                allOf(from("e.json", 4), deadLetter(MISSING_FIELD, "url"))));
    pipeline.run();
  }

  @Test
  void aRuleOverSeveralFieldsSeesWhatIsLeftOut(TestPipeline pipeline) throws IOException {
    // When
    Accounted<ShopEvent> events =
        raws(
                pipeline,
                raw("{\"event_id\":\"e\",\"user_id\":\"u\",\"session_id\":\"s\",\"action\":\"view\",\"url\":\"/\",\"event_time\":1}")
                    .at("e.json", 0))
            .apply(
                Refine.json(ShopEvent.class)
                    .withSecret(secret())
                    .without("url")
                    .withRule("relative", "be of the shop", e -> e.getUrl().startsWith("/")));

    // Then
    Expect.noRows(events.rejects());
    pipeline.run();
  }

  @Test
  void whatIsNeededCannotBeLeftOut() {
    assertThat(
        refused(() -> Refine.json(ShopEvent.class).without("event_id")),
        is("event_id tells copies and versions of a ShopEvent apart, so it cannot be left out"));
    assertThat(
        refused(() -> Refine.json(ShopEvent.class).without("event_time")),
        is("event_time is required by contract ShopEvent and no text, so it cannot be left out"));
    assertThat(refused(() -> Refine.json(ShopEvent.class).without("ulr")), containsString("ulr"));
  }

  private static String refused(Executable call) {
    return String.valueOf(assertThrows(IllegalArgumentException.class, call).getMessage());
  }

  private static String values(SpecificRecord record) {
    return record.getSchema().getFields().stream()
        .map(field -> String.valueOf(record.get(field.pos())))
        .collect(joining("|"));
  }

  @Test
  void inAStreamTheDataDecidesWhatIsLateAndTheRunnerDropsNothing(TestPipeline pipeline) {
    // Given: the source's timestamps and watermark are arrival − 7 days
    Instant arrival = Instant.parse("1997-01-08T00:00:00Z");
    Instant later = Instant.parse("1997-01-08T00:00:00.001Z");
    TestStream<RawRecord> stream =
        TestStream.create(RawRecord.coder())
            .advanceWatermarkTo(behind(arrival))
            .addElements(
                TimestampedValue.of(
                    raw(GOOD).arrived(arrival.toString()).at("t-0", 0), behind(arrival)))
            .advanceWatermarkTo(behind(later))
            .addElements(
                TimestampedValue.of(
                    raw(GOOD).arrived(later.toString()).at("t-0", 1), behind(later)),
                TimestampedValue.of(
                    raw(GOOD.replace("367", "376")).arrived(later.toString()).at("t-0", 2),
                    behind(later)),
                TimestampedValue.of(
                    raw(GOOD.replace("367", "374")).arrived(later.toString()).at("t-0", 3),
                    behind(later)))
            .advanceWatermarkToInfinity();

    // When
    Accounted<Sale> sales = pipeline.apply(stream).apply(SALES);

    // Then
    Expect.rows(
        sales
            .good()
            .apply(Window.into(FixedWindows.of(org.joda.time.Duration.standardDays(1))))
            .apply(
                "Show",
                MapElements.into(TypeDescriptor.of(String.class))
                    .via((Sourced<Sale> s) -> "" + s.origin().position())),
        () -> containsInAnyOrder("0", "3"));
    Expect.rows(
        sales.rejects(),
        () ->
            containsInAnyOrder(
                allOf(from("t-0", 1), deadLetter(LATE)),
                allOf(from("t-0", 2), deadLetter(FUTURE))));
    Expect.rows(
        sales.tallies(),
        () ->
            tallied(
                "RefineSales t-0 READ 4", "RefineSales t-0 WRITTEN 2", "RefineSales t-0 LATE 2"));
    pipeline.run();
  }

  @Test
  void withoutAGateNoRecordIsLateNorMovesBackwards(TestPipeline pipeline) {
    // Given
    Instant arrival = Instant.parse("1999-01-01T00:00:00Z");

    // When
    Accounted<Sale> sales =
        pipeline
            .apply(
                Create.timestamped(
                        TimestampedValue.of(
                            raw(GOOD).arrived(arrival.toString()).at("a.json", 0), arrival))
                    .withCoder(RawRecord.coder()))
            .apply(Refine.json(Sale.class));

    // Then
    Expect.rows(
        sales
            .good()
            .apply(Reify.timestamps())
            .apply(
                "Show",
                MapElements.into(TypeDescriptor.of(String.class))
                    .via(t -> t.getTimestamp() + " " + t.getValue().eventTimeMillis())),
        () -> contains("1999-01-01T00:00:00.000Z 852076800000"));
    pipeline.run();
  }

  @Test
  void privateFieldsAndPayloadsLeaveMasked(TestPipeline pipeline) throws IOException {
    // Given
    String secret = secret();
    String json = MaskerTest.customer().toString();
    String bad = json.replace("1961-08-26", "26.8.1961");

    // When
    Accounted<Customer> customers =
        raws(pipeline, raw(json).at("c.json", 0), raw(bad).at("c.json", 1))
            .apply(Refine.json(Customer.class).withSecret(secret));

    // Then
    Expect.rows(
        customers
            .good()
            .apply(
                "Show",
                MapElements.into(TypeDescriptor.of(String.class))
                    .via(
                        (Sourced<Customer> c) ->
                            c.value().getLname()
                                + " "
                                + new String(
                                        Vault.open(secret).decrypt(c.payload().bytes()),
                                        StandardCharsets.UTF_8)
                                    .equals(json))),
        () -> contains("N*** true"));
    Expect.rows(
        customers.rejects(),
        () ->
            contains(
                allOf(
                    deadLetter(RULE_VIOLATION, "birthdate"),
                    withDetail(not(containsString("26"))))));
    Expect.rowsInAnyOrder(
        customers
            .rejects()
            .apply(
                "ShowRejects",
                MapElements.into(TypeDescriptor.of(String.class))
                    .via(
                        (DeadLetter d) ->
                            d.getPayloadState()
                                + " "
                                + text(
                                    ByteBuffer.wrap(
                                        Vault.open(secret).decrypt(bytes(d.getPayload())))))),
        "ENCRYPTED " + bad);
    pipeline.run();
  }

  @Test
  void theStepsAloneDoWhatThePassDoes(TestPipeline pipeline) {
    // Given
    List<RawRecord> records = new ArrayList<>();
    records.add(raw(GOOD).at("a.json", 0));
    records.add(raw("[]").at("a.json", 1));
    records.add(raw(GOOD.replace("367", "0")).at("a.json", 2));
    records.add(raw(GOOD).arrived("1999-01-01T00:00:00Z").at("a.json", 3));

    // When
    Accounted<Sale> parsed =
        raws(pipeline, records.toArray(RawRecord[]::new)).apply(Parse.json(Sale.class));
    Accounted<Sale> valid = parsed.good().apply(Validate.against(Sale.class));
    Accounted<Sale> onTime =
        valid.good().apply(Gate.on(Sale.class, Duration.ofDays(7), Duration.ofDays(1)));

    // Then
    Expect.rows(
        parsed.rejects(), () -> contains(allOf(from("a.json", 1), deadLetter(NOT_AN_OBJECT))));
    Expect.rows(
        valid.rejects(),
        () -> contains(allOf(from("a.json", 2), deadLetter(RULE_VIOLATION, "time_id"))));
    Expect.rows(onTime.rejects(), () -> contains(allOf(from("a.json", 3), deadLetter(LATE))));
    Expect.rows(
        onTime
            .good()
            .apply(
                "Show",
                MapElements.into(TypeDescriptor.of(String.class))
                    .via((Sourced<Sale> s) -> "" + s.origin().position())),
        () -> contains("0"));
    Expect.rows(
        onTime.tallies(),
        () ->
            tallied(
                "GateSale a.json READ 2", "GateSale a.json WRITTEN 1", "GateSale a.json LATE 1"));
    pipeline.run();
  }

  @Test
  void maskAloneMasksACopy(TestPipeline pipeline) throws IOException {
    // When
    Accounted<Customer> customers =
        pipeline
            .apply(
                Create.of(sourced(MaskerTest.customer()).at("c.json", 0))
                    .withCoder(SourcedCoder.of(AvroCoder.specific(Customer.class))))
            .apply(Mask.with(secret(), Customer.class).as("MaskCustomers"));

    // Then
    Expect.rows(
        customers
            .good()
            .apply(
                "Show",
                MapElements.into(TypeDescriptor.of(String.class))
                    .via((Sourced<Customer> c) -> c.value().getFname() + c.value().getAddress1())),
        () -> contains("M*** L***null"));
    pipeline.run();
  }

  @Test
  void parseRefusesATimeNoTimestampCanHold(TestPipeline pipeline) {
    // When
    Accounted<Sale> sales =
        raws(pipeline, raw(GOOD.replace("367", "2147483647")).at("a.json", 0))
            .apply(Parse.json(Sale.class));

    // Then
    Expect.rows(sales.rejects(), () -> contains(deadLetter(NUMBER_OUT_OF_RANGE, "time_id")));
    pipeline.run();
  }

  @Test
  void moreIsAskedThanTheContractGives() {
    assertRefused(
        "contract Customer has private fields; give Refine a secret",
        p -> raws(p).apply(Refine.json(Customer.class)));
    assertRefused(
        "contract Customer has private fields; give Refine a secret",
        p -> raws(p).apply(Parse.json(Customer.class)));
    assertRefused(
        "contract Customer names no eventTime",
        p ->
            raws(p)
                .apply(
                    Refine.json(Customer.class)
                        .withSecret("env:KEY")
                        .lateAfter(Duration.ofDays(1))));
    assertRefused(
        "a stream of Sale needs a late gate",
        p ->
            p.apply(TestStream.create(RawRecord.coder()).advanceWatermarkToInfinity())
                .apply(Refine.json(Sale.class)));
    assertRefused("names no eventTime", p -> Gate.on(Customer.class, Duration.ZERO, Duration.ZERO));
    assertRefused(
        "a secret is given as a reference", p -> Refine.json(Customer.class).withSecret("hunter2"));
    assertRefused("a stage needs a name", p -> Refine.json(Sale.class).as(" "));
    assertRefused(
        "rule 'a' needs a name of its own",
        p ->
            Refine.json(Sale.class)
                .withRule("a", "be", s -> true)
                .withRule("a", "not be", s -> false));
    assertRefused(
        "RefineSales stands before windows",
        p ->
            raws(p)
                .apply(Window.into(FixedWindows.of(org.joda.time.Duration.standardDays(1))))
                .apply(SALES));
  }

  private static void assertRefused(String words, Function<Pipeline, Object> construction) {
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> construction.apply(Pipeline.create()));
    assertThat(String.valueOf(refused.getMessage()), containsString(words));
  }

  private String secret() throws IOException {
    Path key = directory.resolve("secret.key");
    Vault.createIfAbsent(key);
    return "file:" + key;
  }

  private static PCollection<RawRecord> raws(Pipeline pipeline, RawRecord... records) {
    // Sources of files give their records the earliest timestamp.
    List<TimestampedValue<RawRecord>> all = new ArrayList<>();
    for (RawRecord record : records) {
      all.add(TimestampedValue.atMinimumTimestamp(record));
    }
    return pipeline.apply(Create.timestamped(all).withCoder(RawRecord.coder()));
  }

  /** The sums of all tallies: stage, source, outcome, count. */
  private static Matcher<List<Tally>> tallied(String... sums) {
    return new FeatureMatcher<>(containsInAnyOrder(sums), "tallies", "sums") {
      @Override
      protected Iterable<String> featureValueOf(List<Tally> tallies) {
        Map<String, Long> sum = new TreeMap<>();
        tallies.forEach(
            t -> sum.merge(t.stage() + " " + t.source() + " " + t.outcome(), t.count(), Long::sum));
        return sum.entrySet().stream().map(e -> e.getKey() + " " + e.getValue()).toList();
      }
    };
  }

  /** Whether as many have a fate as were read. */
  private static Matcher<List<Tally>> balanced(long read) {
    return new FeatureMatcher<>(is(List.of(read, read)), "read and fates", "read and fates") {
      @Override
      protected List<Long> featureValueOf(List<Tally> tallies) {
        long in = 0;
        long fates = 0;
        for (Tally tally : tallies) {
          in += tally.outcome() == Outcome.READ ? tally.count() : 0;
          fates += tally.outcome() == Outcome.READ ? 0 : tally.count();
        }
        return List.of(in, fates);
      }
    };
  }

  private static Instant behind(Instant arrival) {
    return arrival.minus(org.joda.time.Duration.standardDays(7));
  }

  private static String with(String more) {
    return GOOD.substring(0, GOOD.length() - 1) + "," + more + "}";
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return bytes;
  }

  private static String text(ByteBuffer buffer) {
    return new String(bytes(buffer), StandardCharsets.UTF_8);
  }
}

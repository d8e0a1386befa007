package dev.millrace.pipelines.clickstream;

import static dev.millrace.pipelines.clickstream.ShopEvents.WINDOWS;
import static dev.millrace.pipelines.clickstream.ShopEvents.arrived;
import static dev.millrace.pipelines.clickstream.ShopEvents.by;
import static dev.millrace.pipelines.clickstream.ShopEvents.event;
import static dev.millrace.testing.Records.raw;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsInAnyOrder;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;

import dev.millrace.pipelines.Captured;
import dev.millrace.pipelines.generate.ClickstreamGenerator;
import dev.millrace.pipelines.generate.Share;
import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.schemas.web.EnrichedEvent;
import dev.millrace.schemas.web.Events5m;
import dev.millrace.schemas.web.ShopEvent;
import dev.millrace.schemas.web.ShopMinute;
import dev.millrace.schemas.web.ShopSession;
import dev.millrace.testing.Outcomes;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.RecordCoder;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.SourcedCoder;
import dev.millrace.transforms.refine.Vault;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.testing.TestStream;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.TimestampedValue;
import org.joda.time.Duration;
import org.joda.time.Instant;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The same flow over a stream: what windows state, when, and what becomes of late events. */
class ClickstreamStreamTest {

  private static final Duration LATENESS = Duration.standardMinutes(10);
  private static final Coder<Sourced<EnrichedEvent>> ENRICHED =
      SourcedCoder.of(RecordCoder.of(EnrichedEvent.class));

  private final Pipeline pipeline = Pipeline.create(PipelineOptionsFactory.create());

  @TempDir Path directory;
  private ClickstreamConfig config;

  @BeforeEach
  void key() throws IOException {
    Vault.createIfAbsent(directory.resolve("key"));
    config = ShopEvents.config("file:" + directory.resolve("key"));
  }

  @Test
  void panesComeEarlyOnTimeAndLateAndEachStatesTheWholeAnswerSoFar() {
    // Given
    TestStream<Sourced<EnrichedEvent>> stream =
        TestStream.create(ENRICHED)
            .addElements(looked("ann", "10:00:10"))
            .advanceProcessingTime(Duration.standardSeconds(11))
            .addElements(looked("bob", "10:00:20"))
            .advanceWatermarkTo(at("10:05:00"))
            .addElements(looked("cid", "10:00:30"))
            .advanceWatermarkToInfinity();

    // When
    ClickstreamAnswers answers = ClickstreamAnswers.over(pipeline.apply("Events", stream), config);

    // Then
    Captured<Events5m> panes = Captured.of(answers.events5m());
    Captured<ShopMinute> minutes = Captured.of(answers.minutes());
    pipeline.run().waitUntilFinish();
    assertThat(
        panes.list().stream().map(Events5m::getEvents).sorted().toList(), contains(1L, 2L, 3L));
    assertThat(
        minutes.list().stream().map(ShopMinute::getViews).sorted().toList(), contains(1L, 2L, 3L));
  }

  @Test
  void anEventBeyondTheLatenessIsRefusedByTheGateAndNotDroppedByTheRunner() {
    // Given
    TestStream<RawRecord> stream =
        TestStream.create(RawRecord.coder())
            .addElements(view("E1", "ann", "10:00:10", "10:00:11"))
            .advanceWatermarkTo(at("10:10:10"))
            .addElements(view("E2", "bob", "10:00:10", "10:10:10")) // just not late
            .addElements(view("E3", "cid", "10:00:10", "10:10:10.001"))
            .advanceWatermarkToInfinity();

    // When
    ClickstreamResults results = flow(pipeline.apply("Events", stream));

    // Then
    Captured<Events5m> panes = Captured.of(results.answers().events5m());
    Captured<LedgerEntry> ledger = Captured.of(results.ledger());
    pipeline.run().waitUntilFinish();
    assertThat(
        totals(ledger), Outcomes.balancedLedger("RefineEvents", "EnrichEvents", "DedupEvents"));
    assertThat(
        totals(ledger),
        hasItem(new LedgerEntry("clickstream", "RefineEvents", "events", 3L, 2L, 0L, 1L, 0L, 0L)));
    // How many panes there are depends on when the dimension comes, the last one does not.
    assertThat(
        panes.list().stream().mapToLong(Events5m::getEvents).max(), equalTo(OptionalLong.of(2)));
  }

  @Test
  void aCopyThatIsOnTimeIsKnownThoughItsArrivalIsOutOfOrder() {
    assertThat(eventsOfTwoCopies(false), equalTo(1L));
  }

  @Test
  void whereArrivalsAreInOrderIdsAreForgottenAfterAMinute() {
    assertThat(eventsOfTwoCopies(true), equalTo(2L));
  }

  /** How many events of a window are counted: of one, and a copy that is ten minutes behind. */
  private long eventsOfTwoCopies(boolean inOrder) {
    // Given: the watermark stays behind the greatest arrival, 10:20, by the max lateness
    TestStream<RawRecord> stream =
        TestStream.create(RawRecord.coder())
            .addElements(view("E1", "ann", "10:00:10", "10:00:11"))
            .advanceWatermarkTo(at("10:10:00"))
            .addElements(view("E1", "ann", "10:00:10", "10:10:00"))
            .advanceWatermarkToInfinity();

    // When
    ClickstreamInputs events = ShopEvents.with(pipeline.apply("Events", stream));
    ClickstreamResults results =
        ClickstreamPipeline.flow(
            new ClickstreamInputs(
                events.events(), events.products(), events.productClasses(), inOrder),
            config,
            "1");

    // Then
    Captured<Events5m> panes = Captured.of(results.answers().events5m());
    pipeline.run().waitUntilFinish();
    return panes.list().stream().mapToLong(Events5m::getEvents).max().orElseThrow();
  }

  @Test
  void anEventBetweenTwoSessionsOfAUserMakesThemOne() {
    // Given
    TestStream<Sourced<EnrichedEvent>> stream =
        TestStream.create(ENRICHED)
            .addElements(looked("ann", "10:00:00"), looked("ann", "10:40:00"))
            .advanceProcessingTime(Duration.standardSeconds(11))
            .addElements(looked("ann", "10:20:00"))
            .advanceWatermarkToInfinity();

    // When
    ClickstreamAnswers answers = ClickstreamAnswers.over(pipeline.apply("Events", stream), config);

    // Then
    Captured<ShopSession> panes = Captured.of(answers.sessions());
    pipeline.run().waitUntilFinish();
    assertThat(
        panes.list().stream().map(ClickstreamStreamTest::text).toList(),
        containsInAnyOrder(
            "10:00:00 10:00:00 0.000 1",
            "10:40:00 10:40:00 0.000 1",
            "10:00:00 10:40:00 2400.000 3"));
  }

  @Test
  void aLateEventLengthensASessionThatWasStated() {
    // Given
    TestStream<Sourced<EnrichedEvent>> stream =
        TestStream.create(ENRICHED)
            .addElements(looked("ann", "10:00:00"))
            .advanceWatermarkTo(at("10:31:00"))
            .addElements(looked("ann", "10:25:00"))
            .advanceWatermarkToInfinity();

    // When
    ClickstreamAnswers answers = ClickstreamAnswers.over(pipeline.apply("Events", stream), config);

    // Then
    Captured<ShopSession> panes = Captured.of(answers.sessions());
    pipeline.run().waitUntilFinish();
    assertThat(
        panes.list().stream().map(ClickstreamStreamTest::text).toList(),
        containsInAnyOrder("10:00:00 10:00:00 0.000 1", "10:00:00 10:25:00 1500.000 2"));
  }

  @Test
  @Timeout(120)
  void aStreamComesToTheAnswersOfABatch() throws IOException {
    // Given: forty seconds, short sessions, and a watermark that half of the events are behind
    config =
        new ClickstreamConfig(
            java.time.Duration.ofSeconds(20),
            java.time.Duration.ofSeconds(20),
            1.0,
            java.time.Duration.ofSeconds(5),
            java.time.Duration.ofSeconds(10),
            java.time.Duration.ofSeconds(10),
            config.secret());
    List<RawRecord> records = generated(80);
    Answers batch = batch(records);
    TestStream.Builder<RawRecord> stream = TestStream.create(RawRecord.coder());
    Instant watermark = Instant.EPOCH;
    for (int i = 0; i < records.size(); i += 20) {
      List<RawRecord> some = records.subList(i, Math.min(i + 20, records.size()));
      stream = stream.addElements(stamped(some.get(0)), rest(some));
      Instant next = Instant.ofEpochMilli(some.get(some.size() - 1).origin().arrivalMillis());
      watermark = next.isAfter(watermark) ? next : watermark;
      stream = stream.advanceWatermarkTo(watermark);
    }

    // When
    ClickstreamResults results =
        flow(pipeline.apply("Events", stream.advanceWatermarkToInfinity()));

    // Then
    Captured<Events5m> windows = Captured.of(results.answers().events5m());
    Captured<ShopMinute> minutes = Captured.of(results.answers().minutes());
    Captured<ShopSession> sessions = Captured.of(results.answers().sessions());
    Captured<LedgerEntry> ledger = Captured.of(results.ledger());
    pipeline.run().waitUntilFinish();
    assertThat(
        totals(ledger), Outcomes.balancedLedger("RefineEvents", "EnrichEvents", "DedupEvents"));
    assertThat(
        last(windows.list(), ClickstreamStreamTest::key, Events5m::getEvents),
        equalTo(batch.windows));
    assertThat(
        last(
            minutes.list(),
            ClickstreamStreamTest::key,
            m -> m.getViews() + m.getCarts() + m.getPurchases()),
        equalTo(batch.minutes));
    assertThat(uncovered(sessions.list()), equalTo(batch.sessions));
  }

  /** What the ledger stated last of each stage and source. */
  private static Collection<LedgerEntry> totals(Captured<LedgerEntry> ledger) {
    Map<String, LedgerEntry> last = new TreeMap<>();
    ledger
        .list()
        .forEach(
            entry ->
                last.merge(
                    entry.getStage() + " " + entry.getSource(),
                    entry,
                    (a, b) -> a.getRead() >= b.getRead() ? a : b));
    return last.values();
  }

  private record Answers(Set<String> windows, Set<String> minutes, Set<String> sessions) {}

  private Answers batch(List<RawRecord> records) {
    Pipeline files = Pipeline.create(PipelineOptionsFactory.create());
    ClickstreamResults results =
        flow(files.apply("Events", Create.of(records).withCoder(RawRecord.coder())));
    Captured<Events5m> windows = Captured.of(results.answers().events5m());
    Captured<ShopMinute> minutes = Captured.of(results.answers().minutes());
    Captured<ShopSession> sessions = Captured.of(results.answers().sessions());
    files.run().waitUntilFinish();
    return new Answers(texts(windows.list()), texts(minutes.list()), texts(sessions.list()));
  }

  /** Generated events in the order of their lines, with the arrival that the log would give. */
  private List<RawRecord> generated(int count) throws IOException {
    ClickstreamGenerator.with(
            ClickstreamGenerator.Config.of(count, 11)
                .withFiles(1)
                .withBounds(config.maxLateness(), config.maxSkew())
                .withShares(Map.of(Share.DUPLICATES, 0.05, Share.LATE, 0.03)))
        .writeTo(directory.resolve("generated"));
    List<RawRecord> records = new ArrayList<>();
    List<String> lines =
        new String(
                Files.readAllBytes(directory.resolve("generated/clickstream-00000.jsonl")),
                StandardCharsets.UTF_8)
            .lines()
            .toList();
    for (int i = 0; i < lines.size(); i++) {
      String arrival = at("06:00:00").plus(Duration.millis(500L * i)).toString();
      records.add(raw(lines.get(i)).arrived(arrival).at("events", i));
    }
    return records;
  }

  private ClickstreamResults flow(PCollection<RawRecord> events) {
    String[] products =
        IntStream.rangeClosed(1, 1_560)
            .mapToObj(id -> ShopEvents.product(id, 1 + id % 2))
            .toArray(String[]::new);
    return ClickstreamPipeline.flow(ShopEvents.with(events, products), config, "1");
  }

  /** The last pane of each key: that with the most in it, since each adds to the one before. */
  private static <T> Set<String> last(
      List<T> panes, Function<T, String> key, Function<T, Long> amount) {
    Map<String, T> last = new TreeMap<>();
    panes.forEach(
        pane ->
            last.merge(
                key.apply(pane), pane, (a, b) -> amount.apply(a) >= amount.apply(b) ? a : b));
    return texts(last.values());
  }

  /** Sessions that no greater one of the same user covers. */
  private static Set<String> uncovered(List<ShopSession> panes) {
    return texts(
        panes.stream()
            .filter(
                one ->
                    panes.stream()
                        .noneMatch(
                            other ->
                                other.getUserId().equals(one.getUserId())
                                    && other.getEvents() > one.getEvents()
                                    && !other.getSessionStart().isAfter(one.getSessionStart())
                                    && !other.getSessionEnd().isBefore(one.getSessionEnd())))
            .collect(Collectors.toList()));
  }

  private static <T> Set<String> texts(Collection<T> rows) {
    return rows.stream().map(Object::toString).collect(Collectors.toCollection(TreeSet::new));
  }

  private static String key(Events5m row) {
    return row.getWindowStart() + " " + row.getAction();
  }

  private static String key(ShopMinute row) {
    return row.getWindowStart() + " " + row.getDeviceClass();
  }

  private static String text(ShopSession visit) {
    BigDecimal seconds = visit.getSeconds();
    return "%tT %tT %s %d"
        .formatted(
            visit.getSessionStart().atOffset(ZoneOffset.UTC),
            visit.getSessionEnd().atOffset(ZoneOffset.UTC),
            seconds,
            visit.getEvents());
  }

  private static TimestampedValue<RawRecord> view(
      String id, String user, String time, String arrival) {
    String json = event(id, user, "view", time, by(WINDOWS) + arrived(arrival));
    return stamped(raw(json).arrived("2024-03-01T" + arrival + "Z").at("events", id.charAt(1)));
  }

  private static TimestampedValue<Sourced<EnrichedEvent>> looked(String user, String time) {
    Instant at = at(time);
    java.time.Instant happened = java.time.Instant.ofEpochMilli(at.getMillis());
    ShopEvent event =
        ShopEvent.newBuilder()
            .setEventId(user + time)
            .setUserId(user)
            .setSessionId("S1")
            .setAction("view")
            .setUrl("https://shop.example.com/")
            .setEventTime(happened)
            .build();
    return TimestampedValue.of(
        new Sourced<>(
            new EnrichedEvent(event, null, "Desktop", new BigDecimal("0.0000")),
            1,
            at.getMillis(),
            new Origin("events", 0, at.getMillis()),
            new byte[0]),
        at);
  }

  /** With the timestamp a source gives it: none of the good events lies before that. */
  private static TimestampedValue<RawRecord> stamped(RawRecord record) {
    return TimestampedValue.of(
        record, Instant.ofEpochMilli(record.origin().arrivalMillis()).minus(LATENESS));
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static TimestampedValue<RawRecord>[] rest(List<RawRecord> records) {
    return records.subList(1, records.size()).stream()
        .map(ClickstreamStreamTest::stamped)
        .toArray(TimestampedValue[]::new);
  }

  private static Instant at(String time) {
    return Instant.parse("2024-03-01T" + time + "Z");
  }
}

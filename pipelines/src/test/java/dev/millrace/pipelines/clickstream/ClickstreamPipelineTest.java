package dev.millrace.pipelines.clickstream;

import static dev.millrace.pipelines.clickstream.ShopEvents.IPHONE;
import static dev.millrace.pipelines.clickstream.ShopEvents.ROBOT;
import static dev.millrace.pipelines.clickstream.ShopEvents.WINDOWS;
import static dev.millrace.pipelines.clickstream.ShopEvents.arrived;
import static dev.millrace.pipelines.clickstream.ShopEvents.by;
import static dev.millrace.pipelines.clickstream.ShopEvents.event;
import static dev.millrace.pipelines.clickstream.ShopEvents.of;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;

import dev.millrace.pipelines.Captured;
import dev.millrace.schemas.web.EnrichedEvent;
import dev.millrace.schemas.web.ShopSession;
import dev.millrace.testing.ExplicitCoders;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.refine.Vault;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.function.Function;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real flow over files, its edges swapped: an event of each kind, and the answers by hand. */
class ClickstreamPipelineTest {

  private static final String LOOK =
      event("E0", "ann", "view", "10:00:10", of(1, "2.5") + by(WINDOWS));

  private static final String[] EVENTS = {
    LOOK,
    LOOK, // a copy
    event("E2", "ann", "cart", "10:01:00", of(1, "2.50") + ",\"quantity\":2" + by(WINDOWS)),
    event("E3", "ann", "purchase", "10:04:59.999", of(1, "2.50") + ",\"quantity\":2" + by(WINDOWS)),
    event("E4", "ann", "search", "10:34:59.998", by(WINDOWS)), // not quite half an hour later
    event("E5", "ann", "view", "11:04:59.998", of(2, "1") + by(WINDOWS)), // half an hour later
    event("E6", "bob", "purchase", "10:00:30", of(2, "1.2500") + by(IPHONE)), // one of it
    event("E7", "bob", "purchase", "10:00:40", ""), // of nothing, by no agent
    event("E8", "cid", "view", "10:00:00", of(99, "1")), // no such product
    event("E9", "cid", "view", "10:00:00", arrived("10:10:00.001")), // late
    event("E10", "cid", "view", "10:00:00", by(ROBOT) + arrived("10:10:00")), // just not late
    event("E11", "cid", "view", "10:02:00.001", arrived("10:01:00")), // from the future
    event("E12", "cid", "checkout", "10:02:00", arrived("10:01:00")), // just not
    "{\"event_id\":",
    event("E14", "cid", "view", "10:00:00", ",\"quantity\":0"),
    event("E15", "cid", "buy", "10:00:00", "")
  };

  @TempDir static Path directory;
  private static List<Sourced<EnrichedEvent>> silver;
  private static List<String> events;
  private static List<String> fiveMinutes;
  private static List<String> minutes;
  private static List<ShopSession> visits;
  private static List<String> ledger;
  private static List<String> rejects;

  @BeforeAll
  static void run() throws IOException {
    Vault.createIfAbsent(directory.resolve("key"));
    Pipeline pipeline = Pipeline.create(PipelineOptionsFactory.create());
    ClickstreamResults results =
        ClickstreamPipeline.flow(
            ShopEvents.with(ShopEvents.input(pipeline, "events", EVENTS)),
            ShopEvents.config("file:" + directory.resolve("key")),
            "1");
    var ofEvents = Captured.of(results.events());
    var ofFiveMinutes = Captured.of(results.answers().events5m());
    var ofMinutes = Captured.of(results.answers().minutes());
    var ofSessions = Captured.of(results.answers().sessions());
    var ofLedger = Captured.of(results.ledger());
    var ofRejects = Captured.of(results.rejects());
    ExplicitCoders.in(pipeline);
    pipeline.run().waitUntilFinish();

    silver = ofEvents.list();
    events =
        sorted(
            silver,
            s ->
                "%s %s %s %s"
                    .formatted(
                        s.value().getEvent().getEventId(),
                        s.value().getProductCategory(),
                        s.value().getDeviceClass(),
                        s.value().getRevenue()));
    fiveMinutes =
        sorted(
            ofFiveMinutes.list(),
            w ->
                "%s %s %s %d %s"
                    .formatted(
                        time(w.getWindowStart()),
                        time(w.getWindowEnd()),
                        w.getAction(),
                        w.getEvents(),
                        w.getRevenue()));
    minutes =
        sorted(
            ofMinutes.list(),
            w ->
                "%s %s %s %d %d %d %s"
                    .formatted(
                        time(w.getWindowStart()),
                        time(w.getWindowEnd()),
                        w.getDeviceClass(),
                        w.getViews(),
                        w.getCarts(),
                        w.getPurchases(),
                        w.getRevenue()));
    visits = ofSessions.list();
    ledger =
        sorted(
            ofLedger.list(),
            l ->
                "%s %s %d = %d + %d + %d + %d"
                    .formatted(
                        l.getStage(),
                        l.getSource(),
                        l.getRead(),
                        l.getWritten(),
                        l.getInvalid(),
                        l.getLate(),
                        l.getDuplicate()));
    rejects =
        sorted(
            ofRejects.list(),
            l ->
                "%02d %s %s %s %s"
                    .formatted(
                        l.getPosition(),
                        l.getStage(),
                        l.getReason(),
                        l.getField(),
                        l.getPayloadState()));
  }

  @Test
  void cleanEventsHaveTheirCategoryTheirDeviceAndTheirRevenue() {
    assertThat(
        events,
        contains(
            "E0 Fruit Desktop 0.0000",
            "E10 null Robot 0.0000",
            "E12 null Unknown 0.0000",
            "E2 Fruit Desktop 0.0000",
            "E3 Fruit Desktop 5.0000",
            "E4 null Desktop 0.0000",
            "E5 Meat Desktop 0.0000",
            "E6 Meat Phone 1.2500",
            "E7 null Unknown 0.0000"));
  }

  @Test
  void fiveMinutesCountEachActionAndItsRevenue() {
    assertThat(
        fiveMinutes,
        contains(
            "10:00 10:05 cart 1 0.0000",
            "10:00 10:05 checkout 1 0.0000",
            "10:00 10:05 purchase 3 6.2500",
            "10:00 10:05 view 2 0.0000",
            "10:30 10:35 search 1 0.0000",
            "11:00 11:05 view 1 0.0000"));
  }

  @Test
  void theDashboardHasARowPerMinuteAndDevice() {
    assertThat(
        minutes,
        contains(
            "10:00 10:01 Desktop 1 0 0 0.0000",
            "10:00 10:01 Phone 0 0 1 1.2500",
            "10:00 10:01 Robot 1 0 0 0.0000",
            "10:00 10:01 Unknown 0 0 1 0.0000",
            "10:01 10:02 Desktop 0 1 0 0.0000",
            "10:02 10:03 Unknown 0 0 0 0.0000",
            "10:04 10:05 Desktop 0 0 1 5.0000",
            "10:34 10:35 Desktop 0 0 0 0.0000",
            "11:04 11:05 Desktop 1 0 0 0.0000"));
  }

  @Test
  void aSessionEndsWhenItsUserDoesNothingForHalfAnHour() {
    assertThat(
        sorted(
            visits,
            v ->
                "%s %s %s %d %d %s %s"
                    .formatted(
                        time(v.getSessionStart()),
                        time(v.getSessionEnd()),
                        v.getSeconds(),
                        v.getEvents(),
                        v.getPages(),
                        v.getPurchased(),
                        v.getRevenue())),
        contains(
            "10:00 10:02 120.000 2 1 false 0.0000",
            "10:00:10 10:34:59.998 2089.998 4 2 true 5.0000",
            "10:00:30 10:00:40 10.000 2 0 true 1.2500",
            "11:04:59.998 11:04:59.998 0.000 1 1 false 0.0000"));
  }

  @Test
  void theLedgerAccountsForEveryRecord() {
    assertThat(
        ledger,
        contains(
            // stage source read = written + invalid + late + duplicate
            "ClassifyProducts products.json 2 = 2 + 0 + 0 + 0",
            "DedupEvents events.json 10 = 9 + 0 + 0 + 1",
            "DedupProductClasses classes.json 2 = 2 + 0 + 0 + 0",
            "DedupProducts products.json 2 = 2 + 0 + 0 + 0",
            "EnrichEvents events.json 11 = 10 + 1 + 0 + 0",
            "RefineEvents events.json 16 = 11 + 3 + 2 + 0",
            "RefineProductClasses classes.json 2 = 2 + 0 + 0 + 0",
            "RefineProducts products.json 2 = 2 + 0 + 0 + 0"));
  }

  @Test
  void everyRejectHasItsReasonAndNoPayloadIsInTheClear() {
    assertThat(
        rejects,
        contains(
            "08 EnrichEvents ORPHAN_KEY product_id ENCRYPTED",
            "09 RefineEvents LATE null ENCRYPTED",
            "11 RefineEvents FUTURE null ENCRYPTED",
            "13 RefineEvents TRUNCATED null ENCRYPTED",
            "14 RefineEvents RULE_VIOLATION quantity ENCRYPTED",
            "15 RefineEvents RULE_VIOLATION action ENCRYPTED"));
  }

  @Test
  void usersAreTokensAndTheSameUserHasTheSameToken() {
    List<String> users = visits.stream().map(ShopSession::getUserId).toList();

    assertThat(users.stream().distinct().count(), is(3L));
    assertThat(users, everyItem(not(containsString("ann"))));
    for (Sourced<EnrichedEvent> event : silver) {
      assertThat("no stage refuses it any more", event.payload().bytes().length, is(0));
    }
  }

  private static <T> List<String> sorted(List<T> rows, Function<T, String> text) {
    return rows.stream().map(text).sorted().toList();
  }

  /** The time of the day, without a zero at its end. */
  private static String time(Instant instant) {
    return instant.atOffset(ZoneOffset.UTC).toLocalTime().toString();
  }
}

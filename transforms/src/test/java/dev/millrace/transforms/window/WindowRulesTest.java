package dev.millrace.transforms.window;

import static dev.millrace.testing.StreamScript.expectPanes;
import static dev.millrace.testing.StreamScript.pane;
import static org.apache.beam.sdk.transforms.windowing.PaneInfo.Timing.EARLY;
import static org.apache.beam.sdk.transforms.windowing.PaneInfo.Timing.LATE;
import static org.apache.beam.sdk.transforms.windowing.PaneInfo.Timing.ON_TIME;

import dev.millrace.testing.BeamTest;
import dev.millrace.testing.StreamScript;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.SourcedCoder;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.testing.PAssert;
import org.apache.beam.sdk.testing.TestPipeline;
import org.apache.beam.sdk.testing.TestStream;
import org.apache.beam.sdk.transforms.Flatten;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionList;
import org.apache.beam.sdk.values.TypeDescriptors;
import org.junit.jupiter.api.Test;

/** Each rule of when a window states its result, as a script of what happens to a stream. */
@BeamTest
class WindowRulesTest {

  private static final Coder<Sourced<String>> CLICKS = SourcedCoder.of(StringUtf8Coder.of());
  private static final WindowPolicy POLICY =
      WindowPolicy.onTime().withEarly(Duration.ofSeconds(10)).withLateness(Duration.ofMinutes(10));

  @Test
  void anEarlyPaneComesByTheClockAfterSomethingNewCame(TestPipeline pipeline) {
    TestStream<Sourced<String>> stream =
        script("10:02", "ann").clockPasses("PT11S").watermarkTo("10:05").end();

    expectPanes(clicks(pipeline, stream), pane("10:00", "10:05", EARLY, "ann 1"));
    pipeline.run();
  }

  @Test
  void anOnTimePaneComesWhenTheWatermarkPassesTheEnd(TestPipeline pipeline) {
    TestStream<Sourced<String>> stream = script("10:02", "ann").watermarkTo("10:05").end();

    expectPanes(clicks(pipeline, stream), pane("10:00", "10:05", ON_TIME, "ann 1"));
    pipeline.run();
  }

  @Test
  void everyPaneIsTheWholeAnswerSoFar(TestPipeline pipeline) {
    TestStream<Sourced<String>> stream =
        then(
                then(script("10:02", "ann").clockPasses("PT11S"), "10:03", "ann")
                    .watermarkTo("10:05"),
                "10:01",
                "ann")
            .end();

    expectPanes(
        clicks(pipeline, stream),
        pane("10:00", "10:05", EARLY, "ann 1"),
        pane("10:00", "10:05", ON_TIME, "ann 2"),
        pane("10:00", "10:05", LATE, "ann 3"));
    pipeline.run();
  }

  @Test
  void whatComesOutOfOrderBeforeTheWatermarkIsOnTime(TestPipeline pipeline) {
    TestStream<Sourced<String>> stream =
        then(then(script("10:06", "ann"), "10:04", "ann"), "10:00", "ann").end();

    expectPanes(
        clicks(pipeline, stream),
        pane("10:00", "10:05", ON_TIME, "ann 2"),
        pane("10:05", "10:10", ON_TIME, "ann 1"));
    pipeline.run();
  }

  @Test
  void aWindowIsClosedWhenTheWatermarkIsPastItsLateness(TestPipeline pipeline) {
    TestStream<Sourced<String>> stream =
        then(
                then(script("10:02", "ann").watermarkTo("10:14:59"), "10:03", "ann")
                    .watermarkTo("10:15:00"),
                "10:03",
                "ann") // the runner drops it: the late gate refuses such a one before
            .end();

    expectPanes(
        clicks(pipeline, stream),
        pane("10:00", "10:05", ON_TIME, "ann 1"),
        pane("10:00", "10:05", LATE, "ann 2"));
    pipeline.run();
  }

  @Test
  void aPaneStatesOnlyTheKeysThatHaveChanged(TestPipeline pipeline) {
    // Given: more keys than share a state, all stated early
    StreamScript<Sourced<String>> script = script("10:02", "user 0");
    List<String> panes = new ArrayList<>();
    panes.add(pane("10:00", "10:05", EARLY, "user 0 1"));
    for (int user = 1; user < 200; user++) {
      script = then(script, "10:02", "user " + user);
      panes.add(pane("10:00", "10:05", EARLY, "user " + user + " 1"));
    }
    script = script.clockPasses("PT11S");

    // When: three of them come again, one each before the next pane, before the end and after it
    script = then(script, "10:03", "user 17").clockPasses("PT11S");
    script = then(script, "10:04", "user 18").watermarkTo("10:05");
    script = then(script, "10:04", "user 19");

    // Then
    panes.add(pane("10:00", "10:05", EARLY, "user 17 2"));
    panes.add(pane("10:00", "10:05", ON_TIME, "user 18 2"));
    panes.add(pane("10:00", "10:05", LATE, "user 19 2"));
    expectPanes(clicks(pipeline, script.end()), panes.toArray(String[]::new));
    pipeline.run();
  }

  @Test
  void whatComesOfALongKeyIsMergedBeforeItIsDue(TestPipeline pipeline) {
    // Given: two of them are more than a state keeps apart
    String user = "u".repeat(40_000);
    StreamScript<Sourced<String>> script = script("10:00", user);
    for (int minute = 1; minute < 5; minute++) {
      script = then(script, "10:0" + minute, user);
    }

    expectPanes(clicks(pipeline, script.end()), pane("10:00", "10:05", ON_TIME, user + " 5"));
    pipeline.run();
  }

  @Test
  void anIdleStreamStatesNothingTwice(TestPipeline pipeline) {
    TestStream<Sourced<String>> stream =
        script("10:02", "ann").clockPasses("PT11S").clockPasses("PT1H").clockPasses("PT1H").end();

    expectPanes(clicks(pipeline, stream), pane("10:00", "10:05", EARLY, "ann 1"));
    pipeline.run();
  }

  @Test
  void ofTwoStreamsTheSlowerWatermarkDecides(TestPipeline pipeline) {
    // Given: the second stream's watermark stands still until all is at its end
    TestStream<Sourced<String>> fast =
        then(script("10:02", "ann").watermarkTo("10:30"), "10:31", "ann").end();
    TestStream<Sourced<String>> slow = then(script("10:03", "ann"), "10:04", "ann").end();

    // When
    PCollection<String> clicks =
        counted(
            PCollectionList.of(pipeline.apply("Fast", fast))
                .and(pipeline.apply("Slow", slow))
                .apply(Flatten.pCollections()));

    // Then: nothing of the slow one is late, however far the fast one is
    expectPanes(
        clicks, pane("10:00", "10:05", ON_TIME, "ann 3"), pane("10:30", "10:35", ON_TIME, "ann 1"));
    pipeline.run();
  }

  @Test
  void aSessionThatJoinsTwoIsStatedInTheirStead(TestPipeline pipeline) {
    TestStream<Sourced<String>> stream =
        then(then(script("10:00", "ann"), "10:40", "ann").clockPasses("PT11S"), "10:20", "ann")
            .end();

    expectVisits(
        pipeline,
        stream,
        "ann 10:00-10:30 EARLY 0: 1",
        "ann 10:40-11:10 EARLY 0: 1",
        "ann 10:00-11:10 ON_TIME 1: 3");
    pipeline.run();
  }

  @Test
  void aSessionIsStatedWhenNobodyCanAddToItInTime(TestPipeline pipeline) {
    TestStream<Sourced<String>> stream =
        then(script("10:00", "ann"), "10:29", "ann")
            .watermarkTo("10:58:59")
            .clockPasses("PT1S") // too soon, by clock and watermark
            .watermarkTo("10:59:00")
            .end();

    expectVisits(pipeline, stream, "ann 10:00-10:59 ON_TIME 0: 2");
    pipeline.run();
  }

  @Test
  void recordsAGapApartAreOfTwoSessions(TestPipeline pipeline) {
    TestStream<Sourced<String>> stream =
        then(then(script("10:30", "ann"), "10:00", "ann"), "10:59:59", "ann").end();

    expectVisits(
        pipeline, stream, "ann 10:00-10:30 ON_TIME 0: 1", "ann 10:30-11:29:59 ON_TIME 0: 2");
    pipeline.run();
  }

  @Test
  void aLateRecordIsAddedToItsSession(TestPipeline pipeline) {
    TestStream<Sourced<String>> stream =
        then(script("10:00", "ann").watermarkTo("10:35"), "10:20", "ann")
            .watermarkTo("10:49")
            .watermarkTo("11:30")
            .end();

    // Then: what had ended goes on, and ends once more
    expectVisits(pipeline, stream, "ann 10:00-10:30 ON_TIME 0: 1", "ann 10:00-10:50 LATE 1: 2");
    pipeline.run();
  }

  @Test
  void aLateRecordBesidesItsSessionsIsASessionOfItsOwn(TestPipeline pipeline) {
    TestStream<Sourced<String>> stream =
        then(script("11:00", "ann").watermarkTo("11:35"), "10:20", "ann")
            .watermarkTo("11:36")
            .end();

    expectVisits(pipeline, stream, "ann 11:00-11:30 ON_TIME 0: 1", "ann 10:20-10:50 ON_TIME 0: 1");
    pipeline.run();
  }

  @Test
  void aSessionIsForgottenWhenItsLatenessHasPassed(TestPipeline pipeline) {
    TestStream<Sourced<String>> stream =
        then(
                then(script("10:00", "ann").watermarkTo("10:39:59"), "10:01", "ann")
                    .watermarkTo("10:41"),
                "10:02",
                "ann") // the late gate refuses such a one before; it is not dropped all the same
            .end();

    expectVisits(
        pipeline,
        stream,
        "ann 10:00-10:30 ON_TIME 0: 1",
        "ann 10:00-10:31 LATE 1: 2",
        "ann 10:02-10:32 ON_TIME 0: 1");
    pipeline.run();
  }

  private static void expectVisits(
      TestPipeline pipeline, TestStream<Sourced<String>> stream, String... visits) {
    PCollection<String> stated =
        pipeline
            .apply(stream)
            .apply(
                "Visits",
                Windowed.sessions(Duration.ofMinutes(30))
                    .withPolicy(POLICY)
                    .keyedBy((String user) -> user, StringUtf8Coder.of())
                    .sum(user -> BigDecimal.ONE))
            .apply(
                "Texts",
                MapElements.into(TypeDescriptors.strings())
                    .via(
                        visit ->
                            "%s %s-%s %s %d: %d"
                                .formatted(
                                    visit.key(),
                                    time(visit.start()),
                                    time(visit.end()),
                                    visit.timing(),
                                    visit.pane(),
                                    visit.result().count())));
    PAssert.that(stated).containsInAnyOrder(visits);
  }

  private static LocalTime time(Instant instant) {
    return LocalTime.ofInstant(instant, ZoneOffset.UTC);
  }

  private static StreamScript<Sourced<String>> script(String time, String user) {
    return then(StreamScript.of(CLICKS), time, user);
  }

  private static StreamScript<Sourced<String>> then(
      StreamScript<Sourced<String>> script, String time, String user) {
    long millis = StreamScript.instant(time).getMillis();
    return script.at(
        time, new Sourced<>(user, 1, millis, new Origin("clicks", 0, millis), new byte[0]));
  }

  private static PCollection<String> clicks(
      TestPipeline pipeline, TestStream<Sourced<String>> stream) {
    return counted(pipeline.apply(stream));
  }

  private static PCollection<String> counted(PCollection<Sourced<String>> clicks) {
    return texts(
        clicks.apply(
            "Clicks",
            Windowed.tumbling(Duration.ofMinutes(5))
                .withPolicy(POLICY)
                .keyedBy((String user) -> user, StringUtf8Coder.of())
                .sum(user -> BigDecimal.ONE)));
  }

  private static PCollection<String> texts(PCollection<Aggregate<String, Totals>> counts) {
    return counts.apply(
        "Texts",
        MapElements.into(TypeDescriptors.strings())
            .via(window -> window.key() + " " + window.result().count()));
  }
}

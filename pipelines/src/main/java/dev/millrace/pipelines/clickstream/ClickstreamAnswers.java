package dev.millrace.pipelines.clickstream;

import dev.millrace.schemas.web.EnrichedEvent;
import dev.millrace.schemas.web.Events5m;
import dev.millrace.schemas.web.ShopMinute;
import dev.millrace.schemas.web.ShopSession;
import dev.millrace.transforms.RecordCoder;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.window.Aggregate;
import dev.millrace.transforms.window.Totals;
import dev.millrace.transforms.window.WindowPolicy;
import dev.millrace.transforms.window.Windowed;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.TypeDescriptor;

/**
 * The answer tables of {@code clickstream}, all computed from the clean, enriched events. In batch
 * a row per key of a table; in a stream a row per pane, each the whole answer so far, to be
 * upserted by key. A session that grows at its beginning, or joins two, has another key than what
 * was stated before: the sink that upserts it must remove the rows of its user that it covers.
 */
public record ClickstreamAnswers(
    PCollection<Events5m> events5m,
    PCollection<ShopMinute> minutes,
    PCollection<ShopSession> sessions) {

  private static final Coder<String> TEXT = StringUtf8Coder.of();
  private static final BigDecimal NO = BigDecimal.ZERO;
  private static final BigDecimal YES = BigDecimal.ONE;

  /** Builds the answers. */
  static ClickstreamAnswers over(
      PCollection<Sourced<EnrichedEvent>> events, ClickstreamConfig config) {
    WindowPolicy policy = config.policy();
    long gapMillis = config.sessionGap().toMillis();
    return new ClickstreamAnswers(
        rows(
            "Events5mRows",
            events.apply(
                "Events5m",
                Windowed.tumbling(Duration.ofMinutes(5))
                    .withPolicy(policy)
                    .keyedBy((EnrichedEvent e) -> e.getEvent().getAction(), TEXT)
                    .sum(EnrichedEvent::getRevenue)),
            Events5m.class,
            ClickstreamAnswers::events5m),
        rows(
            "ShopMinuteRows",
            events.apply(
                "ShopMinute",
                Windowed.tumbling(Duration.ofMinutes(1))
                    .withPolicy(policy)
                    .keyedBy(EnrichedEvent::getDeviceClass, TEXT)
                    .sum(
                        e -> is(e, "view"),
                        e -> is(e, "cart"),
                        e -> is(e, "purchase"),
                        EnrichedEvent::getRevenue)),
            ShopMinute.class,
            ClickstreamAnswers::minute),
        rows(
            "ShopSessionRows",
            events.apply(
                "ShopSession",
                Windowed.sessions(config.sessionGap())
                    .withPolicy(config.visitsPolicy())
                    .keyedBy((EnrichedEvent e) -> e.getEvent().getUserId(), TEXT)
                    .sum(
                        e -> is(e, "view").add(is(e, "search")),
                        e -> is(e, "purchase"),
                        EnrichedEvent::getRevenue)),
            ShopSession.class,
            visit -> session(visit, gapMillis)));
  }

  private static BigDecimal is(EnrichedEvent event, String action) {
    return event.getEvent().getAction().equals(action) ? YES : NO;
  }

  private static Events5m events5m(Aggregate<String, Totals> window) {
    return new Events5m(
        window.start(),
        window.end(),
        window.key(),
        window.result().count(),
        window.result().sum(0));
  }

  private static ShopMinute minute(Aggregate<String, Totals> window) {
    Totals totals = window.result();
    return new ShopMinute(
        window.start(),
        window.end(),
        window.key(),
        totals.sum(0).longValueExact(),
        totals.sum(1).longValueExact(),
        totals.sum(2).longValueExact(),
        totals.sum(3));
  }

  /** The window of a session ends a gap after its last event. */
  private static ShopSession session(Aggregate<String, Totals> visit, long gapMillis) {
    Totals totals = visit.result();
    long lastMillis = visit.endMillis() - gapMillis;
    return new ShopSession(
        visit.key(),
        visit.start(),
        Instant.ofEpochMilli(lastMillis),
        BigDecimal.valueOf(lastMillis - visit.startMillis(), 3),
        totals.count(),
        totals.sum(0).longValueExact(),
        totals.sum(1).signum() > 0,
        totals.sum(2));
  }

  private static <A, R extends SpecificRecord> PCollection<R> rows(
      String name, PCollection<A> input, Class<R> type, SerializableFunction<A, R> row) {
    return input
        .apply(name, MapElements.into(TypeDescriptor.of(type)).via(row))
        .setCoder(RecordCoder.of(type));
  }
}

package dev.millrace.pipelines.clickstream;

import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.RunGate;
import dev.millrace.pipelines.io.Lake;
import dev.millrace.pipelines.io.PrintRows;
import dev.millrace.pipelines.io.WriteTopic;
import dev.millrace.pipelines.io.warehouse.TableChange;
import dev.millrace.pipelines.job.PipelineJob;
import dev.millrace.pipelines.report.ReportReader;
import dev.millrace.pipelines.report.ReportReader.Query;
import dev.millrace.pipelines.report.RunReport;
import dev.millrace.pipelines.report.RunReport.Column;
import dev.millrace.pipelines.report.RunReport.Kind;
import dev.millrace.pipelines.report.RunSummary;
import dev.millrace.schemas.retail.Product;
import dev.millrace.schemas.retail.ProductClass;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.schemas.system.FieldProfile;
import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.schemas.web.EnrichedEvent;
import dev.millrace.schemas.web.Events5m;
import dev.millrace.schemas.web.ShopEvent;
import dev.millrace.schemas.web.ShopMinute;
import dev.millrace.schemas.web.ShopSession;
import dev.millrace.transforms.RawRecord;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.transforms.Wait;
import org.apache.beam.sdk.values.PCollection;

/** One run of {@code clickstream}: joins the flow to sources, lake, warehouse and report. */
final class ClickstreamJob extends PipelineJob {

  static final String VERSION = "1";

  private static final String REVENUE = "revenue, USD";

  private static final ReportReader.Answers ANSWERS =
      new ReportReader.Answers(
          null,
          List.of(
              new Query(
                  "What was done",
                  """
                  SELECT action, sum(events), sum(revenue) FROM events_5m
                  GROUP BY action ORDER BY sum(events) DESC, action COLLATE "C"
                  """,
                  List.of(
                      new Column("action", Kind.TEXT),
                      new Column("events", Kind.COUNT),
                      new Column(REVENUE, Kind.MONEY))),
              new Query(
                  "The busiest five minutes",
                  """
                  SELECT to_char(window_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), sum(events), sum(revenue)
                  FROM events_5m GROUP BY window_start ORDER BY sum(events) DESC, window_start LIMIT 10
                  """,
                  List.of(
                      new Column("from, UTC", Kind.TEXT),
                      new Column("events", Kind.COUNT),
                      new Column(REVENUE, Kind.MONEY))),
              new Query(
                  "Devices",
                  """
                  SELECT device_class, sum(views), sum(carts), sum(purchases), sum(revenue) FROM shop_minute
                  GROUP BY device_class ORDER BY sum(views) DESC, device_class COLLATE "C"
                  """,
                  List.of(
                      new Column("device", Kind.TEXT),
                      new Column("views", Kind.COUNT),
                      new Column("carts", Kind.COUNT),
                      new Column("purchases", Kind.COUNT),
                      new Column(REVENUE, Kind.MONEY))),
              new Query(
                  "Visits",
                  """
                  SELECT count(*), count(DISTINCT user_id), round(avg(pages), 2), round(avg(seconds)),
                    round(100.0 * count(*) FILTER (WHERE purchased) / count(*), 2)
                  FROM shop_session HAVING count(*) > 0
                  """,
                  List.of(
                      new Column("visits", Kind.COUNT),
                      new Column("visitors", Kind.COUNT),
                      new Column("pages, mean", Kind.TEXT),
                      new Column("seconds, mean", Kind.TEXT),
                      new Column("with a purchase, %", Kind.TEXT)))));

  private final ClickstreamConfig config;
  private final Optional<Duration> runFor;
  private final boolean console;
  private final Optional<WriteTopic<Events5m>> aggregated;

  ClickstreamJob(ClickstreamOptions options, CatalogueEntry.Surroundings surroundings) {
    super(
        "clickstream",
        VERSION,
        List.of(
            Events5m.class,
            ShopMinute.class,
            ShopSession.class,
            DeadLetter.class,
            LedgerEntry.class,
            FieldProfile.class),
        options,
        surroundings);
    config = ClickstreamConfig.from(options);
    liveInput(
        "--events",
        options.getEvents(),
        ShopEvent.class,
        config.maxLateness(),
        ClickstreamPipeline.CHAINS.get(0));
    input(
        "--products",
        options.getProducts(),
        Product.class,
        config.maxLateness(),
        ClickstreamPipeline.CHAINS.get(1));
    input(
        "--product-classes",
        options.getProductClasses(),
        ProductClass.class,
        config.maxLateness(),
        ClickstreamPipeline.CHAINS.get(2));
    runFor = ClickstreamConfig.runFor(options, isLive());
    console = options.getConsole();
    aggregated =
        Optional.ofNullable(options.getAggregated())
            .map(uri -> WriteTopic.to("--aggregated", uri, Events5m.class));
    aggregated.ifPresent(WriteTopic::check);
  }

  /**
   * A window can change for as long as it lasts, and its late events; a visit for another gap after
   * its end. Where a visit begins is known from what happened within a gap before.
   */
  @Override
  protected Map<Class<? extends SpecificRecord>, Reach> windows() {
    Duration late = config.maxLateness();
    Duration skew = config.maxSkew();
    Duration gap = config.sessionGap();
    return Map.of(
        Events5m.class, new Reach(skew, late.plusMinutes(5)),
        ShopMinute.class, new Reach(skew, late.plusMinutes(1)),
        ShopSession.class, new Reach(skew.plus(gap), late.plus(gap)));
  }

  @Override
  public Optional<Duration> runFor() {
    return runFor;
  }

  @Override
  public void build(Pipeline pipeline) {
    List<PCollection<RawRecord>> raw = readAll(pipeline);
    ClickstreamResults results =
        ClickstreamPipeline.flow(
            new ClickstreamInputs(raw.get(0), raw.get(1), raw.get(2), arrivesInOrder()),
            config,
            VERSION);
    PCollection<DeadLetter> rejects = counted(results.rejects());
    if (isLive()) {
      tables(results, rejects);
      tell(results.answers().events5m(), results.answers().minutes());
      return;
    }
    PCollection<Long> go =
        results
            .ledger()
            .apply(
                "RunGate",
                RunGate.of("events", ClickstreamPipeline.CHAINS)
                    .refusingMoreRejectsThan(config.maxRejectRatio()));
    if (isBackfill()) {
      tables(results, rejects);
      publishBackfill(go);
      return;
    }
    Lake lake = lake(results, rejects);
    PCollection<String> files = write(lake);
    tables(results, rejects);
    table("Profile", results.profile(), FieldProfile.class);
    PCollection<TableChange> published = publish(go, lake, files);
    // Outside nothing can be taken back: it is told of what is published, and no sooner.
    if (aggregated.isPresent() || console) {
      tell(
          results.answers().events5m().apply("PublishedEvents5m", Wait.on(published)),
          results.answers().minutes().apply("PublishedMinutes", Wait.on(published)));
    }
  }

  /** Tells others than the warehouse, if that was asked for. */
  private void tell(PCollection<Events5m> windows, PCollection<ShopMinute> minutes) {
    aggregated.ifPresent(topic -> windows.apply("AggregatedEvents", topic));
    if (console) {
      minutes.apply("Console", PrintRows.of(ShopMinute.class));
    }
  }

  private void tables(ClickstreamResults results, PCollection<DeadLetter> rejects) {
    table("Events5m", results.answers().events5m(), Events5m.class);
    table("ShopMinute", results.answers().minutes(), ShopMinute.class);
    table("ShopSession", results.answers().sessions(), ShopSession.class);
    deadLetters(rejects);
    table("Ledger", results.ledger(), LedgerEntry.class);
  }

  private Lake lake(ClickstreamResults results, PCollection<DeadLetter> rejects) {
    return lakeWithBronze()
        .add(
            "Silver_events",
            results.events(),
            Lake.silver(
                "events",
                EnrichedEvent.class,
                e ->
                    "day=" + Instant.ofEpochMilli(e.eventTimeMillis()).toString().substring(0, 10)))
        .add("Gold_events_5m", results.answers().events5m(), Lake.gold(Events5m.class))
        .add("Gold_shop_minute", results.answers().minutes(), Lake.gold(ShopMinute.class))
        .add("Gold_shop_session", results.answers().sessions(), Lake.gold(ShopSession.class))
        .add("Gold_ledger", results.ledger(), Lake.gold(LedgerEntry.class))
        .add("Rejects_dead_letter", rejects, Lake.rejects());
  }

  @Override
  protected Map<String, String> config() {
    return Map.of(
        "max-lateness", config.maxLateness().toString(),
        "max-skew", config.maxSkew().toString(),
        "max-reject-ratio", Double.toString(config.maxRejectRatio()),
        "session-gap", config.sessionGap().toString(),
        "windows", config.policy().toString(),
        "visits", config.visitsPolicy().toString());
  }

  @Override
  protected ReportReader.Answers answers() {
    return ANSWERS;
  }

  @Override
  protected String summary(RunReport report, Path page) {
    return RunSummary.of(
        report, page, "events", "SELECT * FROM shop_minute ORDER BY 1 DESC LIMIT 10");
  }
}

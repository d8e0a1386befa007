package dev.millrace.pipelines.clickstream;

import dev.millrace.pipelines.Example;
import dev.millrace.pipelines.job.EdgeOptions;
import org.apache.beam.sdk.options.Default;
import org.apache.beam.sdk.options.Description;
import org.jspecify.annotations.Nullable;

/**
 * Options of the pipeline {@code clickstream}. Whether it is a batch or runs live is decided by
 * {@code --events} alone. The help text is made from these descriptions.
 */
public interface ClickstreamOptions extends EdgeOptions {

  @Description(
      "Events of the shop. A Kafka topic, kafka://host:port/topic: the run is live, until it is stopped. Or what has an end, for a"
          + " batch: the topic up to now (?until=end), files (a file, a directory, a glob, several with commas; JSON lines, CSV,"
          + " Avro or Parquet; text also as gzip or zstd), or the bronze table of a lake")
  @Example("kafka://127.0.0.1:9092/clicks")
  @Default.String("out/generated/clickstream")
  String getEvents();

  void setEvents(String value);

  @Description("Products: files, or a topic with ?until=end")
  @Default.String(".millrace/data/foodmart/product.json")
  String getProducts();

  void setProducts(String value);

  @Description("Product classes, in any form --products takes")
  @Default.String(".millrace/data/foodmart/product_class.json")
  String getProductClasses();

  void setProductClasses(String value);

  @Description(
      "An event that arrives later than this after it happened is late, and windows are corrected as long: 10m, 90s, or ISO-8601")
  @Default.String("10m")
  String getMaxLateness();

  void setMaxLateness(String value);

  @Description(
      "An event that claims to have happened further than this after its arrival is from the future: 1m, or ISO-8601")
  @Default.String("1m")
  String getMaxSkew();

  void setMaxSkew(String value);

  @Description("A visit ends when its user has done nothing for so long: 30m, or ISO-8601")
  @Default.String("30m")
  String getSessionGap();

  void setSessionGap(String value);

  @Description(
      "Live, a table shows what is new this long after it came: PT0.1S, 1s, or ISO-8601. Shorter is fresher, and more work for the"
          + " warehouse")
  @Default.String("PT0.1S")
  String getEarly();

  void setEarly(String value);

  @Description(
      "The same for visits, shop_session. There each visitor who did something is a row to write: a longer wait spares the warehouse")
  @Default.String("5s")
  String getEarlyVisits();

  void setEarlyVisits(String value);

  @Description("Live, stop after so long: 10m, 1h, or ISO-8601; until interrupted if not given")
  @Example("10m")
  @Nullable String getRunFor();

  void setRunFor(@Nullable String value);

  @Description(
      "A batch is refused, and nothing published, when more than this share of the events is rejected; 1 never refuses")
  @Default.Double(1.0)
  double getMaxRejectRatio();

  void setMaxRejectRatio(double value);

  @Description(
      "Also write each row of events_5m to this Kafka topic, as JSON: kafka://host:port/aggregated_events. At least once, with the"
          + " row's key; or ?delivery=exactly-once on Flink")
  @Example("kafka://127.0.0.1:9092/aggregated_events")
  @Nullable String getAggregated();

  void setAggregated(@Nullable String value);

  @Description("Also print each row of the dashboard, shop_minute, as it changes")
  @Default.Boolean(false)
  boolean getConsole();

  void setConsole(boolean value);
}

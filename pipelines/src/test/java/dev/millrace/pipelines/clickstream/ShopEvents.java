package dev.millrace.pipelines.clickstream;

import static dev.millrace.testing.Records.raw;

import dev.millrace.transforms.RawRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.values.PCollection;

/** Events as JSON, and a small range of products. Times are of 2024-03-01. */
final class ShopEvents {

  static final String WINDOWS =
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36";
  static final String IPHONE =
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Mobile/15E148 Safari/604.1";
  static final String ROBOT =
      "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

  private ShopEvents() {}

  /** An event; {@code more} begins with a comma, or is empty. */
  static String event(String id, String user, String action, String time, String more) {
    return "{\"event_id\":\"%s\",\"user_id\":\"%s\",\"session_id\":\"S1\",\"action\":\"%s\",\"url\":\"https://shop.example.com/\",\"event_time\":\"2024-03-01T%sZ\"%s}"
        .formatted(id, user, action, time, more);
  }

  static String of(int product, String price) {
    return ",\"product_id\":" + product + ",\"price\":" + price;
  }

  static String by(String agent) {
    return ",\"user_agent\":\"" + agent + '"';
  }

  static String arrived(String time) {
    return ",\"arrived_at\":\"2024-03-01T" + time + "Z\"";
  }

  static ClickstreamConfig config(String secret) {
    return new ClickstreamConfig(
        Duration.ofMinutes(10),
        Duration.ofMinutes(1),
        1.0,
        Duration.ofMinutes(30),
        Duration.ofSeconds(10),
        Duration.ofSeconds(10),
        secret);
  }

  /** The events with products 1, a fruit, and 2, a meat. */
  static ClickstreamInputs with(PCollection<RawRecord> events) {
    return with(events, product(1, 1), product(2, 2));
  }

  static ClickstreamInputs with(PCollection<RawRecord> events, String... products) {
    Pipeline pipeline = events.getPipeline();
    return new ClickstreamInputs(
        events,
        input(pipeline, "products", products),
        input(pipeline, "classes", productClass(1, "Fruit"), productClass(2, "Meat")),
        false);
  }

  static PCollection<RawRecord> input(Pipeline pipeline, String name, String... json) {
    List<RawRecord> records = new ArrayList<>();
    for (int i = 0; i < json.length; i++) {
      records.add(raw(json[i]).at(name + ".json", i));
    }
    return pipeline.apply("Read_" + name, Create.of(records).withCoder(RawRecord.coder()));
  }

  static String product(int id, int productClass) {
    return "{\"product_class_id\":%d,\"product_id\":%d,\"brand_name\":\"B\",\"product_name\":\"P\",\"SKU\":1,\"SRP\":1,\"recyclable_package\":true,\"low_fat\":false,\"units_per_case\":1}"
        .formatted(productClass, id);
  }

  static String productClass(int id, String category) {
    return "{\"product_class_id\":%d,\"product_subcategory\":\"s\",\"product_category\":\"%s\",\"product_department\":\"d\",\"product_family\":\"f\"}"
        .formatted(id, category);
  }
}

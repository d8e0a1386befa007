package dev.millrace.pipelines.sales;

import dev.millrace.pipelines.Example;
import dev.millrace.pipelines.job.EdgeOptions;
import org.apache.beam.sdk.options.Default;
import org.apache.beam.sdk.options.Description;
import org.jspecify.annotations.Nullable;

/**
 * Options of the pipeline {@code sales}: one per logical input and output, and the few numbers its
 * answers depend on. The help text is made from these descriptions.
 */
public interface SalesOptions extends EdgeOptions {

  @Description(
      "Sales facts: a file, a directory, a glob, several of them with commas, or the bronze table of a lake; JSON lines, CSV,"
          + " Avro or Parquet; text also as gzip or zstd. Or a Kafka topic, read to its end: kafka://host:port/topic?until=end")
  @Default.String(".millrace/data/foodmart/sales_fact_*.json")
  String getSales();

  void setSales(String value);

  @Description("Customers, in any form --sales takes")
  @Default.String(".millrace/data/foodmart/customer.json")
  String getCustomers();

  void setCustomers(String value);

  @Description("Products, in any form --sales takes")
  @Default.String(".millrace/data/foodmart/product.json")
  String getProducts();

  void setProducts(String value);

  @Description("Product classes, in any form --sales takes")
  @Default.String(".millrace/data/foodmart/product_class.json")
  String getProductClasses();

  void setProductClasses(String value);

  @Description("Stores, in any form --sales takes")
  @Default.String(".millrace/data/foodmart/store.json")
  String getStores();

  void setStores(String value);

  @Description("Promotions, in any form --sales takes")
  @Default.String(".millrace/data/foodmart/promotion.json")
  String getPromotions();

  void setPromotions(String value);

  @Description("Calendar days, in any form --sales takes")
  @Default.String(".millrace/data/foodmart/time_by_day.json")
  String getDays();

  void setDays(String value);

  @Description("Sales regions, in any form --sales takes")
  @Default.String(".millrace/data/foodmart/region.json")
  String getRegions();

  void setRegions(String value);

  @Description(
      "A sale that arrives later than this after its day began is late: 7d, 36h, 90m, or ISO-8601")
  @Default.String("7d")
  String getMaxLateness();

  void setMaxLateness(String value);

  @Description(
      "A sale whose day lies further than this after its arrival is from the future: 1d, 12h, or ISO-8601")
  @Default.String("1d")
  String getMaxSkew();

  void setMaxSkew(String value);

  @Description(
      "The run is refused, and nothing published, when more than this share of the sales is rejected; 1 never refuses")
  @Default.Double(1.0)
  double getMaxRejectRatio();

  void setMaxRejectRatio(double value);

  @Description("Customers per sales region in the table top_customers")
  @Default.Integer(10)
  int getTopCustomers();

  void setTopCustomers(int value);

  @Description("Products in the table top_products")
  @Default.Integer(5)
  int getTopProducts();

  void setTopProducts(int value);

  @Description(
      "Reference day of lapsed_customers and top_products; the day of the latest sale if not given")
  @Example("1998-12-31")
  @Nullable String getAsOf();

  void setAsOf(@Nullable String value);
}

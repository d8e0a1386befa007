package dev.millrace.pipelines.job;

import dev.millrace.pipelines.Example;
import org.apache.beam.sdk.options.Default;
import org.apache.beam.sdk.options.Description;
import org.apache.beam.sdk.options.PipelineOptions;
import org.jspecify.annotations.Nullable;

/** Options of every pipeline: where its results go, and the key of private fields. */
public interface EdgeOptions extends PipelineOptions {

  /** Where the key of private fields is kept if not said otherwise. */
  String DEFAULT_SECRET = "file:.millrace/secret.key";

  @Description("Directory of the lake: bronze, silver, gold and dead letters as Parquet")
  @Default.String("out/lake")
  String getLake();

  void setLake(String value);

  @Description(
      "Warehouse: a jdbc:postgresql: URL, or 'embedded' for a PostgreSQL kept under .millrace/")
  @Default.String("embedded")
  String getWarehouse();

  void setWarehouse(String value);

  @Description("User of the warehouse, if its URL names none")
  @Example("loader")
  @Nullable String getWarehouseUser();

  void setWarehouseUser(@Nullable String value);

  @Description("Password of the warehouse, as a reference: env:NAME or file:PATH")
  @Example("env:WAREHOUSE_PASSWORD")
  @Nullable String getWarehousePassword();

  void setWarehousePassword(@Nullable String value);

  @Description(
      "Also write each dead letter to this Kafka topic, with the headers of Kafka Connect's dead letter queues:"
          + " kafka://host:port/rejects. At least once, with its id as key; or ?delivery=exactly-once on Flink")
  @Example("kafka://127.0.0.1:9092/rejects")
  @Nullable String getDeadLetters();

  void setDeadLetters(@Nullable String value);

  @Description("Directory of the report")
  @Default.String("out/report")
  String getReport();

  void setReport(String value);

  @Description(
      "Key that tokenizes and encrypts private fields, as a reference: env:NAME or file:PATH; the default file is made on"
          + " first use")
  @Default.String(DEFAULT_SECRET)
  String getSecret();

  void setSecret(String value);
}

package dev.millrace.benchmarks.spark;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.StorageLevel;

/**
 * A process that computes the answers of {@code sales} by Spark SQL on all cores, and leaves them,
 * and the sales they are made of, as Parquet and in a database. What is written twice is made once,
 * and kept.
 *
 * <p>Arguments: a directory of tables, JSON lines, one that gets a directory for each answer, and
 * the address of the database, in which the tables are.
 */
public final class SparkSql {

  private static final Map<String, String> TABLES = new LinkedHashMap<>();

  static {
    TABLES.put(
        "sale",
        "product_id INT, time_id INT, customer_id INT, promotion_id INT, store_id INT, store_sales"
            + " DECIMAL(12,4), store_cost DECIMAL(12,4), unit_sales DECIMAL(12,4)");
    TABLES.put("product", "product_id INT, product_class_id INT, product_name STRING");
    TABLES.put(
        "product_class",
        "product_class_id INT, product_category STRING, product_department STRING");
    TABLES.put("customer", "customer_id INT, customer_region_id INT");
    TABLES.put("store", "store_id INT, store_city STRING, store_country STRING");
    TABLES.put("region", "region_id INT, sales_region STRING");
  }

  private static final String[] FACTS = {
    "product_id",
    "time_id",
    "customer_id",
    "promotion_id",
    "store_id",
    "store_sales",
    "store_cost",
    "unit_sales",
    "day"
  };

  private SparkSql() {}

  /** Computes and writes. */
  public static void main(String[] arguments) throws IOException {
    String data = arguments[0];
    String out = arguments[1];
    String warehouse = arguments[2];
    int cores = Runtime.getRuntime().availableProcessors();
    try (SparkSession spark =
        SparkSession.builder()
            .master("local[" + cores + "]")
            .config("spark.ui.enabled", false)
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            // Spark's own 200 are for a cluster.
            .config("spark.sql.shuffle.partitions", cores)
            .config("spark.sql.warehouse.dir", out)
            .getOrCreate()) {
      spark.sparkContext().setLogLevel("WARN");
      TABLES.forEach(
          (table, columns) ->
              spark
                  .read()
                  .schema(columns)
                  .option("mode", "FAILFAST")
                  .json(data + "/" + (table.equals("sale") ? "sales_fact_*" : table) + ".json")
                  .createOrReplaceTempView(table));
      Dataset<Row> sales = spark.table("sale").persist(StorageLevel.MEMORY_AND_DISK());
      sales.createOrReplaceTempView("sale");
      sales.write().parquet(out + "/bronze");
      for (String sql : script().split(";\\s*\n", -1)) {
        String statement = sql.strip();
        int end = statement.indexOf(" AS\n");
        if (end < 0) {
          continue;
        }
        String name = statement.substring(statement.lastIndexOf('\n', end) + 1, end);
        Dataset<Row> rows =
            spark.sql(statement.substring(end + 4)).persist(StorageLevel.MEMORY_AND_DISK());
        rows.write().parquet(out + "/" + name);
        if (name.equals("silver")) {
          rows.createOrReplaceTempView(name);
          write(rows.selectExpr(FACTS), warehouse, "fact_sale");
        } else {
          write(rows, warehouse, name);
          rows.unpersist();
        }
      }
    }
  }

  private static void write(Dataset<Row> rows, String warehouse, String table) {
    Properties properties = new Properties();
    properties.setProperty("batchsize", "5000");
    rows.write().mode(SaveMode.Append).jdbc(warehouse, table, properties);
  }

  private static String script() throws IOException {
    try (InputStream in = SparkSql.class.getResourceAsStream("sales.sql")) {
      if (in == null) {
        throw new IllegalStateException("sales.sql is missing from the class path");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}

package dev.millrace.it;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The FoodMart tables of the pipeline, unpacked from their artifact. */
final class FoodMart {

  static final List<String> DIMENSIONS =
      List.of(
          "customer", "product", "product_class", "store", "promotion", "time_by_day", "region");
  static final List<String> FACTS =
      List.of("sales_fact_1997", "sales_fact_1998", "sales_fact_dec_1998");

  private FoodMart() {}

  /** Unpacks the ten tables into a directory. */
  static Path unpackInto(Path directory) throws IOException {
    Files.createDirectories(directory);
    for (List<String> tables : List.of(DIMENSIONS, FACTS)) {
      for (String table : tables) {
        try (InputStream in = FoodMart.class.getResourceAsStream("/" + table + ".json")) {
          if (in == null) {
            throw new IllegalStateException(table + ".json is not in the FoodMart artifact");
          }
          Files.copy(in, directory.resolve(table + ".json"));
        }
      }
    }
    return directory;
  }

  /** The options that name the dimensions in a directory. */
  static List<String> dimensionOptions(Path directory) {
    return List.of(
        "--customers=" + directory.resolve("customer.json"),
        "--products=" + directory.resolve("product.json"),
        "--product-classes=" + directory.resolve("product_class.json"),
        "--stores=" + directory.resolve("store.json"),
        "--promotions=" + directory.resolve("promotion.json"),
        "--days=" + directory.resolve("time_by_day.json"),
        "--regions=" + directory.resolve("region.json"));
  }
}

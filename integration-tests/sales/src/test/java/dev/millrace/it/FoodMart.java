package dev.millrace.it;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The FoodMart tables of the pipeline, unpacked from their artifact. */
final class FoodMart {

  static final List<String> DIMENSIONS =
      List.of(
          "customer", "product", "product_class", "store", "promotion", "time_by_day", "region");
  static final List<String> FACTS =
      List.of("sales_fact_1997", "sales_fact_1998", "sales_fact_dec_1998");

  private static final Pattern CUSTOMER = Pattern.compile("\"customer_id\":(\\d+)");

  private FoodMart() {}

  /** Unpacks the ten tables into a directory. */
  static Path unpackInto(Path directory) throws IOException {
    Files.createDirectories(directory);
    for (List<String> tables : List.of(DIMENSIONS, FACTS)) {
      for (String table : tables) {
        try (InputStream in = open(table)) {
          Files.copy(in, directory.resolve(table + ".json"));
        }
      }
    }
    return directory;
  }

  /**
   * Writes a small part of it that is whole in itself: one customer in seventeen, some of their
   * sales, every product, store, day and region.
   *
   * @param which another number, another part
   * @return the file of the sales
   */
  static Path sampleInto(Path directory, int which) throws IOException {
    Files.createDirectories(directory);
    for (String table : DIMENSIONS) {
      Stream<String> rows = rows(table);
      Files.write(
          directory.resolve(table + ".json"),
          (table.equals("customer") ? rows.filter(row -> isOf(which, row)) : rows).toList());
    }
    List<String> sales =
        FACTS.stream().flatMap(FoodMart::rows).filter(row -> isOf(which, row)).toList();
    List<String> some =
        IntStream.range(0, sales.size()).filter(i -> i % 7 == 0).mapToObj(sales::get).toList();
    return Files.write(directory.resolve("sales.json"), some);
  }

  private static boolean isOf(int which, String row) {
    Matcher customer = CUSTOMER.matcher(row);
    return customer.find() && Integer.parseInt(customer.group(1)) % 17 == which;
  }

  /** The records of a table. */
  static Stream<String> rows(String table) {
    return new BufferedReader(new InputStreamReader(open(table), StandardCharsets.UTF_8)).lines();
  }

  private static InputStream open(String table) {
    InputStream in = FoodMart.class.getResourceAsStream("/" + table + ".json");
    if (in == null) {
      throw new IllegalStateException(table + ".json is not in the FoodMart artifact");
    }
    return in;
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

package dev.millrace.benchmarks;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The FoodMart tables of {@code sales} as files, as large as wanted. */
final class FoodMart {

  /** Glob of the facts. */
  static final String SALES = "sales_fact_*.json";

  private static final List<String> DIMENSIONS =
      List.of(
          "customer", "product", "product_class", "store", "promotion", "time_by_day", "region");
  private static final List<String> FACTS =
      List.of("sales_fact_1997", "sales_fact_1998", "sales_fact_dec_1998");
  private static final String UNITS = "\"unit_sales\":";
  private static final BigDecimal THOUSAND = new BigDecimal(1_000);

  private FoodMart() {}

  /**
   * Writes the tables.
   *
   * @param scale how often the facts are written: the copies are other sales of the same products,
   *     with a thousand more units each time, so that none is a duplicate
   */
  static Path writeInto(Path directory, int scale) throws IOException {
    Files.createDirectories(directory);
    for (List<String> tables : List.of(DIMENSIONS, FACTS)) {
      for (String table : tables) {
        try (InputStream in = open(table)) {
          Files.copy(in, directory.resolve(table + ".json"), StandardCopyOption.REPLACE_EXISTING);
        }
      }
    }
    for (int copy = 1; copy < scale; copy++) {
      for (String table : FACTS) {
        writeCopy(
            directory.resolve(table + ".json"),
            directory.resolve(table + "_" + copy + ".json"),
            copy);
      }
    }
    return directory;
  }

  private static void writeCopy(Path from, Path to, int copy) throws IOException {
    BigDecimal more = THOUSAND.multiply(BigDecimal.valueOf(copy));
    try (BufferedReader lines = Files.newBufferedReader(from);
        BufferedWriter out = Files.newBufferedWriter(to)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        int start = line.indexOf(UNITS) + UNITS.length();
        int end = line.indexOf('}', start);
        out.write(line, 0, start);
        out.write(new BigDecimal(line.substring(start, end)).add(more).toPlainString());
        out.write(line, end, line.length() - end);
        out.write('\n');
      }
    }
  }

  /** The files of the facts. */
  static List<Path> sales(Path directory) throws IOException {
    List<Path> files = new ArrayList<>();
    try (Stream<Path> all = Files.list(directory)) {
      all.filter(file -> String.valueOf(file.getFileName()).startsWith("sales_fact_"))
          .sorted()
          .forEach(files::add);
    }
    return files;
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

  private static InputStream open(String table) {
    InputStream in = FoodMart.class.getResourceAsStream("/" + table + ".json");
    if (in == null) {
      throw new IllegalStateException(table + ".json is not in the FoodMart artifact");
    }
    return in;
  }
}

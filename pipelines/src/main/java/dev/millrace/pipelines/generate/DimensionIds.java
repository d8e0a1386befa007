package dev.millrace.pipelines.generate;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.stream.IntStream;

/**
 * The ids that exist in the dimensions of a sale: foreign keys of good records are drawn from them,
 * those of orphans from outside.
 *
 * @param customers ids of customers, from 1
 * @param products ids of products, from 1
 * @param stores ids of stores
 * @param promotions ids of promotions; a sale without promotion has 0 where that exists
 * @param days ids of days, from 1 to 36524: days since 1995-12-31
 */
public record DimensionIds(Ids customers, Ids products, Ids stores, Ids promotions, Ids days) {

  /** Last day the contract of a sale allows. */
  static final int LAST_DAY = 36_524;

  /** The ids of the FoodMart data set; of its stores those that sell. */
  public static final DimensionIds FOODMART =
      new DimensionIds(
          Ids.parse("1-10281"),
          Ids.parse("1-1560"),
          Ids.parse("1-24"),
          Ids.parse(
              "0-78,81-158,160-237,239-315,318-394,397-474,476-553,555-631,634-710,713-790,792-869,"
                  + "871-948,950-1027,1029-1106,1108-1184,1187-1264,1266-1343,1345-1422,1424-1500,"
                  + "1503-1579,1582-1658,1661-1738,1740-1816,1819-1896"),
          Ids.parse("367-1096"));

  /** Checks them. */
  public DimensionIds {
    atLeastOne("customer", customers);
    atLeastOne("product", products);
    atLeastOne("day", days);
    if (days.last() > LAST_DAY) {
      throw new IllegalArgumentException(
          "day ids must be at most " + LAST_DAY + ", as the contract says: " + days.last());
    }
  }

  /**
   * The ids in FoodMart's JSON files {@code customer.json}, {@code product.json}, {@code
   * store.json}, {@code promotion.json} and {@code time_by_day.json}.
   *
   * @param source their directory, or a jar that holds them
   */
  public static DimensionIds from(Path source) throws IOException {
    if (Files.isDirectory(source)) {
      return read(source, source);
    }
    if (!Files.isRegularFile(source)) {
      throw new NoSuchFileException(
          source.toString(), null, "give the directory or the jar of FoodMart's JSON files");
    }
    try (FileSystem jar = FileSystems.newFileSystem(source)) {
      return read(jar.getPath("/"), source);
    }
  }

  private static DimensionIds read(Path folder, Path source) throws IOException {
    return new DimensionIds(
        read(folder, source, "customer.json", "customer_id"),
        read(folder, source, "product.json", "product_id"),
        read(folder, source, "store.json", "store_id"),
        read(folder, source, "promotion.json", "promotion_id"),
        read(folder, source, "time_by_day.json", "time_id"));
  }

  private static Ids read(Path folder, Path source, String file, String field) throws IOException {
    Path path = folder.resolve(file);
    if (!Files.isRegularFile(path)) {
      throw new NoSuchFileException(
          source.toString(),
          null,
          "holds no " + file + "; give the directory or the jar of FoodMart's JSON files");
    }
    IntStream.Builder ids = IntStream.builder();
    try (InputStream in = Files.newInputStream(path);
        JsonParser parser = new JsonFactory().createParser(in)) {
      for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
        if (token == JsonToken.FIELD_NAME && parser.currentName().equals(field)) {
          parser.nextToken();
          ids.add(parser.getIntValue());
        }
      }
    }
    try {
      return Ids.of(ids.build().toArray());
    } catch (IllegalArgumentException unfit) {
      throw new IllegalArgumentException(
          source + ", " + file + ", " + field + ": " + unfit.getMessage(), unfit);
    }
  }

  private static void atLeastOne(String dimension, Ids ids) {
    if (ids.first() < 1) {
      throw new IllegalArgumentException(
          dimension + " ids must be at least 1, as the contract says: " + ids.first());
    }
  }
}

package dev.millrace.pipelines.generate;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;

/**
 * Writes facts of retail sales, as JSON lines of the contract {@code Sale}, with known faults, and
 * the exact answer a pipeline must give for them.
 *
 * <p>The facts look like FoodMart's: its dimensions, its kind of amounts, ordered by day. A record
 * has one fault at most, so the reason it is refused for is never in doubt. Copies and newer
 * versions are made of good records only; they stand near the first, far from it, or in another
 * file, and an older version can come after the newer. One good record in a hundred is spelled
 * unusually. No two records are equal by accident: beside its day, the low digits of a record's
 * amounts are its own.
 *
 * <p>Equal configs give equal bytes, on every machine and Java release; of compressed files, where
 * the compressor is the same. Memory does not grow with the number of records: files are streamed,
 * and only copies yet to be written are kept.
 *
 * <pre>{@code
 * AnswerKey key = SalesGenerator.with(Config.of(1_000_000, 42)).writeTo(Path.of("data"));
 * }</pre>
 */
public final class SalesGenerator {

  /** Sales of one day that the low digits of their amounts can tell apart: six digits. */
  static final long SALES_OF_A_DAY = 1_000_000;

  private final Config config;

  private SalesGenerator(Config config) {
    this.config = config;
  }

  /** A generator of the set a config describes. */
  public static SalesGenerator with(Config config) {
    return new SalesGenerator(config);
  }

  /**
   * Writes {@code sales-00000.jsonl} and so on, and last of all {@code answer-key.json}. Files of
   * these names are replaced; a directory that holds other generated files is refused, since a
   * reader of {@code sales-*} would take them for part of the set.
   *
   * @param directory where to; made if it is not there
   */
  public AnswerKey writeTo(Path directory) throws IOException {
    return new SalesRun(config)
        .write(directory, "sales", config.files, config.compression, config.described());
  }

  /**
   * What to generate.
   *
   * @param records how many records in all, copies included
   * @param seed equal seeds give equal sets
   * @param files how many files the records are spread over, in equal parts
   * @param compression how the files are compressed
   * @param shares the share of each kind, from 0 to 1; a kind not named has its usual share
   * @param maxLateness bound above which the pipeline will call a record late
   * @param maxSkew bound above which the pipeline will say a record comes from the future
   * @param dimensions the ids that exist
   * @param hotKey share of the records that are of one customer
   */
  public record Config(
      long records,
      long seed,
      int files,
      Compression compression,
      Map<Share, Double> shares,
      Duration maxLateness,
      Duration maxSkew,
      DimensionIds dimensions,
      double hotKey) {

    /** Checks it; a refusal says which option, what is wrong and what would do. */
    public Config {
      Map<Share, Double> all = Checks.sharesOf(shares, Share.values());
      shares = all;
      Checks.common(records, files, all);
      Checks.check(
          Checks.sum(all, Share.VERSION_2) > 0
              || Checks.sum(all, Share.NEWER_VERSIONS, Share.LATE, Share.FUTURE) == 0,
          "newer_versions, late and future need records of version 2: set version_2 above 0, or"
              + " these to 0");
      Checks.bound("max lateness", maxLateness);
      Checks.bound("max skew", maxSkew);
      Checks.check(hotKey >= 0 && hotKey <= 1, "hot-key must be between 0 and 1, not %s", hotKey);
      Ids days = dimensions.days();
      Checks.check(
          records <= SALES_OF_A_DAY * days.size(),
          "records must be at most %d, a million for each of %d days, not %d",
          SALES_OF_A_DAY * days.size(),
          days.size(),
          records);
      Checks.check(
          Checks.sum(all, Share.ORPHANS) == 0 || days.last() + days.size() <= DimensionIds.LAST_DAY,
          "orphans need as many days without a row after day %d as there are days with one (%d),"
              + " before day %d: set orphans to 0, or name fewer or earlier days",
          days.last(),
          days.size(),
          DimensionIds.LAST_DAY);
    }

    /** So many records of the usual kinds, over FoodMart's dimensions, in four files at most. */
    public static Config of(long records, long seed) {
      return new Config(
          records,
          seed,
          (int) Math.max(1, Math.min(4, records)),
          Compression.NONE,
          Map.of(),
          Duration.ofDays(7),
          Duration.ofDays(1),
          DimensionIds.FOODMART,
          0);
    }

    /** A copy with another number of files. */
    public Config withFiles(int files) {
      return new Config(
          records, seed, files, compression, shares, maxLateness, maxSkew, dimensions, hotKey);
    }

    /** A copy with another compression. */
    public Config withCompression(Compression compression) {
      return new Config(
          records, seed, files, compression, shares, maxLateness, maxSkew, dimensions, hotKey);
    }

    /** A copy with other shares of the kinds named. */
    public Config withShares(Map<Share, Double> others) {
      Map<Share, Double> all = new EnumMap<>(shares);
      all.putAll(others);
      return new Config(
          records, seed, files, compression, all, maxLateness, maxSkew, dimensions, hotKey);
    }

    /** A copy with other bounds of time. */
    public Config withBounds(Duration maxLateness, Duration maxSkew) {
      return new Config(
          records, seed, files, compression, shares, maxLateness, maxSkew, dimensions, hotKey);
    }

    /** A copy with other dimensions. */
    public Config withDimensions(DimensionIds dimensions) {
      return new Config(
          records, seed, files, compression, shares, maxLateness, maxSkew, dimensions, hotKey);
    }

    double share(Share share) {
      return Checks.sum(shares, share);
    }

    /** A copy of which this share is of one customer. */
    public Config withHotKey(double share) {
      return new Config(
          records, seed, files, compression, shares, maxLateness, maxSkew, dimensions, share);
    }

    Map<String, String> described() {
      Map<String, String> options = Checks.described(records, seed, files, compression, shares);
      options.put("max_lateness", maxLateness.toString());
      options.put("max_skew", maxSkew.toString());
      options.put("customers", dimensions.customers().toString());
      options.put("products", dimensions.products().toString());
      options.put("stores", dimensions.stores().toString());
      options.put("promotions", dimensions.promotions().toString());
      options.put("days", dimensions.days().toString());
      if (hotKey > 0) {
        options.put("hot_key", Double.toString(hotKey));
      }
      return options;
    }
  }
}

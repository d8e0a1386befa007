package dev.millrace.pipelines.generate;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;

/**
 * Writes visits to a web shop, as JSON lines of the contract {@code ShopEvent}, with known faults,
 * and the exact answer a pipeline must give for them.
 *
 * <p>Fifty visitors are in the shop at a time: they look, search, put into the cart, buy or leave,
 * and may come back. Records stand in the order of their arrival, two in a second; most arrive
 * within twenty seconds. A record has one fault at most, so the reason it is refused for is never
 * in doubt. Copies have the same bytes as the first and follow it within five minutes. One good
 * record in a hundred is spelled unusually.
 *
 * <p>Equal configs give equal bytes, on every machine and Java release; of compressed files, where
 * the compressor is the same.
 *
 * <pre>{@code
 * AnswerKey key = ClickstreamGenerator.with(Config.of(1_000_000, 42)).writeTo(Path.of("data"));
 * }</pre>
 */
public final class ClickstreamGenerator {

  private final Config config;

  private ClickstreamGenerator(Config config) {
    this.config = config;
  }

  /** A generator of the set a config describes. */
  public static ClickstreamGenerator with(Config config) {
    return new ClickstreamGenerator(config);
  }

  /**
   * Writes {@code clickstream-00000.jsonl} and so on, and last of all {@code answer-key.json}.
   * Files of these names are replaced; a directory that holds other generated files is refused.
   *
   * @param directory where to; made if it is not there
   */
  public AnswerKey writeTo(Path directory) throws IOException {
    return new ClickstreamRun(config)
        .write(directory, "clickstream", config.files, config.compression, config.described());
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
   * @param products the ids of products that exist
   * @param hotKey share of the records that are of one visitor
   */
  public record Config(
      long records,
      long seed,
      int files,
      Compression compression,
      Map<Share, Double> shares,
      Duration maxLateness,
      Duration maxSkew,
      Ids products,
      double hotKey) {

    /** Checks it; a refusal says which option, what is wrong and what would do. */
    public Config {
      shares =
          Checks.sharesOf(
              shares,
              Share.MALFORMED,
              Share.RULE_BREAKS,
              Share.ORPHANS,
              Share.DUPLICATES,
              Share.LATE,
              Share.FUTURE);
      Checks.common(records, files, shares);
      Checks.bound("max lateness", maxLateness);
      Checks.bound("max skew", maxSkew);
      Checks.check(hotKey >= 0 && hotKey <= 1, "hot-key must be between 0 and 1, not %s", hotKey);
    }

    /** So many records of the usual kinds, about FoodMart's products, in four files at most. */
    public static Config of(long records, long seed) {
      return new Config(
          records,
          seed,
          (int) Math.max(1, Math.min(4, records)),
          Compression.NONE,
          Map.of(),
          Duration.ofMinutes(10),
          Duration.ofMinutes(1),
          DimensionIds.FOODMART.products(),
          0);
    }

    /** A copy with another number of files. */
    public Config withFiles(int files) {
      return new Config(
          records, seed, files, compression, shares, maxLateness, maxSkew, products, hotKey);
    }

    /** A copy with another compression. */
    public Config withCompression(Compression compression) {
      return new Config(
          records, seed, files, compression, shares, maxLateness, maxSkew, products, hotKey);
    }

    /** A copy with other shares of the kinds named. */
    public Config withShares(Map<Share, Double> others) {
      Map<Share, Double> all = new EnumMap<>(shares);
      all.putAll(others);
      return new Config(
          records, seed, files, compression, all, maxLateness, maxSkew, products, hotKey);
    }

    /** A copy with other bounds of time. */
    public Config withBounds(Duration maxLateness, Duration maxSkew) {
      return new Config(
          records, seed, files, compression, shares, maxLateness, maxSkew, products, hotKey);
    }

    /** A copy of which this share is of one visitor. */
    public Config withHotKey(double share) {
      return new Config(
          records, seed, files, compression, shares, maxLateness, maxSkew, products, share);
    }

    Map<String, String> described() {
      Map<String, String> options = Checks.described(records, seed, files, compression, shares);
      options.put("max_lateness", maxLateness.toString());
      options.put("max_skew", maxSkew.toString());
      options.put("products", products.toString());
      if (hotKey > 0) {
        options.put("hot_key", Double.toString(hotKey));
      }
      return options;
    }
  }
}

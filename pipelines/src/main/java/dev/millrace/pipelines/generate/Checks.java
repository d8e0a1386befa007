package dev.millrace.pipelines.generate;

import java.time.Duration;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/** What the configs of all generators have in common. */
final class Checks {

  private static final Duration LONGEST = Duration.ofDays(365);

  private Checks() {}

  /** Each of these kinds with its share: the one given, or else the usual one. */
  static Map<Share, Double> sharesOf(Map<Share, Double> given, Share... kinds) {
    Map<Share, Double> all = new EnumMap<>(Share.class);
    for (Share share : kinds) {
      all.put(share, given.getOrDefault(share, share.usual()));
    }
    given.forEach(
        (share, value) -> check(all.containsKey(share), "share %s is of no use here", name(share)));
    return Collections.unmodifiableMap(all);
  }

  /** Checks what every set has: records, files, shares. */
  static void common(long records, int files, Map<Share, Double> shares) {
    check(records >= 1, "records must be at least 1, not %d", records);
    check(
        files >= 1 && files <= Math.min(records, 99_999),
        "files must be between 1 and %d (a file needs a record), not %d",
        Math.min(records, 99_999),
        files);
    shares.forEach(
        (share, value) ->
            check(
                value >= 0 && value <= 1,
                "share %s must be between 0 and 1, not %s",
                name(share),
                value));
    double copies = sum(shares, Share.DUPLICATES, Share.NEWER_VERSIONS);
    double sum =
        2 * copies
            + sum(shares, Share.MALFORMED, Share.RULE_BREAKS, Share.ORPHANS)
            + sum(shares, Share.LATE, Share.FUTURE);
    check(
        sum <= 1 + 1e-9,
        "shares of faults and copies must come to 1 at most, a copy counting twice because it"
            + " needs a good record; they come to %s",
        sum);
  }

  static void bound(String name, Duration bound) {
    check(
        !bound.isNegative() && bound.compareTo(LONGEST) <= 0,
        "%s must be between 0 and %d days, not %s",
        name,
        LONGEST.toDays(),
        bound);
  }

  static void check(boolean right, String otherwise, Object... values) {
    if (!right) {
      throw new IllegalArgumentException(String.format(Locale.ROOT, otherwise, values));
    }
  }

  static double sum(Map<Share, Double> shares, Share... of) {
    return Stream.of(of).mapToDouble(s -> shares.getOrDefault(s, 0.0)).sum();
  }

  /** Option to value; a generator adds its own. */
  static Map<String, String> described(
      long records, long seed, int files, Compression compression, Map<Share, Double> shares) {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("records", Long.toString(records));
    options.put("seed", Long.toString(seed));
    options.put("files", Integer.toString(files));
    options.put("compression", compression.name().toLowerCase(Locale.ROOT));
    shares.forEach((share, value) -> options.put(name(share), value.toString()));
    return options;
  }

  private static String name(Share share) {
    return share.name().toLowerCase(Locale.ROOT);
  }
}

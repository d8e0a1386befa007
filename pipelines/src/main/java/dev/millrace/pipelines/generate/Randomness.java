package dev.millrace.pipelines.generate;

/**
 * The generator SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
 * Generators", OOPSLA 2014, figure 17 with David Stafford's mix 13). Written out because equal
 * seeds must give equal files on every Java release.
 */
final class Randomness {

  private long state;

  Randomness(long seed) {
    this.state = seed;
  }

  long next() {
    state += 0x9E3779B97F4A7C15L;
    long z = state;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /**
   * From 0, inclusive, to {@code bound}, exclusive; the bound is positive and below 2 to the 62.
   */
  long below(long bound) {
    return Math.multiplyHigh(next() >>> 1, bound << 1);
  }

  int below(int bound) {
    return (int) below((long) bound);
  }

  /** From 0, inclusive, to 1, exclusive. */
  double fraction() {
    return (next() >>> 11) * 0x1.0p-53;
  }

  boolean oneIn(int chances) {
    return below(chances) == 0;
  }

  <T> T pick(java.util.List<T> choices) {
    return choices.get(below(choices.size()));
  }
}

package dev.millrace.benchmarks;

import java.util.Arrays;
import java.util.List;

/**
 * What several measurements of one thing say.
 *
 * @param median the middle one, or the mean of the two in the middle
 * @param lowest of them
 * @param highest of them
 */
public record Spread(double median, double lowest, double highest) {

  /** The spread of measurements; if one of them is not known (NaN), nothing is. */
  public static Spread of(List<Double> measurements) {
    if (measurements.isEmpty()) {
      throw new IllegalArgumentException("nothing was measured");
    }
    double[] sorted = measurements.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    if (Arrays.stream(sorted).anyMatch(Double::isNaN)) {
      return new Spread(Double.NaN, Double.NaN, Double.NaN);
    }
    int middle = sorted.length / 2;
    double median =
        sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    return new Spread(median, sorted[0], sorted[sorted.length - 1]);
  }

  /**
   * The spread of the ratios of each round. Rounds are kept together: what slows the machine down
   * for a while slows both sides of a round down.
   */
  public static Spread ofRatios(List<Double> dividends, List<Double> divisors) {
    if (dividends.size() != divisors.size()) {
      throw new IllegalArgumentException(
          dividends.size() + " and " + divisors.size() + " measurements do not form rounds");
    }
    Double[] ratios = new Double[dividends.size()];
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] = dividends.get(i) / divisors.get(i);
    }
    return of(List.of(ratios));
  }

  /** Whether it was measured. */
  public boolean isKnown() {
    return !Double.isNaN(median);
  }
}

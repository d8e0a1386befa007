package dev.millrace.benchmarks;

import java.math.BigDecimal;
import java.math.RoundingMode;

/**
 * What a refining of sales found.
 *
 * @param read records there are
 * @param good records that hold
 * @param invalid records that cannot be parsed or break a rule
 * @param late records that came too late, or from the future
 * @param revenue of the good ones, so that every one of them must have been read in full
 */
public record Refined(long read, long good, long invalid, long late, BigDecimal revenue) {

  /** The revenue gets the scale of the contract, so that equal amounts are equal. */
  public Refined {
    revenue = revenue.setScale(4, RoundingMode.UNNECESSARY);
  }
}

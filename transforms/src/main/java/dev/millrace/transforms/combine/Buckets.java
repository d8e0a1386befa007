package dev.millrace.transforms.combine;

import java.util.Arrays;

/** Spreads keys over a number of buckets, in the same way in every process. */
public final class Buckets {

  private Buckets() {}

  /**
   * The bucket of a key, from 0.
   *
   * @param key as its coder, a deterministic one, encodes it
   * @param buckets how many there are, at most 65,536
   */
  public static int of(byte[] key, int buckets) {
    // Keys that count have hashes that follow one another; their buckets should not.
    int hash = Arrays.hashCode(key) * 0x9E3779B9;
    return (hash >>> 16) % buckets;
  }
}

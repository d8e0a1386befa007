package dev.millrace.transforms.combine;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import java.util.Arrays;

/** Blocks of bytes, compressed (zstd) for as long as a runner holds them. */
public final class Zipped {

  /**
   * Bytes from which on a block is full, compressed or to be. The least of sorts on Flink holds ten
   * pages of 32 KiB: what does not fit into one goes beside it, which takes memory that such a sort
   * does not have.
   */
  public static final int FULL = 128 << 10;

  /** The fastest level: a block is short-lived. */
  private static final int LEVEL = 1;

  private Zipped() {}

  /** Compresses a block. */
  public static byte[] zip(byte[] block) {
    return Zstd.compress(block, LEVEL);
  }

  /**
   * The block as it was.
   *
   * @throws IllegalArgumentException if the bytes are not what {@link #zip} made
   */
  public static byte[] unzip(byte[] zipped) {
    long size = size(zipped);
    if (size < 0 || size > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("not a compressed block");
    }
    try {
      return Zstd.decompress(zipped, (int) size);
    } catch (ZstdException other) {
      throw new IllegalArgumentException("not a compressed block", other);
    }
  }

  /** 0 also for what is no block: a cluster of Spark 3.5 has a zstd that tells no more. */
  @SuppressWarnings("deprecation")
  private static long size(byte[] zipped) {
    return Zstd.decompressedSize(zipped);
  }

  static byte[] unzip(byte[] bytes, int start, int length) {
    return unzip(Arrays.copyOfRange(bytes, start, start + length));
  }
}

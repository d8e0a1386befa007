package dev.millrace.transforms.window;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Arrays;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CustomCoder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.jspecify.annotations.Nullable;

/**
 * Exact sums of several amounts, and the count of what was summed. Immutable; its own accumulator.
 */
public final class Totals {

  private final long count;
  private final BigDecimal[] sums;

  private Totals(long count, BigDecimal[] sums) {
    this.count = count;
    this.sums = sums;
  }

  /** Nothing yet, of so many amounts. */
  public static Totals none(int amounts) {
    BigDecimal[] zeros = new BigDecimal[amounts];
    Arrays.fill(zeros, BigDecimal.ZERO);
    return new Totals(0, zeros);
  }

  /** One record with these amounts. */
  public static Totals of(BigDecimal... amounts) {
    return new Totals(1, amounts.clone());
  }

  /** How many records were summed. */
  public long count() {
    return count;
  }

  /** Sum of the amount at an index, in the order in which they were declared. */
  public BigDecimal sum(int index) {
    return sums[index];
  }

  /** Both together. */
  public Totals plus(Totals other) {
    return plus(other.count, other.sums);
  }

  /** These, and so many records with these sums of amounts. */
  Totals plus(long records, BigDecimal[] amounts) {
    if (sums.length != amounts.length) {
      throw new IllegalArgumentException(
          "cannot add sums of " + amounts.length + " amounts to sums of " + sums.length);
    }
    BigDecimal[] added = new BigDecimal[sums.length];
    for (int i = 0; i < sums.length; i++) {
      added[i] = sums[i].add(amounts[i]);
    }
    return new Totals(Math.addExact(count, records), added);
  }

  /** The coder of totals: small for amounts whose digits fit a long. Deterministic. */
  public static Coder<Totals> coder() {
    return TotalsCoder.INSTANCE;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Totals that && count == that.count && Arrays.equals(sums, that.sums);
  }

  @Override
  public int hashCode() {
    return 31 * Long.hashCode(count) + Arrays.hashCode(sums);
  }

  @Override
  public String toString() {
    return count + " records: " + Arrays.toString(sums);
  }

  /**
   * Per amount its scale, doubled, plus one where the digits do not fit a long; then the digits: a
   * variable-length integer, or bytes.
   */
  private static final class TotalsCoder extends CustomCoder<Totals> {
    private static final long serialVersionUID = 1L;
    private static final TotalsCoder INSTANCE = new TotalsCoder();
    private static final VarIntCoder SMALL = VarIntCoder.of();
    private static final VarLongCoder LONG = VarLongCoder.of();
    private static final ByteArrayCoder BYTES = ByteArrayCoder.of();

    @Override
    public void encode(Totals value, OutputStream out) throws IOException {
      LONG.encode(value.count, out);
      SMALL.encode(value.sums.length, out);
      for (BigDecimal sum : value.sums) {
        BigInteger digits = sum.unscaledValue();
        boolean fits = digits.bitLength() < Long.SIZE;
        LONG.encode(zigzag(2L * sum.scale() + (fits ? 0 : 1)), out);
        if (fits) {
          LONG.encode(zigzag(digits.longValue()), out);
        } else {
          BYTES.encode(digits.toByteArray(), out);
        }
      }
    }

    @Override
    public Totals decode(InputStream in) throws IOException {
      long count = LONG.decode(in);
      BigDecimal[] sums = new BigDecimal[SMALL.decode(in)];
      for (int i = 0; i < sums.length; i++) {
        long head = unzigzag(LONG.decode(in));
        int scale = (int) (head >> 1);
        sums[i] =
            (head & 1) == 0
                ? BigDecimal.valueOf(unzigzag(LONG.decode(in)), scale)
                : new BigDecimal(new BigInteger(BYTES.decode(in)), scale);
      }
      return new Totals(count, sums);
    }

    // Small numbers of either sign in few bytes.
    private static long zigzag(long value) {
      return (value << 1) ^ (value >> 63);
    }

    private static long unzigzag(long value) {
      return (value >>> 1) ^ -(value & 1);
    }

    @Override
    public void verifyDeterministic() {}

    private Object readResolve() {
      return INSTANCE;
    }
  }
}

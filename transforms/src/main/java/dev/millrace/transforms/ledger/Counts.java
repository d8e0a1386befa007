package dev.millrace.transforms.ledger;

import dev.millrace.transforms.Outcome;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CustomCoder;
import org.apache.beam.sdk.coders.VarLongCoder;

/** How many records had which outcome. Immutable. */
@SuppressWarnings("EnumOrdinal") // an index; new outcomes are added at the end
final class Counts {

  static final Counts NONE = new Counts(new long[Outcome.values().length]);
  static final Coder<Counts> CODER = new CountsCoder();

  private final long[] byOutcome;

  private Counts(long[] byOutcome) {
    this.byOutcome = byOutcome;
  }

  long of(Outcome outcome) {
    return byOutcome[outcome.ordinal()];
  }

  Counts plus(Outcome outcome, long count) {
    long[] sum = byOutcome.clone();
    sum[outcome.ordinal()] += count;
    return new Counts(sum);
  }

  Counts plus(Counts other) {
    long[] sum = byOutcome.clone();
    for (int i = 0; i < sum.length; i++) {
      sum[i] += other.byOutcome[i];
    }
    return new Counts(sum);
  }

  private static final class CountsCoder extends CustomCoder<Counts> {
    private static final long serialVersionUID = 1L;
    private static final VarLongCoder COUNT = VarLongCoder.of();

    @Override
    public void encode(Counts value, OutputStream out) throws IOException {
      for (long count : value.byOutcome) {
        COUNT.encode(count, out);
      }
    }

    @Override
    public Counts decode(InputStream in) throws IOException {
      long[] counts = new long[Outcome.values().length];
      for (int i = 0; i < counts.length; i++) {
        counts[i] = COUNT.decode(in);
      }
      return new Counts(counts);
    }

    @Override
    public void verifyDeterministic() {}
  }
}

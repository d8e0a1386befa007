package dev.millrace.transforms;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CustomCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarLongCoder;

/**
 * An entry of the ledger: so many records of a source had an outcome in a stage. Emitted once per
 * bundle and outcome, as data: checkpointed with everything else, and exact after retries, which a
 * runner's counters are not.
 *
 * @param stage name of the stage
 * @param source logical name of the source the records were read from
 * @param outcome what became of them
 * @param count how many; negative where an earlier entry is taken back
 */
public record Tally(String stage, String source, Outcome outcome, long count) {

  /** The coder of tallies. Deterministic. */
  public static Coder<Tally> coder() {
    return TallyCoder.INSTANCE;
  }

  private static final class TallyCoder extends CustomCoder<Tally> {
    private static final long serialVersionUID = 1L;
    private static final TallyCoder INSTANCE = new TallyCoder();
    private static final StringUtf8Coder TEXT = StringUtf8Coder.of();
    private static final VarLongCoder COUNT = VarLongCoder.of();

    @Override
    public void encode(Tally value, OutputStream out) throws IOException {
      TEXT.encode(value.stage(), out);
      TEXT.encode(value.source(), out);
      TEXT.encode(value.outcome().name(), out);
      COUNT.encode(value.count(), out);
    }

    @Override
    public Tally decode(InputStream in) throws IOException {
      return new Tally(
          TEXT.decode(in), TEXT.decode(in), Outcome.valueOf(TEXT.decode(in)), COUNT.decode(in));
    }

    @Override
    public void verifyDeterministic() {}

    private Object readResolve() {
      return INSTANCE;
    }
  }
}

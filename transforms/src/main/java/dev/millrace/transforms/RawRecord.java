package dev.millrace.transforms;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Arrays;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CustomCoder;
import org.jspecify.annotations.Nullable;

/**
 * A record as it was read: its bytes and where they came from. The bytes are not copied; nobody may
 * change them.
 *
 * @param payload the bytes: one JSON object in UTF-8, without a line end
 * @param origin where they came from
 */
@SuppressWarnings("ArrayRecordComponent") // equality is by content: see equals
public record RawRecord(byte[] payload, Origin origin) {

  /** The coder of raw records. Deterministic. */
  public static Coder<RawRecord> coder() {
    return RawRecordCoder.INSTANCE;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof RawRecord that
        && origin.equals(that.origin)
        && Arrays.equals(payload, that.payload);
  }

  @Override
  public int hashCode() {
    return 31 * origin.hashCode() + Arrays.hashCode(payload);
  }

  /** Names the origin only: payloads can be private. */
  @Override
  public String toString() {
    return "RawRecord[" + origin + ", " + payload.length + " bytes]";
  }

  private static final class RawRecordCoder extends CustomCoder<RawRecord> {
    private static final long serialVersionUID = 1L;
    private static final RawRecordCoder INSTANCE = new RawRecordCoder();
    private static final ByteArrayCoder BYTES = ByteArrayCoder.of();

    @Override
    public void encode(RawRecord value, OutputStream out) throws IOException {
      OriginCoder.INSTANCE.encode(value.origin(), out);
      BYTES.encode(value.payload(), out);
    }

    @Override
    public RawRecord decode(InputStream in) throws IOException {
      Origin origin = OriginCoder.INSTANCE.decode(in);
      return new RawRecord(BYTES.decode(in), origin);
    }

    @Override
    public void verifyDeterministic() {}

    private Object readResolve() {
      return INSTANCE;
    }
  }
}

package dev.millrace.transforms;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.apache.beam.sdk.coders.BigEndianLongCoder;
import org.apache.beam.sdk.coders.CustomCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarLongCoder;

/** Coder of {@link Origin}. Deterministic. */
public final class OriginCoder extends CustomCoder<Origin> {

  private static final long serialVersionUID = 1L;

  static final OriginCoder INSTANCE = new OriginCoder();
  private static final StringUtf8Coder TEXT = StringUtf8Coder.of();
  private static final VarLongCoder POSITION = VarLongCoder.of();
  private static final BigEndianLongCoder MILLIS = BigEndianLongCoder.of();

  private OriginCoder() {}

  /** The coder. */
  public static OriginCoder of() {
    return INSTANCE;
  }

  @Override
  public void encode(Origin value, OutputStream out) throws IOException {
    TEXT.encode(value.source(), out);
    POSITION.encode(value.position(), out);
    MILLIS.encode(value.arrivalMillis(), out);
  }

  @Override
  public Origin decode(InputStream in) throws IOException {
    return new Origin(TEXT.decode(in), POSITION.decode(in), MILLIS.decode(in));
  }

  @Override
  public void verifyDeterministic() {}

  private Object readResolve() {
    return INSTANCE;
  }
}

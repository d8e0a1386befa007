package dev.millrace.transforms;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import org.apache.beam.sdk.coders.BigEndianLongCoder;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.StructuredCoder;
import org.apache.beam.sdk.coders.VarIntCoder;

/**
 * Coder of {@link Sourced} records. As deterministic as the coder of the value.
 *
 * @param <T> type of the value
 */
public final class SourcedCoder<T> extends StructuredCoder<Sourced<T>> {

  private static final long serialVersionUID = 1L;

  private static final VarIntCoder VERSION = VarIntCoder.of();
  private static final BigEndianLongCoder MILLIS = BigEndianLongCoder.of();
  private static final ByteArrayCoder BYTES = ByteArrayCoder.of();

  private final Coder<T> value;

  private SourcedCoder(Coder<T> value) {
    this.value = value;
  }

  /** The coder of sourced records whose value has the given coder. */
  public static <T> SourcedCoder<T> of(Coder<T> value) {
    return new SourcedCoder<>(value);
  }

  /** The coder of the value. */
  public Coder<T> valueCoder() {
    return value;
  }

  @Override
  public void encode(Sourced<T> record, OutputStream out) throws IOException {
    value.encode(record.value(), out);
    VERSION.encode(record.contractVersion(), out);
    MILLIS.encode(record.eventTimeMillis(), out);
    OriginCoder.INSTANCE.encode(record.origin(), out);
    BYTES.encode(record.payload().bytes(), out);
  }

  @Override
  public Sourced<T> decode(InputStream in) throws IOException {
    T decoded = value.decode(in);
    int version = VERSION.decode(in);
    long eventTime = MILLIS.decode(in);
    Origin origin = OriginCoder.INSTANCE.decode(in);
    return new Sourced<>(decoded, version, eventTime, origin, BYTES.decode(in));
  }

  @Override
  public List<? extends Coder<?>> getCoderArguments() {
    return List.of(value);
  }

  @Override
  public void verifyDeterministic() throws NonDeterministicException {
    value.verifyDeterministic();
  }
}

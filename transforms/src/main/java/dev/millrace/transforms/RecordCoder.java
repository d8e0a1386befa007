package dev.millrace.transforms;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.avro.Schema;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.coders.CustomCoder;
import org.apache.beam.sdk.values.TypeDescriptor;
import org.jspecify.annotations.Nullable;

/**
 * Coder of a generated record class, in Avro's binary form. It is serialized as the name of the
 * class: Beam's {@code AvroCoder} carries the schema as text and parses it again for every bundle
 * of the Direct runner.
 *
 * <p>Deterministic, as the contracts use no maps. Thread-safe.
 *
 * @param <T> record class
 */
public final class RecordCoder<T extends SpecificRecord> extends CustomCoder<T> {

  private static final long serialVersionUID = 1L;

  /** Bytes of a record that a thread keeps room for. */
  private static final int LARGE = 1 << 16;

  private static final Map<Class<?>, RecordCoder<?>> CODERS = new ConcurrentHashMap<>();

  private final Class<T> type;
  private final transient RecordWriter<T> writer;
  private final transient SpecificDatumReader<T> reader;
  private final transient ThreadLocal<Scratch> scratches;
  private final transient ThreadLocal<@Nullable BinaryDecoder> decoders;

  private RecordCoder(Class<T> type) {
    Schema schema = SpecificData.get().getSchema(type);
    this.type = type;
    this.writer = new RecordWriter<>(schema);
    this.reader = new SpecificDatumReader<>(schema, schema, SpecificData.getForClass(type));
    this.scratches = ThreadLocal.withInitial(Scratch::new);
    this.decoders = new ThreadLocal<>();
  }

  /** The coder of a record class. */
  @SuppressWarnings("unchecked") // the map holds under each class the coder of that class
  public static <T extends SpecificRecord> RecordCoder<T> of(Class<T> type) {
    return (RecordCoder<T>) CODERS.computeIfAbsent(type, t -> new RecordCoder<>(type));
  }

  @Override
  public void encode(T value, OutputStream out) throws IOException {
    // In one piece: runners' streams are slow to take bytes one by one.
    Scratch scratch = scratches.get();
    scratch.bytes.reset();
    boolean whole = false;
    try {
      writer.write(value, scratch.encoder);
      scratch.encoder.flush();
      whole = scratch.bytes.size() <= LARGE;
    } finally {
      if (!whole) {
        // The beginning of a record that failed must not come before the next, and a large one need
        // not stay.
        scratches.remove();
      }
    }
    scratch.bytes.writeTo(out);
  }

  @Override
  public T decode(InputStream in) throws IOException {
    BinaryDecoder decoder = DecoderFactory.get().directBinaryDecoder(in, decoders.get());
    decoders.set(decoder);
    return reader.read(null, decoder);
  }

  @Override
  public void verifyDeterministic() {}

  @Override
  public TypeDescriptor<T> getEncodedTypeDescriptor() {
    return TypeDescriptor.of(type);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof RecordCoder<?> that && type.equals(that.type);
  }

  @Override
  public int hashCode() {
    return type.hashCode();
  }

  @Override
  public String toString() {
    return "RecordCoder(" + type.getSimpleName() + ")";
  }

  private Object readResolve() {
    return of(type);
  }

  /** Where a record becomes bytes. */
  private static final class Scratch {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 10);
    private final BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
  }
}

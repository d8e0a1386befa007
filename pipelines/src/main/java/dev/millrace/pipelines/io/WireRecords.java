package dev.millrace.pipelines.io;

import dev.millrace.transforms.RecordWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import org.apache.avro.Schema;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificRecord;
import org.jspecify.annotations.Nullable;

/**
 * Records of a contract in the wire format of Confluent's serializers: a zero, the id of the schema
 * in four bytes, Avro binary. They are read with the schema they were written with, as records of
 * this class's, and written with the schema of the class. No JSON lies between, and no rule is
 * checked: for values that go from topic to topic. Not thread-safe; one for each instance of a
 * step.
 *
 * @param <T> generated class of the records
 */
public final class WireRecords<T extends SpecificRecord> {

  private final Schema schema;
  private final SpecificData model;
  private final RecordWriter<T> writer;
  private final IntFunction<Optional<Schema>> schemas;
  private final byte[] header;
  private final Map<Integer, SpecificDatumReader<T>> readers = new HashMap<>();
  private final BoundedDecoder decoder = new BoundedDecoder();
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 10);
  private @Nullable BinaryEncoder encoder;

  /**
   * @param schemas the schema of an id
   * @param id of the class's schema
   */
  WireRecords(Class<T> type, IntFunction<Optional<Schema>> schemas, int id) {
    this.model = SpecificData.getForClass(type);
    this.schema = model.getSchema(type);
    this.writer = new RecordWriter<>(schema);
    this.schemas = schemas;
    this.header = ByteBuffer.allocate(WireValues.HEADER).put(WireValues.MAGIC).putInt(id).array();
  }

  /**
   * With the schemas of a registry, where the class's own is registered.
   *
   * @param option the option that names the registry: messages begin with it
   * @param registry its address, such as {@code http://127.0.0.1:8081/apis/ccompat/v7}
   * @param subject the class's schema is registered under, such as {@code TOPIC-value}
   * @throws dev.millrace.pipelines.UserError if the registry does not answer, or refuses the schema
   */
  public static <T extends SpecificRecord> WireRecords<T> of(
      String option, String registry, String subject, Class<T> type) {
    SchemaRegistry schemas = new SchemaRegistry(option, registry);
    Schema schema = SpecificData.get().getSchema(type);
    return new WireRecords<>(type, schemas::schema, schemas.register(subject, schema));
  }

  /**
   * The record of a value.
   *
   * @throws IOException if it is not in the wire format, of an unknown schema, or not of its schema
   */
  public T read(byte[] value) throws IOException {
    if (value.length < WireValues.HEADER || value[0] != WireValues.MAGIC) {
      throw new IOException("a value is not in the wire format of Avro");
    }
    SpecificDatumReader<T> reader = reader(ByteBuffer.wrap(value).getInt(1));
    try {
      T record = reader.read(null, decoder.over(value, WireValues.HEADER));
      if (decoder.isAtEnd()) {
        return record;
      }
    } catch (RuntimeException | StackOverflowError notOfTheSchema) {
      throw new IOException("a value is not of its schema", notOfTheSchema);
    }
    throw new IOException("a value goes on after its record");
  }

  /** The value of a record. */
  public byte[] write(T record) throws IOException {
    bytes.reset();
    bytes.write(header, 0, header.length);
    BinaryEncoder out = EncoderFactory.get().binaryEncoder(bytes, encoder);
    // One that failed keeps the beginning of its record, which must not come before the next.
    encoder = null;
    writer.write(record, out);
    out.flush();
    encoder = out;
    return bytes.toByteArray();
  }

  private SpecificDatumReader<T> reader(int id) throws IOException {
    SpecificDatumReader<T> known = readers.get(id);
    if (known == null) {
      Schema written =
          schemas
              .apply(id)
              .filter(WireValues::isReasonable)
              .orElseThrow(() -> new IOException("no schema of a record has the id " + id));
      known = new SpecificDatumReader<>(written, schema, model);
      readers.put(id, known);
    }
    return known;
  }
}

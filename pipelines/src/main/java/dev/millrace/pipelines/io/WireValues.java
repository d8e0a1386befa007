package dev.millrace.pipelines.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * Values in the wire format of Confluent's serializers: a zero, the id of the schema in four bytes,
 * Avro binary. They are read with the schema they were written with, and turned into the JSON that
 * rows of Avro files are.
 *
 * <p>A value that is not in this format, whose schema is not known or that is not of its schema,
 * stays as it is: what is wrong with it is for the refining pass to say. Not thread-safe.
 */
final class WireValues implements TopicFormat.TopicValues {

  static final byte MAGIC = 0;
  static final int HEADER = 5;

  private static final int SCHEMAS = 1000;
  private static final long RETRY_UNKNOWN = TimeUnit.MINUTES.toNanos(1);
  private static final int MAX_SCALE = 1000;
  private static final int MAX_FIXED = 1 << 20;

  private final IntFunction<Optional<Schema>> schemas;
  private final BoundedDecoder decoder = new BoundedDecoder();

  private final Map<Integer, Known> known =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, Known> eldest) {
          return size() > SCHEMAS;
        }
      };

  /** What is known of an id: a reader, or since when that there is none. */
  private record Known(@Nullable GenericDatumReader<GenericRecord> reader, long since) {}

  /**
   * @param schemas the schema of an id
   */
  WireValues(IntFunction<Optional<Schema>> schemas) {
    this.schemas = schemas;
  }

  @Override
  public byte[] json(byte[] value) {
    if (value.length < HEADER || value[0] != MAGIC) {
      return value;
    }
    GenericDatumReader<GenericRecord> reader = reader(ByteBuffer.wrap(value).getInt(1));
    if (reader == null) {
      return value;
    }
    try {
      GenericRecord row = reader.read(null, decoder.over(value, HEADER));
      return decoder.isAtEnd() ? JsonRows.ofRecord(row, Map.of()) : value;
    } catch (IOException | RuntimeException | StackOverflowError notOfTheSchema) {
      // Nothing but the bytes and the schema has been touched: whatever is thrown, they are why.
      return value;
    }
  }

  private @Nullable GenericDatumReader<GenericRecord> reader(int id) {
    Known entry = known.get(id);
    if (entry == null
        || (entry.reader() == null && System.nanoTime() - entry.since() > RETRY_UNKNOWN)) {
      GenericDatumReader<GenericRecord> reader =
          schemas
              .apply(id)
              .filter(WireValues::isReasonable)
              .map(GenericDatumReader<GenericRecord>::new)
              .orElse(null);
      entry = new Known(reader, System.nanoTime());
      known.put(id, entry);
    }
    return entry.reader();
  }

  /** Whether a schema is of a record, and no value of it is large by the schema alone. */
  static boolean isReasonable(Schema schema) {
    return schema.getType() == Schema.Type.RECORD && isReasonable(schema, new HashSet<>());
  }

  private static boolean isReasonable(Schema schema, Set<String> seen) {
    if (schema.getLogicalType() instanceof LogicalTypes.Decimal decimal
        && decimal.getScale() > MAX_SCALE) {
      return false;
    }
    return switch (schema.getType()) {
      case FIXED -> schema.getFixedSize() <= MAX_FIXED;
      case ARRAY -> isReasonable(schema.getElementType(), seen);
      case MAP -> isReasonable(schema.getValueType(), seen);
      case UNION -> schema.getTypes().stream().allMatch(type -> isReasonable(type, seen));
      case RECORD ->
          !seen.add(schema.getFullName())
              || schema.getFields().stream().allMatch(field -> isReasonable(field.schema(), seen));
      default -> true;
    };
  }
}

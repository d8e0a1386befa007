package dev.millrace.pipelines.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.avro.LogicalType;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.IndexedRecord;
import org.jspecify.annotations.Nullable;

/** Renders rows of other formats as the JSON objects that the refining pass reads. */
final class JsonRows {

  private static final JsonFactory JSON = new JsonFactory();
  private static final Pattern NUMBER =
      Pattern.compile("-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d+)?");

  private JsonRows() {}

  /**
   * A row of Avro or Parquet: decimals exact, times in ISO-8601, bytes in Base64.
   *
   * @param scales of the columns whose whole numbers are decimals without their point
   */
  static byte[] ofRecord(IndexedRecord row, Map<String, Integer> scales) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      for (Schema.Field field : row.getSchema().getFields()) {
        Object value = row.get(field.pos());
        Integer scale = scales.get(field.name());
        json.writeFieldName(field.name());
        if (scale != null && value instanceof Number whole) {
          json.writeRawValue(BigDecimal.valueOf(whole.longValue(), scale).toPlainString());
        } else {
          write(json, field.schema(), value);
        }
      }
      json.writeEndObject();
    }
    return bytes.toByteArray();
  }

  /** Some fields of a record, in their order. */
  static byte[] ofFields(IndexedRecord row, List<String> names) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(64);
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      for (String name : names) {
        Schema.Field field = row.getSchema().getField(name);
        json.writeFieldName(name);
        write(json, field.schema(), row.get(field.pos()));
      }
      json.writeEndObject();
    }
    return bytes.toByteArray();
  }

  /**
   * A row of CSV. Columns of numeric and boolean fields stand bare if they look it, all else as
   * text, so that the type check refuses what is not of its type; an empty column is null.
   */
  static byte[] ofColumns(List<String> header, List<String> columns, Contract contract)
      throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      for (int i = 0; i < header.size(); i++) {
        String value = columns.get(i);
        json.writeFieldName(header.get(i));
        if (value.isEmpty()) {
          json.writeNull();
        } else if (isBare(contract.find(header.get(i)).orElse(null), value)) {
          json.writeRawValue(value);
        } else {
          json.writeString(value);
        }
      }
      json.writeEndObject();
    }
    return bytes.toByteArray();
  }

  private static boolean isBare(@Nullable FieldContract field, String value) {
    if (field == null) {
      return false;
    }
    return switch (field.type()) {
      case INT, LONG, DOUBLE, DECIMAL -> NUMBER.matcher(value).matches();
      case BOOLEAN -> value.equals("true") || value.equals("false");
      case STRING, BYTES, DATE, TIMESTAMP -> false;
    };
  }

  private static void write(JsonGenerator json, Schema declared, @Nullable Object value)
      throws IOException {
    if (value == null) {
      json.writeNull();
      return;
    }
    // Generated classes hold logical values as what they mean.
    if (value instanceof BigDecimal decimal) {
      json.writeRawValue(decimal.toPlainString());
      return;
    }
    if (value instanceof Instant || value instanceof LocalDate) {
      json.writeString(value.toString());
      return;
    }
    Schema schema = declared;
    if (schema.isUnion()) {
      schema = declared.getTypes().get(GenericData.get().resolveUnion(declared, value));
    }
    LogicalType logical = schema.getLogicalType();
    switch (schema.getType()) {
      case RECORD -> {
        json.writeStartObject();
        for (Schema.Field field : schema.getFields()) {
          json.writeFieldName(field.name());
          write(json, field.schema(), ((IndexedRecord) value).get(field.pos()));
        }
        json.writeEndObject();
      }
      case ARRAY -> {
        json.writeStartArray();
        for (Object element : (Iterable<?>) value) {
          write(json, schema.getElementType(), element);
        }
        json.writeEndArray();
      }
      case MAP -> {
        json.writeStartObject();
        for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
          json.writeFieldName(entry.getKey().toString());
          write(json, schema.getValueType(), entry.getValue());
        }
        json.writeEndObject();
      }
      case INT, LONG -> writeWhole(json, logical, (Number) value);
      case FLOAT -> json.writeNumber((Float) value);
      case DOUBLE -> json.writeNumber((Double) value);
      case BOOLEAN -> json.writeBoolean((Boolean) value);
      case BYTES, FIXED -> writeBytes(json, logical, value);
      default -> json.writeString(value.toString());
    }
  }

  private static void writeWhole(JsonGenerator json, @Nullable LogicalType logical, Number value)
      throws IOException {
    if (logical instanceof LogicalTypes.Date) {
      json.writeString(LocalDate.ofEpochDay(value.longValue()).toString());
      // A time without a zone is taken as UTC.
    } else if (logical instanceof LogicalTypes.TimestampMillis
        || logical instanceof LogicalTypes.LocalTimestampMillis) {
      json.writeString(Instant.ofEpochMilli(value.longValue()).toString());
    } else if (logical instanceof LogicalTypes.TimestampMicros
        || logical instanceof LogicalTypes.LocalTimestampMicros) {
      long micros = value.longValue();
      json.writeString(
          Instant.ofEpochSecond(
                  Math.floorDiv(micros, 1_000_000L), Math.floorMod(micros, 1_000_000L) * 1000)
              .toString());
    } else {
      json.writeNumber(value.longValue());
    }
  }

  private static void writeBytes(JsonGenerator json, @Nullable LogicalType logical, Object value)
      throws IOException {
    byte[] bytes;
    if (value instanceof GenericFixed fixed) {
      bytes = fixed.bytes();
    } else {
      ByteBuffer buffer = ((ByteBuffer) value).duplicate();
      bytes = new byte[buffer.remaining()];
      buffer.get(bytes);
    }
    if (logical instanceof LogicalTypes.Decimal decimal) {
      // Plain text: an exponent would be a number too, but not the one a person wrote.
      json.writeRawValue(new BigDecimal(new BigInteger(bytes), decimal.getScale()).toPlainString());
    } else {
      json.writeString(Base64.getEncoder().encodeToString(bytes));
    }
  }
}

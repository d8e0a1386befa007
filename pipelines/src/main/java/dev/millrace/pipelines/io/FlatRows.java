package dev.millrace.pipelines.io;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Conversions;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.IndexedRecord;
import org.jspecify.annotations.Nullable;

/** Makes flat rows, as Parquet files hold them, of records whose contracts may nest. */
final class FlatRows {

  private static final Conversions.DecimalConversion DECIMALS = new Conversions.DecimalConversion();

  private final Schema schema;
  private final FieldContract[] fields;

  /**
   * @param contract of the records
   * @param more columns beside the contract's, set by the caller
   */
  FlatRows(Contract contract, List<Schema.Field> more) {
    this.fields = contract.fields().toArray(FieldContract[]::new);
    List<Schema.Field> columns = new ArrayList<>();
    for (FieldContract field : fields) {
      Schema type =
          field.nullable()
              ? Schema.createUnion(Schema.create(Schema.Type.NULL), field.schema())
              : field.schema();
      columns.add(
          new Schema.Field(
              field.name(),
              type,
              field.doc(),
              field.nullable() ? Schema.Field.NULL_DEFAULT_VALUE : null));
    }
    for (Schema.Field field : more) {
      if (contract.find(field.name()).isEmpty()) {
        columns.add(new Schema.Field(field, field.schema()));
      }
    }
    this.schema =
        Schema.createRecord(contract.name(), contract.doc(), "dev.millrace.lake", false, columns);
  }

  Schema schema() {
    return schema;
  }

  GenericRecord of(IndexedRecord record) {
    GenericRecord row = new GenericData.Record(schema);
    for (int i = 0; i < fields.length; i++) {
      row.put(i, stored(fields[i], fields[i].valueIn(record)));
    }
    return row;
  }

  private static @Nullable Object stored(FieldContract field, @Nullable Object value) {
    if (value instanceof BigDecimal decimal) {
      return DECIMALS.toBytes(
          decimal, field.schema(), (LogicalTypes.Decimal) field.schema().getLogicalType());
    }
    if (value instanceof LocalDate day) {
      return (int) day.toEpochDay();
    }
    return value instanceof Instant instant ? (Object) instant.toEpochMilli() : value;
  }
}

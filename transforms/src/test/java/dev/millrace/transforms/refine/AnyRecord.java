package dev.millrace.transforms.refine;

import java.util.Arrays;
import java.util.Objects;
import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificRecordBase;
import org.jspecify.annotations.Nullable;

/** A record of any schema, for field types no contract in the catalogue has. */
final class AnyRecord extends SpecificRecordBase {

  private final Schema schema;
  private final @Nullable Object[] values;

  AnyRecord(Schema schema) {
    this.schema = schema;
    this.values = new @Nullable Object[schema.getFields().size()];
  }

  @Override
  public Schema getSchema() {
    return schema;
  }

  @Override
  @SuppressWarnings("NullAway") // Avro is not annotated: a value may be null
  public Object get(int field) {
    return values[field];
  }

  @Override
  public void put(int field, @Nullable Object value) {
    values[field] = value;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof AnyRecord that && Arrays.equals(values, that.values);
  }

  @Override
  public int hashCode() {
    return Objects.hash(values);
  }
}

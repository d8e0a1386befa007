package dev.millrace.pipelines.io.warehouse;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.ZoneOffset;
import org.apache.avro.generic.IndexedRecord;
import org.apache.beam.sdk.io.jdbc.JdbcIO;

/**
 * Puts the fields of a record into a statement, in the order of its contract.
 *
 * @param <T> type of the record
 */
final class RowSetter<T extends IndexedRecord> implements JdbcIO.PreparedStatementSetter<T> {

  private final Contract contract;

  RowSetter(Contract contract) {
    this.contract = contract;
  }

  @Override
  public void setParameters(T record, PreparedStatement statement) throws SQLException {
    int index = 1;
    for (FieldContract field : contract.fields()) {
      set(statement, index++, field, record);
    }
  }

  /** Puts one field of a record into a statement. */
  static void set(PreparedStatement statement, int index, FieldContract field, IndexedRecord record)
      throws SQLException {
    Object value = field.valueIn(record);
    if (value == null) {
      statement.setNull(index, sqlType(field.type()));
    } else {
      set(statement, index, field.type(), value);
    }
  }

  private static void set(
      PreparedStatement statement, int index, FieldContract.Type type, Object value)
      throws SQLException {
    switch (type) {
      case BOOLEAN -> statement.setBoolean(index, (Boolean) value);
      case INT -> statement.setInt(index, (Integer) value);
      case LONG -> statement.setLong(index, (Long) value);
      case DOUBLE -> statement.setDouble(index, (Double) value);
      case DECIMAL -> statement.setBigDecimal(index, (BigDecimal) value);
      case STRING -> statement.setString(index, storable(value.toString()));
      case BYTES -> statement.setBytes(index, bytes((ByteBuffer) value));
      case DATE -> statement.setObject(index, value, Types.DATE);
      case TIMESTAMP ->
          statement.setObject(
              index, ((Instant) value).atOffset(ZoneOffset.UTC), Types.TIMESTAMP_WITH_TIMEZONE);
    }
  }

  /**
   * PostgreSQL's text cannot hold the character NUL. One such record would fail its bundle again
   * and again, so the replacement character stands for it.
   */
  private static String storable(String text) {
    return text.indexOf('\0') < 0 ? text : text.replace('\0', '\uFFFD');
  }

  /** A copy; the buffer's position stays, as others may read the record too. */
  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return bytes;
  }

  private static int sqlType(FieldContract.Type type) {
    return switch (type) {
      case BOOLEAN -> Types.BOOLEAN;
      case INT -> Types.INTEGER;
      case LONG -> Types.BIGINT;
      case DOUBLE -> Types.DOUBLE;
      case DECIMAL -> Types.NUMERIC;
      case STRING -> Types.VARCHAR;
      case BYTES -> Types.BINARY;
      case DATE -> Types.DATE;
      case TIMESTAMP -> Types.TIMESTAMP_WITH_TIMEZONE;
    };
  }
}

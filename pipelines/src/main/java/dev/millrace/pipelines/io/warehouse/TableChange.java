package dev.millrace.pipelines.io.warehouse;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CustomCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarLongCoder;

/**
 * What a run changed in one table of the warehouse.
 *
 * @param table name of the table
 * @param rows rows the run stated
 * @param inserted of these, new
 * @param updated of these, changed
 * @param deleted rows of earlier runs that this run no longer states
 * @param repeated how often a row was written more than once, by retries; the last one counted
 */
public record TableChange(
    String table, long rows, long inserted, long updated, long deleted, long repeated) {

  /** The coder of changes. Deterministic. */
  public static Coder<TableChange> coder() {
    return TableChangeCoder.INSTANCE;
  }

  /** Whether the run left the table as it was. */
  public boolean isNone() {
    return inserted == 0 && updated == 0 && deleted == 0;
  }

  TableChange withDeleted(long count) {
    return new TableChange(table, rows, inserted, updated, count, repeated);
  }

  private static final class TableChangeCoder extends CustomCoder<TableChange> {
    private static final TableChangeCoder INSTANCE = new TableChangeCoder();
    private static final StringUtf8Coder TEXT = StringUtf8Coder.of();
    private static final VarLongCoder COUNT = VarLongCoder.of();

    @Override
    public void encode(TableChange value, OutputStream out) throws IOException {
      TEXT.encode(value.table(), out);
      COUNT.encode(value.rows(), out);
      COUNT.encode(value.inserted(), out);
      COUNT.encode(value.updated(), out);
      COUNT.encode(value.deleted(), out);
      COUNT.encode(value.repeated(), out);
    }

    @Override
    public TableChange decode(InputStream in) throws IOException {
      return new TableChange(
          TEXT.decode(in),
          COUNT.decode(in),
          COUNT.decode(in),
          COUNT.decode(in),
          COUNT.decode(in),
          COUNT.decode(in));
    }

    @Override
    public void verifyDeterministic() {}

    private Object readResolve() {
      return INSTANCE;
    }
  }
}

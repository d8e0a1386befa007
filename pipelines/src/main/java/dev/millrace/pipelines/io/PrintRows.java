package dev.millrace.pipelines.io;

import dev.millrace.contract.Contract;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PDone;

/**
 * Prints rows on standard output, one line each: the name of the table, a tab, the row as JSON. For
 * eyes, when a person has asked for it.
 *
 * <p><b>Input:</b> records of a contract. <b>Output:</b> none. <b>Bounded/unbounded:</b> both.
 * <b>State and timers:</b> none. <b>Reasons:</b> none. <b>Guarantee:</b> none: a bundle that is
 * tried again is printed again. <b>Runners:</b> all; on a cluster the output is that of the worker.
 *
 * @param <T> type of the records
 */
public final class PrintRows<T extends SpecificRecord> extends PTransform<PCollection<T>, PDone> {

  private final String table;

  private PrintRows(String table) {
    this.table = table;
  }

  /** Prints rows of a contract. */
  public static <T extends SpecificRecord> PrintRows<T> of(Class<T> type) {
    return new PrintRows<>(Contract.of(type).table());
  }

  @Override
  public PDone expand(PCollection<T> rows) {
    rows.apply("Print", ParDo.of(new Print<T>(table)));
    return PDone.in(rows.getPipeline());
  }

  private static final class Print<T extends SpecificRecord> extends DoFn<T, Void> {
    private final String table;

    private Print(String table) {
      this.table = table;
    }

    @ProcessElement
    @SuppressWarnings("SystemOut") // what it is for
    public void process(@Element T row) throws IOException {
      System.out.println(
          table + "\t" + new String(JsonRows.ofRecord(row, Map.of()), StandardCharsets.UTF_8));
    }
  }
}

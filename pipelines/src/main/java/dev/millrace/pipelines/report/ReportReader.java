package dev.millrace.pipelines.report;

import dev.millrace.contract.Reason;
import dev.millrace.pipelines.io.Manifest;
import dev.millrace.pipelines.report.RunInfo.Input;
import dev.millrace.pipelines.report.RunReport.CategoryRevenue;
import dev.millrace.pipelines.report.RunReport.Column;
import dev.millrace.pipelines.report.RunReport.DayRevenue;
import dev.millrace.pipelines.report.RunReport.Example;
import dev.millrace.pipelines.report.RunReport.FieldRow;
import dev.millrace.pipelines.report.RunReport.LakeTable;
import dev.millrace.pipelines.report.RunReport.LedgerRow;
import dev.millrace.pipelines.report.RunReport.Rejects;
import dev.millrace.pipelines.report.RunReport.Revenue;
import dev.millrace.pipelines.report.RunReport.Table;
import dev.millrace.pipelines.report.RunReport.WarehouseTable;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Fills the report of a run from its warehouse. Asks for no payload and for no private column. */
public final class ReportReader {

  private static final String LEDGER =
      """
      SELECT stage, source, read, written, invalid, late, duplicate, filtered
      FROM ledger WHERE pipeline = ?
      ORDER BY stage COLLATE "C", source COLLATE "C"
      """;

  private static final String REJECTS =
      """
      SELECT reason, stage, count(*) FROM dead_letter WHERE pipeline = ?
      GROUP BY reason, stage
      ORDER BY count(*) DESC, reason COLLATE "C", stage COLLATE "C"
      """;

  private static final String EXAMPLES =
      """
      SELECT source, position, field, detail FROM dead_letter
      WHERE pipeline = ? AND reason = ? AND stage = ?
      ORDER BY source COLLATE "C", position, id COLLATE "C" LIMIT ?
      """;

  private static final String FIELDS =
      """
      SELECT contract, field, type, privacy, records, nulls, min_value, max_value
      FROM field_profile WHERE pipeline = ?
      ORDER BY contract COLLATE "C", field COLLATE "C"
      """;

  private static final String CHANGES =
      """
      SELECT table_name, inserted, updated, deleted FROM run_change WHERE run_id = ?
      ORDER BY table_name COLLATE "C"
      """;

  private final Connection warehouse;
  private final RunInfo run;
  private final Answers answers;

  private ReportReader(Connection warehouse, RunInfo run, Answers answers) {
    this.warehouse = warehouse;
    this.run = run;
    this.answers = answers;
  }

  /**
   * What a pipeline's report shows of its answers.
   *
   * @param revenue revenue over time and by category; null if the answers do not tell
   * @param tables tables to show
   */
  public record Answers(@Nullable RevenueQueries revenue, List<Query> tables) {

    /** Copies the list. */
    public Answers {
      tables = List.copyOf(tables);
    }
  }

  /**
   * Where revenue is found.
   *
   * @param unit its currency
   * @param byDay SQL for day and revenue, in order of the days
   * @param byCategory SQL for category and revenue, the most revenue first
   */
  public record RevenueQueries(String unit, String byDay, String byCategory) {}

  /**
   * A table of the report; left out where the query gives no rows.
   *
   * @param title heading, unless the query gives another
   * @param sql gives the columns, in this order; one more, if there is one, is the heading
   */
  public record Query(String title, String sql, List<Column> columns) {

    /** Copies the list. */
    public Query {
      columns = List.copyOf(columns);
    }
  }

  /** The report of a published run. The records of its inputs are taken from the ledger. */
  public static RunReport read(Connection warehouse, RunInfo run, Answers answers)
      throws SQLException {
    boolean autoCommit = warehouse.getAutoCommit();
    warehouse.setAutoCommit(false);
    try (Statement statement = warehouse.createStatement()) {
      // One view of the warehouse, though another run may publish meanwhile.
      statement.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
      return new ReportReader(warehouse, run, answers).read();
    } finally {
      warehouse.rollback();
      warehouse.setAutoCommit(autoCommit);
    }
  }

  /** The tables of a lake. */
  public static List<LakeTable> lake(Manifest manifest) {
    Map<String, LakeTable> tables = new TreeMap<>();
    for (Manifest.DataFile file : manifest.files()) {
      tables.merge(
          file.layer() + "/" + file.table(),
          new LakeTable(file.layer(), file.table(), 1, file.rows(), file.bytes()),
          (a, b) ->
              new LakeTable(
                  a.layer(),
                  a.table(),
                  a.files() + b.files(),
                  a.rows() + b.rows(),
                  a.bytes() + b.bytes()));
    }
    return List.copyOf(tables.values());
  }

  private RunReport read() throws SQLException {
    List<LedgerRow> ledger =
        rows(
            LEDGER,
            r ->
                new LedgerRow(
                    r.getString(1),
                    r.getString(2),
                    r.getLong(3),
                    r.getLong(4),
                    r.getLong(5),
                    r.getLong(6),
                    r.getLong(7),
                    r.getLong(8)),
            run.pipeline());
    return new RunReport(
        run.withInputs(counted(ledger)),
        ledger,
        rejects(),
        rows(
            FIELDS,
            r ->
                new FieldRow(
                    r.getString(1),
                    r.getString(2),
                    r.getString(3),
                    r.getString(4),
                    r.getLong(5),
                    r.getLong(6),
                    r.getString(7),
                    r.getString(8)),
            run.pipeline()),
        revenue(),
        tables(),
        List.of(),
        warehouseTables());
  }

  private List<Input> counted(List<LedgerRow> ledger) {
    List<Input> inputs = new ArrayList<>();
    for (Input input : run.inputs()) {
      long records = 0;
      for (LedgerRow row : ledger) {
        boolean first = !input.stages().isEmpty() && row.stage().equals(input.stages().get(0));
        records += first ? row.read() : 0;
      }
      inputs.add(input.withRecords(records));
    }
    return inputs;
  }

  private List<Rejects> rejects() throws SQLException {
    List<Rejects> groups =
        rows(
            REJECTS,
            r -> {
              String code = r.getString(1);
              Reason reason = Reason.valueOf(code);
              return new Rejects(
                  code,
                  r.getString(2),
                  r.getLong(3),
                  reason.description(),
                  reason.remedy(),
                  List.of());
            },
            run.pipeline());
    List<Rejects> withExamples = new ArrayList<>();
    for (Rejects group : groups) {
      List<Example> examples =
          rows(
              EXAMPLES,
              r -> new Example(r.getString(1), r.getLong(2), r.getString(3), r.getString(4)),
              run.pipeline(),
              group.reason(),
              group.stage(),
              Rejects.EXAMPLES);
      withExamples.add(
          new Rejects(
              group.reason(),
              group.stage(),
              group.count(),
              group.meaning(),
              group.remedy(),
              examples));
    }
    return withExamples;
  }

  private Revenue revenue() throws SQLException {
    RevenueQueries queries = answers.revenue();
    if (queries == null) {
      return new Revenue("", List.of(), List.of());
    }
    return new Revenue(
        queries.unit(),
        rows(
            queries.byDay(),
            r -> new DayRevenue(r.getObject(1, LocalDate.class), r.getBigDecimal(2))),
        rows(queries.byCategory(), r -> new CategoryRevenue(r.getString(1), r.getBigDecimal(2))));
  }

  private List<Table> tables() throws SQLException {
    List<Table> tables = new ArrayList<>();
    for (Query query : answers.tables()) {
      String[] title = {query.title()};
      List<List<String>> rows =
          rows(
              query.sql(),
              r -> {
                if (r.getMetaData().getColumnCount() > query.columns().size()) {
                  title[0] = r.getString(query.columns().size() + 1);
                }
                List<String> cells = new ArrayList<>();
                for (int i = 0; i < query.columns().size(); i++) {
                  cells.add(text(r.getObject(i + 1)));
                }
                return cells;
              });
      if (!rows.isEmpty()) {
        tables.add(new Table(title[0], query.columns(), rows));
      }
    }
    return tables;
  }

  private static String text(Object value) {
    return value instanceof BigDecimal number ? number.toPlainString() : String.valueOf(value);
  }

  private List<WarehouseTable> warehouseTables() throws SQLException {
    List<WarehouseTable> tables = new ArrayList<>();
    for (WarehouseTable table :
        rows(
            CHANGES,
            r -> new WarehouseTable(r.getString(1), 0, r.getLong(2), r.getLong(3), r.getLong(4)),
            run.id())) {
      // The name comes from the warehouse itself, but is quoted all the same.
      String name = "\"" + table.table().replace("\"", "\"\"") + "\"";
      long count = rows("SELECT count(*) FROM " + name, r -> r.getLong(1)).get(0);
      tables.add(
          new WarehouseTable(
              table.table(), count, table.inserted(), table.updated(), table.deleted()));
    }
    return tables;
  }

  private <T> List<T> rows(String sql, Row<T> row, Object... parameters) throws SQLException {
    try (PreparedStatement statement = warehouse.prepareStatement(sql)) {
      for (int i = 0; i < parameters.length; i++) {
        statement.setObject(i + 1, parameters[i]);
      }
      try (ResultSet result = statement.executeQuery()) {
        List<T> rows = new ArrayList<>();
        while (result.next()) {
          rows.add(row.read(result));
        }
        return rows;
      }
    }
  }

  private interface Row<T> {
    T read(ResultSet row) throws SQLException;
  }
}

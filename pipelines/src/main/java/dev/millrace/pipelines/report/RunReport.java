package dev.millrace.pipelines.report;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.transforms.ledger.LedgerCheck;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Everything the report of a run says. Plain and immutable; holds no payload and no private value.
 *
 * <p>{@link ReportReader} fills it from a warehouse, {@link ReportFiles} writes it.
 *
 * @param run the run
 * @param ledger what became of the records, per stage and source
 * @param rejects what was refused, per reason and stage
 * @param fields what was seen in the fields of the contracts
 * @param revenue revenue over time and by category
 * @param tables further tables to show
 * @param lake tables of the lake
 * @param warehouse tables of the warehouse
 */
@JsonPropertyOrder({
  "format",
  "run",
  "balanced",
  "imbalances",
  "totals",
  "ledger",
  "rejects",
  "fields",
  "revenue",
  "tables",
  "lake",
  "warehouse"
})
public record RunReport(
    RunInfo run,
    List<LedgerRow> ledger,
    List<Rejects> rejects,
    List<FieldRow> fields,
    Revenue revenue,
    List<Table> tables,
    List<LakeTable> lake,
    List<WarehouseTable> warehouse) {

  /**
   * What became of the records of a source in a stage.
   *
   * @param stage name of the stage
   * @param source logical name of the source
   * @param read records that entered
   * @param written records that left as good
   * @param invalid refused: malformed, against a rule, or an orphan
   * @param late refused: late, or from the future
   * @param duplicate copies and superseded versions
   * @param filtered left out on purpose
   */
  @JsonPropertyOrder({
    "stage",
    "source",
    "read",
    "written",
    "invalid",
    "late",
    "duplicate",
    "filtered",
    "residue"
  })
  public record LedgerRow(
      String stage,
      String source,
      long read,
      long written,
      long invalid,
      long late,
      long duplicate,
      long filtered) {

    /** Records that entered and have no outcome; negative where there are too many. */
    @JsonProperty(access = JsonProperty.Access.READ_ONLY)
    public long residue() {
      return read - written - invalid - late - duplicate - filtered;
    }
  }

  /**
   * What a stage refused for one reason.
   *
   * @param reason code of the reason
   * @param stage stage that refused
   * @param count how many records
   * @param meaning what the code means, one sentence
   * @param remedy what to do about it, one sentence
   * @param examples a few of them
   */
  @JsonPropertyOrder({"reason", "stage", "count", "meaning", "remedy", "examples"})
  public record Rejects(
      String reason,
      String stage,
      long count,
      String meaning,
      String remedy,
      List<Example> examples) {

    /** Most examples of a reason. */
    public static final int EXAMPLES = 3;

    /** Copies the list. */
    public Rejects {
      examples = List.copyOf(examples);
    }
  }

  /**
   * A rejected record, without its content.
   *
   * @param source where it was read
   * @param position where in its source: the byte offset in text, the number of the row elsewhere
   * @param field field at fault, if one was
   * @param detail what was wrong, without private values
   */
  @JsonPropertyOrder({"source", "position", "field", "detail"})
  public record Example(String source, long position, @Nullable String field, String detail) {}

  /**
   * What was seen in a field.
   *
   * @param contract its contract
   * @param field its name
   * @param type its type
   * @param privacy privacy class, if the field is private
   * @param records records seen
   * @param nulls of these, null
   * @param min smallest value as text; withheld where the field is private
   * @param max largest value as text; withheld where the field is private
   */
  @JsonPropertyOrder({"contract", "field", "type", "privacy", "records", "nulls", "min", "max"})
  public record FieldRow(
      String contract,
      String field,
      String type,
      @Nullable String privacy,
      long records,
      long nulls,
      @Nullable String min,
      @Nullable String max) {

    /** Withholds the values of a private field, whoever fills this in. */
    public FieldRow {
      min = privacy == null ? min : null;
      max = privacy == null ? max : null;
    }
  }

  /**
   * Revenue.
   *
   * @param unit currency
   * @param byDay per day, in order of time; days without a sale are left out
   * @param byCategory per category, the highest first
   */
  @JsonPropertyOrder({"unit", "byDay", "byCategory"})
  public record Revenue(String unit, List<DayRevenue> byDay, List<CategoryRevenue> byCategory) {

    /** No revenue. */
    public static final Revenue NONE = new Revenue("", List.of(), List.of());

    /** Copies the lists. */
    public Revenue {
      byDay = List.copyOf(byDay);
      byCategory = List.copyOf(byCategory);
      for (int i = 1; i < byDay.size(); i++) {
        if (!byDay.get(i - 1).day().isBefore(byDay.get(i).day())) {
          throw new IllegalArgumentException("the days of revenue are not in order of time");
        }
      }
    }

    /** Sum over all days. */
    BigDecimal total() {
      return byDay.stream().map(DayRevenue::revenue).reduce(BigDecimal.ZERO, BigDecimal::add);
    }
  }

  /** Revenue of a day. */
  @JsonPropertyOrder({"day", "revenue"})
  public record DayRevenue(LocalDate day, BigDecimal revenue) {}

  /** Revenue of a product category. */
  @JsonPropertyOrder({"category", "revenue"})
  public record CategoryRevenue(String category, BigDecimal revenue) {}

  /**
   * A table to show as it is.
   *
   * @param title its title
   * @param columns its columns
   * @param rows a text per column; numbers as plain decimals
   */
  @JsonPropertyOrder({"title", "columns", "rows"})
  public record Table(String title, List<Column> columns, List<List<String>> rows) {

    /** Copies the lists; every row has a cell per column. */
    public Table {
      columns = List.copyOf(columns);
      rows = rows.stream().map(List::copyOf).toList();
      for (List<String> row : rows) {
        if (row.size() != columns.size()) {
          throw new IllegalArgumentException(
              "table '" + title + "' has a row of " + row.size() + " cells");
        }
      }
    }
  }

  /** A column of a {@link Table}. */
  @JsonPropertyOrder({"name", "kind"})
  public record Column(String name, Kind kind) {}

  /** What the cells of a column are. */
  public enum Kind {
    /** Words. */
    TEXT,
    /** Names and numbers that count nothing, such as ids. */
    CODE,
    /** A quantity. */
    COUNT,
    /** An amount of money, shown with two digits. */
    MONEY
  }

  /** A table of the lake. */
  @JsonPropertyOrder({"layer", "table", "files", "rows", "bytes"})
  public record LakeTable(String layer, String table, long files, long rows, long bytes) {}

  /**
   * A table of the warehouse.
   *
   * @param table its name
   * @param rows rows in it after the run
   * @param inserted rows the run brought
   * @param updated rows the run changed
   * @param deleted rows the run took away
   */
  @JsonPropertyOrder({"table", "rows", "inserted", "updated", "deleted"})
  public record WarehouseTable(
      String table, long rows, long inserted, long updated, long deleted) {}

  /**
   * The ledger over the whole flow: what entered the first stages, and where it ended.
   *
   * @param read entered
   * @param written left the last stage as good
   * @param invalid refused on the way
   * @param late refused on the way
   * @param duplicate refused on the way
   * @param filtered left out on the way
   */
  @JsonPropertyOrder({"read", "written", "invalid", "late", "duplicate", "filtered", "unaccounted"})
  public record Totals(
      long read, long written, long invalid, long late, long duplicate, long filtered) {

    /** Records that entered and did not end anywhere; negative where there are too many. */
    @JsonProperty(access = JsonProperty.Access.READ_ONLY)
    public long unaccounted() {
      return read - written - invalid - late - duplicate - filtered;
    }
  }

  /** Copies the lists. */
  public RunReport {
    ledger = List.copyOf(ledger);
    rejects = List.copyOf(rejects);
    fields = List.copyOf(fields);
    tables = List.copyOf(tables);
    lake = List.copyOf(lake);
    warehouse = List.copyOf(warehouse);
  }

  /** A report of a run that left nothing but the fact that it was. */
  public static RunReport of(RunInfo run) {
    return new RunReport(
        run, List.of(), List.of(), List.of(), Revenue.NONE, List.of(), List.of(), List.of());
  }

  /** The same with the tables of the lake. */
  public RunReport withLake(List<LakeTable> tablesOfLake) {
    return new RunReport(run, ledger, rejects, fields, revenue, tables, tablesOfLake, warehouse);
  }

  /** Version of the format of {@code report.json}. */
  @JsonProperty(access = JsonProperty.Access.READ_ONLY)
  public int format() {
    return 1;
  }

  /** Whether every record is accounted for. */
  @JsonProperty(access = JsonProperty.Access.READ_ONLY)
  public boolean balanced() {
    return imbalances().isEmpty();
  }

  /** What does not balance, a sentence each: in the ledger, or between it and the dead letters. */
  @JsonProperty(access = JsonProperty.Access.READ_ONLY)
  public List<String> imbalances() {
    if (run.outcome() == RunInfo.Outcome.STOPPED) {
      // Records were on their way between stages when the run was stopped.
      return List.of();
    }
    LedgerCheck check =
        LedgerCheck.of(
            ledger.stream()
                .map(
                    row ->
                        new LedgerEntry(
                            run.pipeline(),
                            row.stage(),
                            row.source(),
                            row.read(),
                            row.written(),
                            row.invalid(),
                            row.late(),
                            row.duplicate(),
                            row.filtered()))
                .toList());
    Set<String> found = new LinkedHashSet<>(check.imbalances());
    for (RunInfo.Input input : run.inputs()) {
      found.addAll(check.imbalances(input.stages().toArray(String[]::new)));
    }
    long refused = totals().invalid() + totals().late();
    long stored = rejects.stream().mapToLong(Rejects::count).sum();
    if (run.outcome() == RunInfo.Outcome.PUBLISHED && refused != stored) {
      found.add(
          "The ledger counts "
              + Figures.plural(refused, "refused record", "refused records")
              + ", but "
              + Figures.plural(stored, "dead letter is", "dead letters are")
              + " stored.");
    }
    return List.copyOf(found);
  }

  /** The ledger over the whole flow. */
  @JsonProperty(access = JsonProperty.Access.READ_ONLY)
  public Totals totals() {
    long read = 0;
    long written = 0;
    for (RunInfo.Input input : run.inputs()) {
      if (!input.stages().isEmpty()) {
        read += sum(input.stages().get(0), LedgerRow::read);
        written += sum(input.stages().get(input.stages().size() - 1), LedgerRow::written);
      }
    }
    Set<String> flow = new LinkedHashSet<>(run.stagesInOrder());
    List<LedgerRow> rows = ledger.stream().filter(row -> flow.contains(row.stage())).toList();
    return new Totals(
        read,
        written,
        rows.stream().mapToLong(LedgerRow::invalid).sum(),
        rows.stream().mapToLong(LedgerRow::late).sum(),
        rows.stream().mapToLong(LedgerRow::duplicate).sum(),
        rows.stream().mapToLong(LedgerRow::filtered).sum());
  }

  /** A count of a stage over all its sources. */
  long sum(String stage, ToLongFunction<LedgerRow> count) {
    return ledger.stream().filter(row -> row.stage().equals(stage)).mapToLong(count).sum();
  }
}

package dev.millrace.pipelines.io.warehouse;

import static dev.millrace.contract.Ddl.quote;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Ddl;
import dev.millrace.contract.FieldContract;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The statements of one table: text only, made from its contract. Every name is quoted.
 *
 * <p>The staging table has no key: rows are appended, which is half again as fast as an upsert, and
 * two rows of one key in one statement cannot fail. A retried bundle leaves rows twice; {@link
 * #dropRepeated} keeps the last of each key before the rows are merged.
 *
 * <p>Merging is three statements, update, insert and delete, which touch only rows that differ: an
 * {@code ON CONFLICT DO UPDATE} would lock every row there is, changed or not.
 */
final class TableSql {

  /** Column of staging tables that counts rows in the order they were written. */
  static final String ORDER = "millrace_order";

  /** Columns of the tables of live runs: which run stated a row, and in which order. */
  static final String GENERATION = "\"millrace_generation\"";

  static final String REVISION = "\"millrace_revision\"";

  private final Contract contract;
  private final String name;
  private final String table;
  private final String staging;
  private final List<String> columns;
  private final List<String> key;

  /** Of a table that is written without staging. */
  TableSql(Contract contract) {
    this(contract, "none");
  }

  TableSql(Contract contract, String stagingSchema) {
    if (contract.key().isEmpty()) {
      throw new IllegalArgumentException(
          "contract " + contract.name() + " has no key, so it cannot have a table");
    }
    this.contract = contract;
    this.name = contract.table().toLowerCase(Locale.ROOT);
    this.table = quote(name);
    this.staging = quote(stagingSchema) + "." + table;
    this.columns = names(contract.fields());
    this.key = names(contract.key());
  }

  /** Name of the table, in lower case: so statements that do not quote it find it. */
  String name() {
    return name;
  }

  /** Quoted name of the table. */
  String table() {
    return table;
  }

  /** Quoted name of the table in the staging schema. */
  String staging() {
    return staging;
  }

  String createStaging() {
    return "CREATE TABLE "
        + staging
        + " ("
        + Ddl.columnDefinitions(contract)
        + ", "
        + ORDER
        + " bigint GENERATED ALWAYS AS IDENTITY)";
  }

  String insertIntoStaging() {
    return "INSERT INTO "
        + staging
        + " ("
        + list(columns)
        + ") VALUES ("
        + columns.stream().map(c -> "?").collect(Collectors.joining(", "))
        + ")";
  }

  String dropRepeated() {
    return "DELETE FROM "
        + staging
        + " old WHERE EXISTS (SELECT FROM "
        + staging
        + " new WHERE "
        + sameKey()
        + " AND new."
        + ORDER
        + " > old."
        + ORDER
        + ")";
  }

  /** Empty where all columns are of the key: then no row can differ. */
  Optional<String> update() {
    List<String> others = new ArrayList<>(columns);
    others.removeAll(key);
    if (others.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        "UPDATE "
            + table
            + " old SET "
            + others.stream().map(c -> c + " = new." + c).collect(Collectors.joining(", "))
            + " FROM "
            + staging
            + " new WHERE "
            + sameKey()
            + " AND ("
            + list("old", others)
            + ") IS DISTINCT FROM ("
            + list("new", others)
            + ")");
  }

  String insert() {
    return "INSERT INTO "
        + table
        + " ("
        + list(columns)
        + ") SELECT "
        + list(columns)
        + " FROM "
        + staging
        + " new WHERE NOT EXISTS (SELECT FROM "
        + table
        + " old WHERE "
        + sameKey()
        + ")"
        // In order of the key the rows of its index come one beside the other.
        + " ORDER BY "
        + list(key);
  }

  /** Whether rows say which pipeline stated them; then a run speaks for its own only. */
  boolean isShared() {
    return contract.find("pipeline").isPresent();
  }

  /** Whether the columns are missing that guard the rows of live runs. One parameter: the table. */
  static final String LACKS_GUARD =
      "SELECT NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(?) AND attname ="
          + " 'millrace_generation')";

  /** Adds the columns that guard the rows of live runs. Keeps readers waiting, if only shortly. */
  String addGuard() {
    return "ALTER TABLE "
        + table
        + " ADD COLUMN "
        + GENERATION
        + " bigint, ADD COLUMN "
        + REVISION
        + " bigint";
  }

  /**
   * Writes the row of a live run, unless a later one is there. Parameters: the fields, the
   * generation, the revision.
   */
  String upsertLive() {
    List<String> all = new ArrayList<>(columns);
    all.add(GENERATION);
    all.add(REVISION);
    List<String> others = new ArrayList<>(all);
    others.removeAll(key);
    return "INSERT INTO "
        + table
        + " AS old ("
        + list(all)
        + ") VALUES ("
        + all.stream().map(c -> "?").collect(Collectors.joining(", "))
        + ") ON CONFLICT ("
        + list(key)
        + ") DO UPDATE SET "
        + others.stream().map(c -> c + " = excluded." + c).collect(Collectors.joining(", "))
        // Of a batch's rows both are null.
        + " WHERE ("
        + list("old", List.of(GENERATION, REVISION))
        + ") <= ("
        + list("excluded", List.of(GENERATION, REVISION))
        + ") IS NOT FALSE";
  }

  /**
   * Of rows that overlap an interval, drops those that a later one overlaps. Parameters: the key
   * besides the interval, the end of the interval, its start.
   */
  String dropSuperseded() {
    Contract.Interval interval = contract.disjoint().orElseThrow();
    List<String> whose = names(contract.keyBesidesInterval());
    String from = quote(Ddl.column(interval.from()));
    String to = quote(Ddl.column(interval.to()));
    return "DELETE FROM "
        + table
        + " old USING "
        + table
        + " new WHERE "
        + whose.stream()
            .map(c -> "old." + c + " = ? AND new." + c + " = old." + c)
            .collect(Collectors.joining(" AND "))
        + (whose.isEmpty() ? "" : " AND ")
        + ("old." + from + " <= ? AND old." + to + " >= ?")
        + (" AND old." + from + " <= new." + to + " AND old." + to + " >= new." + from)
        + (" AND (" + list("old", key) + ") <> (" + list("new", key) + ")")
        + (" AND " + guard("old") + " < " + guard("new"));
  }

  private static String guard(String alias) {
    return "(coalesce("
        + alias
        + "."
        + GENERATION
        + ", -1), coalesce("
        + alias
        + "."
        + REVISION
        + ", -1))";
  }

  /**
   * Deletes what the run does not state of a {@link TimeRange}. Parameters: its start, and its end,
   * which does not belong to it.
   */
  String deleteWithin() {
    String time = quote(Ddl.column(contract.eventTime().orElseThrow().field()));
    String end = contract.disjoint().map(interval -> quote(Ddl.column(interval.to()))).orElse(time);
    return "DELETE FROM "
        + table
        + " old WHERE old."
        + time
        + " >= ? AND old."
        + end
        + " < ? AND NOT EXISTS (SELECT FROM "
        + staging
        + " new WHERE "
        + sameKey()
        + ")";
  }

  /** Deletes rows that a row of the run overlaps, wherever they begin. */
  String deleteOverlapped() {
    Contract.Interval interval = contract.disjoint().orElseThrow();
    String from = quote(Ddl.column(interval.from()));
    String to = quote(Ddl.column(interval.to()));
    return "DELETE FROM "
        + table
        + " old USING "
        + staging
        + " new WHERE "
        + names(contract.keyBesidesInterval()).stream()
            .map(c -> "old." + c + " = new." + c + " AND ")
            .collect(Collectors.joining())
        + ("old." + from + " <= new." + to + " AND old." + to + " >= new." + from)
        + (" AND (" + list("old", key) + ") <> (" + list("new", key) + ")");
  }

  /** Has one parameter, the pipeline, if the table is shared. */
  String delete() {
    return "DELETE FROM "
        + table
        + " old WHERE "
        + (isShared() ? "old." + quote("pipeline") + " = ? AND " : "")
        + "NOT EXISTS (SELECT FROM "
        + staging
        + " new WHERE "
        + sameKey()
        + ")";
  }

  private String sameKey() {
    return key.stream().map(c -> "old." + c + " = new." + c).collect(Collectors.joining(" AND "));
  }

  private static List<String> names(Collection<FieldContract> fields) {
    return fields.stream().map(f -> quote(Ddl.column(f))).toList();
  }

  private static String list(Collection<String> names) {
    return String.join(", ", names);
  }

  private static String list(String alias, Collection<String> names) {
    return names.stream().map(n -> alias + "." + n).collect(Collectors.joining(", "));
  }

  /**
   * The contracts so ordered that a table comes after those it refers to. A reference to a table
   * that is not among them, or a circle, is an {@link IllegalArgumentException}.
   */
  static List<Contract> parentsFirst(Collection<Contract> contracts) {
    Set<String> all = contracts.stream().map(Contract::table).collect(Collectors.toSet());
    if (all.size() < contracts.size()) {
      throw new IllegalArgumentException("two contracts have the same table: " + contracts);
    }
    List<Contract> ordered = new ArrayList<>();
    List<Contract> waiting = new ArrayList<>(contracts);
    while (!waiting.isEmpty()) {
      Set<String> ready = ordered.stream().map(Contract::table).collect(Collectors.toSet());
      List<Contract> next =
          waiting.stream()
              .filter(
                  c ->
                      c.foreignKeys().values().stream()
                          .allMatch(t -> ready.contains(t) || t.equals(c.table())))
              .toList();
      if (next.isEmpty()) {
        throw new IllegalArgumentException(
            "these tables refer to each other in a circle, or to a table that is not written: "
                + waiting.stream().map(Contract::table).toList());
      }
      ordered.addAll(next);
      waiting.removeAll(next);
    }
    return List.copyOf(ordered);
  }
}

package dev.millrace.benchmarks;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.List;

/**
 * The answers of {@code sales} by the SQL of an engine, each time in a fresh process, measured from
 * outside.
 *
 * @param program takes these arguments, a directory of tables, and one that gets a directory of
 *     Parquet for each answer
 */
record SqlSide(
    String name,
    Path program,
    List<String> arguments,
    Path directory,
    Path foodMart,
    Processes processes)
    implements Side {

  private static final String SALES = "silver";

  /** The same over other tables. */
  SqlSide over(Path tables) {
    return new SqlSide(name, program, arguments, directory, tables, processes);
  }

  @Override
  public String counted() {
    return "one process, from the start of Java: reads the same files, drops copies, joins,"
        + " aggregates, writes the enriched sales and the six answers as Parquet; no rules, no dead"
        + " letters, no ledger, no profile, no bronze, no warehouse, no report";
  }

  @Override
  public Measured run() throws Exception {
    Path into = directory.resolve("sql");
    Temporary.delete(into);
    List<String> all = new ArrayList<>(arguments);
    all.add(foodMart.toString());
    all.add(into.toString());
    Processes.Ended ended = processes.runJar(program, all);
    try (Connection duckDb = DriverManager.getConnection("jdbc:duckdb:")) {
      return new Measured(
          ended.wallSeconds(),
          ended.cpuSeconds(),
          SalesAnswers.in(
              duckDb,
              // Of what lies there beside the rows, no name begins so.
              table -> "read_parquet('" + into.resolve(table) + "/part-*')",
              SALES));
    }
  }
}

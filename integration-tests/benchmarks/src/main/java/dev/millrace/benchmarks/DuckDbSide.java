package dev.millrace.benchmarks;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.List;

/** The answers of {@code sales} by DuckDB, each time in a fresh process. */
record DuckDbSide(Path directory, Path foodMart, int threads, Processes processes) implements Side {

  @Override
  public String name() {
    return "DuckDB";
  }

  @Override
  public String counted() {
    return "one process with DuckDB over JDBC, from the start of Java: reads the same files, joins,"
        + " aggregates, writes the enriched sales and the six answers as Parquet; no rules, no"
        + " dead letters, no ledger, no bronze, no warehouse; its memory is not limited";
  }

  @Override
  public Measured run() throws Exception {
    Path into = Files.createDirectories(directory.resolve("duckdb"));
    Processes.Ended ended =
        processes.run(
            DuckDbProcess.class.getName(),
            List.of(
                foodMart.toString(),
                foodMart.resolve(FoodMart.SALES).toString(),
                Integer.toString(threads),
                into.toString()));
    try (Connection duckDb = DriverManager.getConnection("jdbc:duckdb:")) {
      return new Measured(
          ended.wallSeconds(), ended.cpuSeconds(), DuckDbProcess.answer(duckDb, into));
    }
  }
}

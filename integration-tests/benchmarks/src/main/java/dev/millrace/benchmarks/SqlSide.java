package dev.millrace.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.List;

/**
 * The answers of {@code sales} by the SQL of an engine, each time in a fresh process, measured from
 * outside, into a lake and a warehouse as Millrace has them. Tables of the warehouse are there
 * before; their indexes are made when they are full, which counts.
 *
 * @param program takes these arguments, a directory of tables, one that gets a directory of Parquet
 *     for each table, and the address of the warehouse
 */
record SqlSide(
    String name,
    Path program,
    List<String> arguments,
    Path directory,
    Path foodMart,
    Processes processes,
    Warehouse warehouse)
    implements Side {

  private static final String INDEXES =
      "CREATE INDEX ON fact_sale (day, store_id); CREATE INDEX ON fact_sale (customer_id);"
          + " CREATE INDEX ON fact_sale (product_id); ANALYZE";

  /** The same over other tables. */
  SqlSide over(Path tables) {
    return new SqlSide(name, program, arguments, directory, tables, processes, warehouse);
  }

  @Override
  public String counted() {
    return "one process, from the start of Java: reads the same files, drops copies, joins,"
        + " aggregates, writes the sales as they came, the enriched sales and the six answers as"
        + " Parquet, and the sales and the answers into PostgreSQL, whose CPU is included; no"
        + " rules, no dead letters, no ledger, no profile, no report";
  }

  @Override
  public Measured run() throws Exception {
    Path into = directory.resolve("sql");
    Temporary.delete(into);
    warehouse.create();
    warehouse.execute(tables());
    List<String> all = new ArrayList<>(arguments);
    all.add(foodMart.toString());
    all.add(into.toString());
    all.add(warehouse.url() + "&reWriteBatchedInserts=true");
    double serverBefore = warehouse.cpuSeconds();
    Processes.Ended ended = processes.runJar(program, all);
    long begun = System.nanoTime();
    warehouse.execute(INDEXES);
    double indexed = (System.nanoTime() - begun) / 1e9;
    double serverCpu = warehouse.cpuSeconds() - serverBefore;
    Answer answers = warehouse.answers();
    try (Connection duckDb = DriverManager.getConnection("jdbc:duckdb:")) {
      SalesAnswers.in(
              duckDb,
              // Of what lies there beside the rows, no name begins so.
              table -> "read_parquet('" + into.resolve(table) + "/part-*')",
              "silver")
          .mustEqual(answers, "The lake of " + name, "its warehouse");
    }
    return new Measured(ended.wallSeconds() + indexed, ended.cpuSeconds() + serverCpu, answers);
  }

  private static String tables() throws IOException {
    try (InputStream in = SqlSide.class.getResourceAsStream("warehouse.sql")) {
      if (in == null) {
        throw new IllegalStateException("warehouse.sql is missing from the class path");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}

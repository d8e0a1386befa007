package dev.millrace.benchmarks;

import dev.millrace.direct.Main;
import dev.millrace.local.LocalPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code millrace run sales}, each time in a fresh process, into a fresh lake and a fresh database
 * of a PostgreSQL that runs already.
 */
final class MillraceSide implements Side, AutoCloseable {

  private static final String DATABASE = "benchmark";

  private final Path directory;
  private final Path foodMart;
  private final Processes processes;
  private final LocalPostgres postgres;

  MillraceSide(Path directory, Path foodMart, Processes processes) {
    this.directory = directory;
    this.foodMart = foodMart;
    this.processes = processes;
    this.postgres = LocalPostgres.in(directory.resolve("postgres"));
  }

  @Override
  public String name() {
    return "Millrace on Direct";
  }

  @Override
  public String counted() {
    return "one process of `millrace run sales`, from the start of Java: everything the pipeline"
        + " does, bronze, silver, answers, ledger, profile, lake, warehouse and report; CPU"
        + " includes that of PostgreSQL, which runs before and after";
  }

  @Override
  public Measured run() throws Exception {
    Temporary.delete(directory.resolve("lake"));
    execute("DROP DATABASE IF EXISTS " + DATABASE);
    execute("CREATE DATABASE " + DATABASE);
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "run",
                "sales",
                "--log=quiet",
                "--sales=" + foodMart.resolve(FoodMart.SALES),
                "--lake=" + directory.resolve("lake"),
                "--report=" + directory.resolve("report"),
                "--warehouse=" + url()));
    arguments.addAll(FoodMart.dimensionOptions(foodMart));
    long server = serverProcess();
    double serverBefore = CpuTime.ofServer(server);
    Processes.Ended ended = processes.run(Main.class.getName(), arguments);
    double serverCpu = CpuTime.ofServer(server) - serverBefore;
    try (Connection warehouse = DriverManager.getConnection(url())) {
      return new Measured(
          ended.wallSeconds(),
          ended.cpuSeconds() + serverCpu,
          SalesAnswers.in(warehouse, table -> table, "fact_sale"));
    }
  }

  private long serverProcess() throws IOException {
    Path pidFile = directory.resolve("postgres/data/postmaster.pid");
    return Long.parseLong(Files.readAllLines(pidFile).get(0).strip());
  }

  private String url() {
    return "jdbc:postgresql://127.0.0.1:" + postgres.port() + "/" + DATABASE + "?user=millrace";
  }

  private void execute(String sql) throws SQLException {
    try (Connection connection = DriverManager.getConnection(postgres.jdbcUrl());
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  @Override
  public void close() {
    postgres.close();
  }
}

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
  private final String runner;
  private final Path foodMart;
  private final Launch launch;
  private final LocalPostgres postgres;

  /** Runs the command with these arguments. */
  @FunctionalInterface
  interface Launch {
    Processes.Ended run(List<String> arguments) throws IOException, InterruptedException;
  }

  private MillraceSide(
      Path directory, String runner, Path foodMart, Launch launch, LocalPostgres postgres) {
    this.directory = directory;
    this.runner = runner;
    this.foodMart = foodMart;
    this.launch = launch;
    this.postgres = postgres;
  }

  /** On the Direct runner. */
  static MillraceSide onDirect(Path directory, Path foodMart, Processes processes) {
    return new MillraceSide(
        directory,
        "Direct",
        foodMart,
        arguments -> processes.run(Main.class.getName(), arguments),
        postgres(directory));
  }

  /**
   * On another runner.
   *
   * @param runner its name, in words
   * @param program the runner's own
   */
  static MillraceSide on(
      String runner, Path program, Path directory, Path foodMart, Processes processes) {
    return new MillraceSide(
        directory,
        runner,
        foodMart,
        arguments -> processes.runJar(program, arguments),
        postgres(directory));
  }

  private static LocalPostgres postgres(Path directory) {
    return LocalPostgres.in(directory.resolve("postgres"));
  }

  /** The same over other tables, in the same places. */
  MillraceSide over(Path tables) {
    return new MillraceSide(directory, runner, tables, launch, postgres);
  }

  @Override
  public String name() {
    return "Millrace on " + runner;
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
    Processes.Ended ended = launch.run(arguments);
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

package dev.millrace.benchmarks;

import dev.millrace.local.LocalPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

/** A database of a PostgreSQL that runs before and after what is measured. */
final class Warehouse implements AutoCloseable {

  private static final String DATABASE = "benchmark";

  private final Path server;
  private final LocalPostgres postgres;

  private Warehouse(Path server) {
    this.server = server;
    this.postgres = LocalPostgres.in(server);
  }

  /** Of a server that lives in a directory, and is started if it is not up. */
  static Warehouse in(Path directory) {
    return new Warehouse(directory.resolve("postgres"));
  }

  /** Makes it anew, and empty. */
  void create() throws SQLException {
    execute(postgres.jdbcUrl(), "DROP DATABASE IF EXISTS " + DATABASE);
    execute(postgres.jdbcUrl(), "CREATE DATABASE " + DATABASE);
  }

  String url() {
    return "jdbc:postgresql://127.0.0.1:" + postgres.port() + "/" + DATABASE + "?user=millrace";
  }

  /** Executes statements in it. */
  void execute(String sql) throws SQLException {
    execute(url(), sql);
  }

  private static void execute(String url, String sql) throws SQLException {
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** CPU seconds of the server, so far. */
  double cpuSeconds() throws IOException {
    Path pidFile = server.resolve("data/postmaster.pid");
    return CpuTime.ofServer(Long.parseLong(Files.readAllLines(pidFile).get(0).strip()));
  }

  /** The answers of {@code sales} in it. */
  Answer answers() throws SQLException {
    try (Connection connection = DriverManager.getConnection(url())) {
      return SalesAnswers.in(connection, table -> table, "fact_sale");
    }
  }

  @Override
  public void close() {
    postgres.close();
  }
}

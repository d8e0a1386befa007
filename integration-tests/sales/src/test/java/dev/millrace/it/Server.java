package dev.millrace.it;

import dev.millrace.local.LocalPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;

/** A PostgreSQL of a test, with a database for each warehouse. */
final class Server implements AutoCloseable {

  private final LocalPostgres postgres;

  private Server(LocalPostgres postgres) {
    this.postgres = postgres;
  }

  static Server in(Path directory) {
    return new Server(LocalPostgres.in(directory));
  }

  /** Makes an empty database and returns its URL. */
  String newWarehouse(String name) throws SQLException {
    try (Connection connection = DriverManager.getConnection(postgres.jdbcUrl())) {
      Tables.execute(connection, "CREATE DATABASE " + name);
    }
    return url(name);
  }

  /** The URL of a database. */
  String url(String name) {
    return "jdbc:postgresql://127.0.0.1:" + postgres.port() + "/" + name + "?user=millrace";
  }

  /** A connection to a database. */
  Connection connect(String name) throws SQLException {
    return DriverManager.getConnection(url(name));
  }

  @Override
  public void close() {
    postgres.close();
  }
}

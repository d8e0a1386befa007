package dev.millrace.pipelines.io.warehouse;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** One real PostgreSQL for all tests of this JVM, with a database of its own for each test. */
public final class TestPostgres {

  /** Database that lets nobody in without a password. */
  static final String GUARDED = "guarded";

  private static final EmbeddedPostgres SERVER = start();
  private static final AtomicInteger COUNT = new AtomicInteger();

  private TestPostgres() {}

  /** URL of a new, empty database. */
  public static String newDatabase() {
    String name = "test" + COUNT.incrementAndGet();
    run(SERVER.getJdbcUrl("postgres", "postgres"), "CREATE DATABASE " + name);
    return url(name, "postgres");
  }

  static String url(String database, String user) {
    return "jdbc:postgresql://127.0.0.1:" + SERVER.getPort() + "/" + database + "?user=" + user;
  }

  static Connection connect(String url) {
    try {
      return DriverManager.getConnection(url);
    } catch (SQLException error) {
      throw new IllegalStateException(error);
    }
  }

  static void run(String url, String sql) {
    try (Connection connection = connect(url)) {
      new Sql(connection).run(sql);
    } catch (SQLException error) {
      throw new IllegalStateException(error);
    }
  }

  /** Rows of a query, each as text: columns joined by a vertical bar. */
  static List<String> query(String url, String sql) {
    try (Connection connection = connect(url)) {
      return new Sql(connection).rows(sql, TestPostgres::text);
    } catch (SQLException error) {
      throw new IllegalStateException(error);
    }
  }

  static Run run(String id) {
    return new Run(id, "sales", "1", Instant.parse("2026-01-01T00:00:00Z"));
  }

  private static String text(java.sql.ResultSet row) throws SQLException {
    StringBuilder text = new StringBuilder();
    for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
      text.append(i == 1 ? "" : "|").append(row.getString(i));
    }
    return text.toString();
  }

  private static EmbeddedPostgres start() {
    try {
      EmbeddedPostgres server = EmbeddedPostgres.builder().start();
      String url = server.getJdbcUrl("postgres", "postgres");
      run(url, "CREATE DATABASE " + GUARDED);
      run(url, "CREATE ROLE clerk LOGIN PASSWORD 'open sesame'");
      run(url, "CREATE ROLE reader LOGIN");
      Path hba = Path.of(query(url, "SHOW hba_file").get(0));
      Files.writeString(
          hba, "host " + GUARDED + " all 127.0.0.1/32 scram-sha-256\n" + Files.readString(hba));
      run(url, "SELECT pg_reload_conf()");
      return server;
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}

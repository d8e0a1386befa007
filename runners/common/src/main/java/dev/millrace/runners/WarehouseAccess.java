package dev.millrace.runners;

import dev.millrace.local.LocalPostgres;
import dev.millrace.pipelines.UserError;
import dev.millrace.pipelines.deadletters.LetterTable;
import dev.millrace.pipelines.job.EdgeOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that name the warehouse a command works with, and the way to it. */
final class WarehouseAccess {

  private static final String EMBEDDED = "embedded";

  @Option(
      names = "--warehouse",
      paramLabel = "URL",
      defaultValue = EMBEDDED,
      description = "A jdbc:postgresql: URL, or 'embedded'. Default: embedded.")
  String warehouse = EMBEDDED;

  @Option(
      names = "--warehouse-user",
      paramLabel = "USER",
      description = "User, if the URL names none.")
  @Nullable String user;

  @Option(
      names = "--warehouse-password",
      paramLabel = "REFERENCE",
      description = "Password, as env:NAME or file:PATH.")
  @Nullable String password;

  /** The warehouse of a run. */
  static WarehouseAccess of(EdgeOptions options) {
    WarehouseAccess access = new WarehouseAccess();
    access.warehouse = options.getWarehouse();
    access.user = options.getWarehouseUser();
    access.password = options.getWarehousePassword();
    return access;
  }

  /** What is done with a warehouse. */
  interface Use {
    void with(Access access) throws Exception;
  }

  /** A warehouse that runs. */
  record Access(String url, @Nullable String user, @Nullable String password) {

    Connection connect(String application) throws SQLException {
      Properties properties = new Properties();
      if (user != null) {
        properties.setProperty("user", user);
      }
      if (password != null) {
        properties.setProperty("password", password);
      }
      properties.setProperty("ApplicationName", application);
      return DriverManager.getConnection(url, properties);
    }
  }

  /** Opens it; the embedded one runs as long as it is used. */
  void open(Path directory, Use use) throws Exception {
    String secret = password == null ? null : secret(password);
    if (!warehouse.equals(EMBEDDED)) {
      if (!warehouse.startsWith("jdbc:postgresql:")) {
        throw new UserError(
            "--warehouse is '" + warehouse + "'; give a jdbc:postgresql: URL or 'embedded'.");
      }
      use.with(new Access(warehouse, user, secret));
      return;
    }
    Path place = place(directory);
    if (!LocalPostgres.existsIn(place)) {
      throw new UserError(
          "There is no warehouse in "
              + place
              + " yet; run a pipeline here first (millrace run sales), or name one with"
              + " --warehouse=jdbc:postgresql://….");
    }
    try (LocalPostgres postgres = LocalPostgres.in(place)) {
      use.with(new Access(postgres.jdbcUrl(), null, null));
    }
  }

  /** What is asked of the dead letters of a warehouse. */
  interface Question<T> {
    T of(LetterTable table) throws Exception;
  }

  /** Asks the dead letters, in one transaction. */
  <T> T ask(Path directory, Question<T> question) throws Exception {
    List<T> answer = new ArrayList<>();
    open(
        directory,
        access -> {
          try (Connection connection = access.connect("millrace dead-letters")) {
            answer.add(question.of(LetterTable.of(connection)));
            connection.commit();
          }
        });
    return answer.get(0);
  }

  private static String secret(String reference) throws IOException {
    if (reference.startsWith("env:")) {
      String value = System.getenv(reference.substring(4));
      if (value == null) {
        throw new UserError(
            "--warehouse-password names "
                + reference
                + ", and there is no such environment variable.");
      }
      return value;
    }
    if (reference.startsWith("file:")) {
      try {
        return Files.readString(Path.of(reference.substring(5))).strip();
      } catch (NoSuchFileException missing) {
        throw new UserError(
            "--warehouse-password names " + reference + ", and there is no such file.", missing);
      }
    }
    throw new UserError(
        "--warehouse-password takes a reference, env:NAME or file:PATH, and not the password itself.");
  }

  /** Where the embedded warehouse of a working directory is. */
  static Path place(Path directory) {
    return directory.resolve(".millrace/postgres");
  }
}

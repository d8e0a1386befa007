package dev.millrace.runners;

import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Runs what a user typed against the warehouse. */
final class Queries {

  private static final int ROWS_AT_A_TIME = 1_000;
  private static final String READ_ONLY_TRANSACTION = "25006";

  private Queries() {}

  /**
   * Runs one or more statements in one transaction and prints their results.
   *
   * @param write whether they may change anything
   */
  static void run(
      String url,
      @Nullable String user,
      @Nullable String password,
      String sql,
      boolean write,
      ResultPrinter.Format format,
      PrintStream out)
      throws SQLException, IOException {
    Properties properties = new Properties();
    if (user != null) {
      properties.setProperty("user", user);
    }
    if (password != null) {
      properties.setProperty("password", password);
    }
    properties.setProperty("ApplicationName", "millrace sql");
    try (Connection connection = DriverManager.getConnection(url, properties)) {
      if (!write) {
        readOnly(connection);
      }
      connection.setAutoCommit(false); // rows are fetched bit by bit inside a transaction only
      try (Statement statement = connection.createStatement()) {
        statement.setFetchSize(ROWS_AT_A_TIME);
        boolean rows = statement.execute(sql);
        while (true) {
          if (rows) {
            try (ResultSet result = statement.getResultSet()) {
              ResultPrinter.print(result, format, out);
            }
          } else if (statement.getUpdateCount() >= 0) {
            if (format == ResultPrinter.Format.TABLE) {
              int count = statement.getUpdateCount();
              out.println(count == 1 ? "(1 row changed)" : "(" + count + " rows changed)");
            }
          } else {
            break;
          }
          rows = statement.getMoreResults();
        }
        connection.commit();
      } catch (PSQLException refused) {
        ServerErrorMessage reason = refused.getServerErrorMessage();
        if (reason == null || isServerTrouble(refused.getSQLState())) {
          throw refused;
        }
        throw new UserError(explain(reason, sql), refused);
      }
    }
  }

  /** For the session, not the transaction, which a COMMIT in the text would end. */
  private static void readOnly(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("SET default_transaction_read_only = on");
    }
  }

  /** The server's trouble, such as a full disk, is no fault of the statement. */
  private static boolean isServerTrouble(@Nullable String state) {
    return state == null || state.matches("(08|53|57P|58|XX).*");
  }

  private static String explain(ServerErrorMessage reason, String sql) {
    if (READ_ONLY_TRANSACTION.equals(reason.getSQLState())) {
      return "This statement changes the warehouse, and sql only reads; add --write if you mean it.";
    }
    StringBuilder sentence = new StringBuilder("SQL error");
    if (reason.getPosition() > 0) {
      int at =
          Math.min(
              sql.offsetByCodePoints(
                  0, Math.min(reason.getPosition() - 1, sql.codePointCount(0, sql.length()))),
              sql.length());
      String before = sql.substring(0, at);
      int line = (int) before.chars().filter(c -> c == '\n').count() + 1;
      sentence
          .append(" at line ")
          .append(line)
          .append(", column ")
          .append(at - before.lastIndexOf('\n'));
    }
    sentence.append(": ").append(reason.getMessage());
    if (reason.getHint() != null) {
      sentence.append(" (").append(reason.getHint().replaceFirst("\\.$", "")).append(")");
    }
    return sentence.append(".").toString();
  }
}

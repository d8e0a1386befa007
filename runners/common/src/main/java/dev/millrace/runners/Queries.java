package dev.millrace.runners;

import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Runs what a user typed against the warehouse. */
final class Queries {

  private static final int ROWS_AT_A_TIME = 1_000;
  private static final Pattern QUOTED = Pattern.compile("\"(.+)\"");
  private static final String READ_ONLY_TRANSACTION = "25006";
  private static final String UNDEFINED_TABLE = "42P01";

  private Queries() {}

  /**
   * Runs one or more statements in one transaction and prints their results.
   *
   * @param write whether they may change anything
   */
  static void run(
      WarehouseAccess.Access warehouse,
      String sql,
      boolean write,
      ResultPrinter.Format format,
      PrintStream out)
      throws SQLException, IOException {
    if (sql.isBlank()) {
      throw new UserError(
          "The statement is empty; write one, such as millrace sql \"SELECT * FROM top_products\".");
    }
    try (Connection connection = warehouse.connect("millrace sql")) {
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
        String tables =
            UNDEFINED_TABLE.equals(refused.getSQLState()) ? tables(connection, reason) : "";
        throw new UserError(explain(reason, sql) + tables, refused);
      }
    }
  }

  /** For the session, not the transaction, which a COMMIT in the text would end. */
  private static void readOnly(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("SET default_transaction_read_only = on");
    }
  }

  /** Which tables there are, for who asked for another one. */
  private static String tables(Connection connection, ServerErrorMessage reason)
      throws SQLException {
    connection.rollback();
    List<String> tables = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet found =
            statement.executeQuery(
                "SELECT table_name FROM information_schema.tables"
                    + " WHERE table_schema = ANY (current_schemas(false)) ORDER BY 1")) {
      while (found.next()) {
        tables.add(found.getString(1));
      }
    }
    if (tables.isEmpty()) {
      return " There are no tables yet; run a pipeline first (millrace run sales).";
    }
    Matcher wanted = QUOTED.matcher(String.valueOf(reason.getMessage()));
    return (wanted.find() ? Nearest.hint(wanted.group(1), tables) : "")
        + " There are "
        + String.join(", ", tables)
        + ".";
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

package dev.millrace.pipelines.io.warehouse;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** One connection, and the few things done with it. */
final class Sql {

  private final Connection connection;

  Sql(Connection connection) {
    this.connection = connection;
  }

  /** Runs a statement; returns how many rows it changed. */
  long run(String sql, Object... parameters) throws SQLException {
    try (PreparedStatement statement = prepare(sql, parameters)) {
      return statement.execute() ? 0 : Math.max(0, statement.getLargeUpdateCount());
    }
  }

  /** Whether a query of one boolean gives true. */
  boolean is(String sql, Object... parameters) throws SQLException {
    return rows(sql, r -> r.getBoolean(1), parameters).contains(true);
  }

  /** All rows of a query. */
  <T> List<T> rows(String sql, Row<T> row, Object... parameters) throws SQLException {
    try (PreparedStatement statement = prepare(sql, parameters);
        ResultSet result = statement.executeQuery()) {
      List<T> rows = new ArrayList<>();
      while (result.next()) {
        rows.add(row.read(result));
      }
      return rows;
    }
  }

  private PreparedStatement prepare(String sql, Object... parameters) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    for (int i = 0; i < parameters.length; i++) {
      statement.setObject(i + 1, parameters[i]);
    }
    return statement;
  }

  /**
   * Reads a row.
   *
   * @param <T> what of it is wanted
   */
  interface Row<T> {
    T read(ResultSet row) throws SQLException;
  }
}

package dev.millrace.benchmarks;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * A process that computes the answers of {@code sales} with DuckDB and leaves them, and the
 * enriched sales, as Parquet.
 *
 * <p>Arguments: directory of the dimensions, glob of the sales, threads, directory to write to.
 */
public final class DuckDbProcess {

  private static final String SALES = "silver";

  private DuckDbProcess() {}

  /** Computes and writes. */
  public static void main(String[] arguments) throws SQLException {
    Path into = Path.of(arguments[3]);
    try (Connection database =
            DuckDbSales.compute(
                Path.of(arguments[0]), arguments[1], Integer.parseInt(arguments[2]));
        Statement statement = database.createStatement()) {
      List<String> tables = new ArrayList<>(SalesAnswers.TABLES.keySet());
      tables.add(SALES);
      for (String table : tables) {
        statement.execute("COPY " + table + " TO '" + into.resolve(table + ".parquet") + "'");
      }
    }
  }

  /** What a process left in a directory. */
  static Answer answer(Connection duckDb, Path directory) throws SQLException {
    return SalesAnswers.in(
        duckDb, table -> "'" + directory.resolve(table + ".parquet") + "'", SALES);
  }
}

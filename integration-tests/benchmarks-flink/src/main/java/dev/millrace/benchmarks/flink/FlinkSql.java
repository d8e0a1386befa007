package dev.millrace.benchmarks.flink;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutionException;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.StatementSet;
import org.apache.flink.table.api.TableEnvironment;

/** The answers of {@code sales} by Flink SQL, as a batch on all cores: one job. */
final class FlinkSql {

  private static final String ANSWER = "answer_";

  private FlinkSql() {}

  /**
   * Reads the tables and writes the answers, and the sales they are made of, as Parquet and into a
   * database.
   *
   * @param data directory of the tables, JSON lines
   * @param out directory that gets a directory for each answer
   * @param warehouse address of the database, in which the tables are
   */
  static void run(String data, String out, String warehouse)
      throws IOException, InterruptedException, ExecutionException {
    Configuration configuration = new Configuration();
    configuration.set(CoreOptions.DEFAULT_PARALLELISM, Runtime.getRuntime().availableProcessors());
    // As much beside the heap as Millrace's own cluster has, and one plan for what answers share.
    configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.parse("512m"));
    configuration.setString("table.optimizer.reuse-optimize-block-with-digest-enabled", "true");
    TableEnvironment tables =
        TableEnvironment.create(
            EnvironmentSettings.newInstance()
                .inBatchMode()
                .withConfiguration(configuration)
                .build());
    StatementSet job = tables.createStatementSet();
    for (String sql : script().split(";\\s*\n", -1)) {
      String statement =
          sql.replace("${data}", data)
              .replace("${out}", out)
              .replace("${warehouse}", warehouse)
              .strip();
      if (statement.startsWith("INSERT")) {
        job.addInsertSql(statement);
      } else if (!statement.isEmpty()) {
        tables.executeSql(statement);
      }
    }
    for (String view : tables.listTemporaryViews()) {
      if (view.startsWith(ANSWER)) {
        String answer = view.substring(ANSWER.length());
        tables.executeSql(
            ("CREATE TEMPORARY TABLE warehouse_%s WITH ('connector' = 'jdbc', 'url' = '%s',"
                    + " 'table-name' = '%s', 'sink.buffer-flush.max-rows' = '5000')"
                    + " LIKE %s (EXCLUDING OPTIONS)")
                .formatted(answer, warehouse, answer, answer));
        job.addInsertSql("INSERT INTO %s SELECT * FROM %s".formatted(answer, view));
        job.addInsertSql("INSERT INTO warehouse_%s SELECT * FROM %s".formatted(answer, view));
      }
    }
    job.execute().await();
  }

  private static String script() throws IOException {
    try (InputStream in = FlinkSql.class.getResourceAsStream("sales.sql")) {
      if (in == null) {
        throw new IllegalStateException("sales.sql is missing from the class path");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}

package dev.millrace.it.equivalence;

import static org.awaitility.Awaitility.await;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.startsWith;

import dev.millrace.it.equivalence.Program.Ended;
import dev.millrace.local.FreePorts;
import dev.millrace.local.LocalStack;
import dev.millrace.local.LocalStack.Server;
import dev.millrace.local.LocalStack.Wanted;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The matrix: every pipeline on every runner, over data with all faults there are, beside the same
 * on the Direct runner. In batch every file of the lake is the same, byte for byte: rows, rejects,
 * answers and ledger. A stream comes to the tables of a batch over its topic. What a runner would
 * get wrong is refused by name. What was found is {@code docs/portability.md}; {@code
 * -Dmillrace.update=true} writes it anew.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class EquivalenceIT {

  private static final Path DOCUMENT = Path.of("../../docs/portability.md");
  private static final long SEED = Long.getLong("millrace.seed", 5);
  private static final int EVENTS = 1000;
  private static final List<String> TABLES =
      List.of("events_5m", "shop_minute", "shop_session", "dead_letter", "ledger");

  @TempDir static Path home;
  private static Program program;
  private static LocalStack stack;
  private static String postgres = "";
  private static final Map<String, Map<String, String>> WANTED = new HashMap<>();
  private static Map<String, List<String>> wantedTables = Map.of();
  private static String topic = "";
  private static final Map<String, String> FOUND = new TreeMap<>();
  private static final Map<String, List<String>> METRICS = new TreeMap<>();

  @BeforeAll
  static void runOnDirect() throws Exception {
    program = new Program(home);
    stack = new LocalStack(home.resolve(".millrace"));
    FreePorts ports = FreePorts.find();
    stack.up(
        Wanted.kafkaAt(Optional.of(ports.one())).withFlinkAt(Optional.of(ports.other())),
        phase -> {});
    postgres = address(LocalStack.POSTGRES);
    for (String pipeline : List.of("sales", "clickstream")) {
      program
          .end(
              "direct",
              List.of(
                  "generate", pipeline, "--records=8000", "--seed=" + SEED, "--out=" + pipeline))
          .succeeded();
      batch("direct", program.run(pipeline, pipeline, "direct_" + pipeline, warehouse(pipeline)));
      Map<String, String> files = files("direct_" + pipeline);
      assertThat(
          files.keySet().stream().map(file -> file.split("/", 3)[0]).collect(Collectors.toSet()),
          hasItems("bronze", "silver", "gold", "rejects"));
      WANTED.put(pipeline, files);
    }
    topic = "kafka://" + address("Kafka") + "/clicks";
    program
        .end(
            "direct",
            List.of(
                "generate",
                "clickstream",
                "--live",
                "--records=" + EVENTS,
                "--seed=" + SEED,
                "--out=" + topic + "?partitions=2"))
        .succeeded();
    List<String> archive = warehouse("archive");
    program
        .end("direct", program.run("clickstream", topic + "?until=end", "archive", archive))
        .succeeded();
    wantedTables = tables("archive");
    wantedTables.forEach((table, rows) -> assertThat(table, rows.isEmpty(), equalTo(false)));
  }

  @AfterAll
  static void stop() {
    program.close();
    stack.reset();
  }

  private static String address(String name) {
    return stack.status().stream()
        .filter(server -> server.name().equals(name))
        .map(Server::address)
        .findFirst()
        .orElseThrow();
  }

  @ParameterizedTest
  @Order(1)
  @CsvSource({
    "sales, flink, 1",
    "sales, cluster, 2",
    "sales, spark, 2",
    "clickstream, flink, 1",
    "clickstream, cluster, 2",
    "clickstream, spark, 2"
  })
  void aBatchGivesTheLakeOfDirectByteForByte(String pipeline, String runner, int workers)
      throws Exception {
    // Given
    String name = String.join("_", pipeline, runner, String.valueOf(workers));
    List<String> more = new ArrayList<>(warehouse(name));
    more.add(
        runner.equals("spark")
            ? "--spark-master=local[" + workers + "]"
            : "--parallelism=" + workers);

    // When
    batch(runner, program.run(pipeline, pipeline, name, more));

    // Then
    assertThat(files(name), equalTo(WANTED.get(pipeline)));
    FOUND.put(pipeline + " batch " + runner + " " + workers, "same");
  }

  /**
   * Spark as its users run it: a cluster with its own versions of libraries, and one jar. Files are
   * not compared: they are compressed by Spark's zstd, which is another than Direct's.
   */
  @Test
  @Order(2)
  void aBatchThatSparkSubmitRunsOnAClusterGivesTheRowsOfDirect() throws Exception {
    try (SparkCluster cluster = SparkCluster.start(home.resolve("spark"))) {
      for (String pipeline : List.of("sales", "clickstream")) {
        // Given
        String name = pipeline + "_submitted";

        // When
        cluster.submit(home, submitted(pipeline, home + "/" + pipeline, name)).succeeded();

        // Then
        List<String> tables = filled(pipeline);
        assertThat(tables, hasItems("ledger", "dead_letter"));
        assertThat(tables(name, tables), equalTo(tables(pipeline, tables)));
      }

      // When: what only the machine of the command has
      List<String> relative = new ArrayList<>(submitted("sales", "sales", "relative"));
      Ended refused = cluster.submit(home, relative);

      // Then
      assertThat(refused.err().toString(), refused.status(), equalTo(2));
      assertThat(
          refused.err().get(refused.err().size() - 1),
          startsWith("millrace: --sales is sales, a path from here, and the cluster runs"));

      // When: a stream
      Ended stream = cluster.submit(home, submitted("clickstream", topic, "stream"));

      // Then
      assertThat(stream.err().toString(), stream.status(), equalTo(2));
      assertThat(
          stream.err().toString(),
          containsString("The Spark runner would not run this pipeline rightly"));
    }
  }

  /** Runs a batch to its end; where it runs in the process itself, its metrics are kept. */
  private static void batch(String runner, List<String> arguments) throws Exception {
    if (runner.equals("cluster") || arguments.get(1).equals("sales")) {
      program.end(runner, arguments).succeeded();
    } else {
      List<String> told = new ArrayList<>(List.of(runner));
      told.addAll(arguments);
      METRICS.put(runner, program.lines(runner, MetricNames.class, told));
    }
  }

  private static List<String> submitted(String pipeline, String input, String name)
      throws Exception {
    List<String> arguments = new ArrayList<>();
    for (String argument : program.run(pipeline, input, name, warehouse(name))) {
      // Paths that the machines of the cluster know too.
      arguments.add(argument.replaceFirst("=(lake_|[a-z_]+\\.json)", "=" + home + "/$1"));
    }
    arguments.add("--secret=file:" + home.resolve(".millrace/secret.key"));
    return arguments.subList(1, arguments.size());
  }

  @ParameterizedTest
  @Order(2)
  @CsvSource({"direct, 2", "flink, 1"})
  void aStreamComesToTheTablesOfABatchOverItsTopic(String runner, int workers) throws Exception {
    // Given
    String name = "live_" + runner + "_" + workers;
    List<String> more = new ArrayList<>(warehouse(name));
    if (runner.equals("flink")) {
      more.add("--parallelism=" + workers);
    }

    // When
    Path err = home.resolve(name + ".txt");
    Process run = program.start(runner, program.run("clickstream", topic, name, more), err);
    try {
      patiently().untilAsserted(() -> assertThat(tables(name), equalTo(wantedTables)));
    } finally {
      run.destroy();
      if (!run.waitFor(1, TimeUnit.MINUTES)) {
        run.destroyForcibly();
      }
    }
    FOUND.put("clickstream stream " + runner + " " + workers, "same");
  }

  @Test
  @Order(2)
  void aStreamOnAClusterComesToTheTablesOfABatchOverItsTopic() throws Exception {
    // Given
    String name = "live_cluster_2";
    List<String> arguments =
        new ArrayList<>(program.run("clickstream", topic, name, warehouse(name)));
    arguments.add("--parallelism=2");

    // When
    program.end("cluster", arguments).succeeded();

    // Then
    patiently().untilAsserted(() -> assertThat(tables(name), equalTo(wantedTables)));
    program.end("cluster", List.of("cancel", "clickstream")).succeeded();
    FOUND.put("clickstream stream cluster 2", "same");
  }

  /** That the comparison sees what it is there for: without these the tables are others. */
  @ParameterizedTest
  @Order(3)
  @CsvSource(
      delimiter = '|',
      value = {
        "late_gate_off | transforms/src/main/java/dev/millrace/transforms/refine/LateGate.java"
            + " | behind > maxLateness.toMillis() | behind < 0 && behind > 0",
        "no_row_replaced | pipelines/src/main/java/dev/millrace/pipelines/io/warehouse/TableSql.java"
            + " | ') <= (' | ') > ('"
      })
  void aBreachTurnsTheMatrixRed(String name, String source, String text, String other)
      throws Exception {
    // Given
    Path classes = program.altered(source, text, other);

    // When
    List<String> arguments = program.run("clickstream", topic, name, warehouse(name));
    Process run =
        program.startWith(List.of(classes), List.of(), arguments, home.resolve(name + ".txt"));
    try {
      patiently()
          .until(() -> !run.isAlive() || tables(name).values().stream().noneMatch(List::isEmpty));

      // Then: it says that it cannot go on, or states something else
      await()
          .during(Duration.ofSeconds(15))
          .atMost(Duration.ofSeconds(30))
          .pollInterval(Duration.ofMillis(500))
          .until(() -> !run.isAlive() || !tables(name).equals(wantedTables));
      assertThat("a run that ended has failed", run.isAlive() || run.exitValue() != 0);
    } finally {
      run.destroyForcibly().waitFor();
    }
  }

  /** Two that were thought dead, and come to write when a later run has stated everything. */
  @Test
  @Order(3)
  void aFormerRunChangesNothingAndWithoutTheGuardTurnsTheMatrixRed() throws Exception {
    // Given: runs that wait before they write, and know less
    String name = "former";
    String warehouse = "pipelines/src/main/java/dev/millrace/pipelines/io/warehouse/";
    Path waits =
        program.altered(
            warehouse + "UpsertTable.java",
            "long begin = System.nanoTime();",
            "while (!new java.io.File(\"go\", System.getProperty(\"goes\")).exists())"
                + " { Thread.sleep(50); }"
                + " long begin = System.nanoTime();");
    Path unguarded =
        program.altered(warehouse + "TableSql.java", "IS NOT FALSE\"", "IS NOT FALSE OR true\"");
    Path go = Files.createDirectory(home.resolve("go"));
    List<String> arguments = program.run("clickstream", topic, name, warehouse(name));
    List<String> stated = List.of("events_5m", "shop_minute", "shop_session", "ledger");
    Map<String, List<String>> right = new TreeMap<>(wantedTables);
    right.keySet().retainAll(stated);
    List<Process> formers = new ArrayList<>();
    try {
      formers.add(former("guarded", List.of(waits), arguments));
      patiently().until(() -> rows(name, "live_run") == 1);
      formers.add(former("unguarded", List.of(waits, unguarded), arguments));
      patiently().until(() -> rows(name, "live_run") == 2);
      Process later = program.start("direct", arguments, home.resolve(name + "_later.txt"));
      try {
        patiently().untilAsserted(() -> assertThat(tables(name), equalTo(wantedTables)));
      } finally {
        later.destroy();
        assertThat(later.waitFor(1, TimeUnit.MINUTES), equalTo(true));
      }

      // When, then
      Files.createFile(go.resolve("guarded"));
      patiently().until(() -> rows(name, "dead_letter") > rows("archive", "dead_letter"));
      await()
          .during(Duration.ofSeconds(5))
          .untilAsserted(() -> assertThat(tables(name, stated), equalTo(right)));
      Files.createFile(go.resolve("unguarded"));
      patiently().until(() -> !tables(name, stated).equals(right));
      for (Process former : formers) {
        assertThat("a former run has not ended", former.isAlive());
      }
    } finally {
      for (Process former : formers) {
        former.destroyForcibly().waitFor();
      }
    }
  }

  private static Process former(String name, List<Path> classes, List<String> arguments)
      throws Exception {
    List<String> knowsLess = new ArrayList<>(arguments);
    knowsLess.add("--max-lateness=10s");
    return program.startWith(
        classes, List.of("-Dgoes=" + name), knowsLess, home.resolve(name + ".txt"));
  }

  private static ConditionFactory patiently() {
    return await()
        .atMost(Duration.ofMinutes(4))
        .pollInterval(Duration.ofMillis(500))
        .ignoreExceptionsInstanceOf(SQLException.class); // the tables are not there yet
  }

  /** What watches a run on one runner watches it on another. */
  @Test
  @Order(2)
  void aRunHasTheSameMetricsOnEveryRunner() {
    List<String> direct = METRICS.getOrDefault("direct", List.of());
    for (String metric :
        List.of(
            "counter RefineEvents.* records_read 8000",
            "counter RefineEvents.* records_late [1-9].*",
            "counter RefineEvents.* RefineEvents.records 8000",
            "counter .* rejected_late [1-9].*",
            "gauge .* ledger_unbalanced_records")) {
      assertThat(direct, hasItem(matchesPattern(metric)));
    }
    assertThat(METRICS.keySet(), equalTo(Set.of("direct", "flink", "spark")));
    METRICS.forEach((runner, found) -> assertThat(runner, found, equalTo(direct)));
  }

  @Test
  @Order(3)
  void whatSparkWouldGetWrongInAStreamIsRefusedByName() throws Exception {
    // When
    Ended ended =
        program.end("spark", program.run("clickstream", topic, "spark", warehouse("spark")));

    // Then
    String words = String.join("\n", ended.err());
    assertThat(words, ended.status(), equalTo(2));
    assertThat(words, containsString("The Spark runner would not run this pipeline rightly"));
    assertThat(
        words,
        containsString("ShopMinute/Windows/Combine/ParMultiDo(Merge) and 1 more sets timers"));
    FOUND.put(
        "clickstream stream spark 2",
        words
            .lines()
            .filter(line -> line.startsWith("  "))
            .map(line -> line.replaceAll(".*\\((https://[^)]*/(\\d+))\\)$", "[#$2]($1)"))
            .distinct()
            .collect(Collectors.joining(", ", "refused: ", "")));
  }

  @ParameterizedTest
  @Order(3)
  @ValueSource(strings = {"direct", "flink", "cluster", "spark"})
  void salesOverATopicWithoutAnEndIsRefusedByName(String runner) throws Exception {
    // When
    String sales = topic.replace("clicks", "sales");
    Ended ended = program.end(runner, program.run("sales", sales, "endless", List.of()));

    // Then
    assertThat(ended.err().toString(), ended.status(), equalTo(2));
    assertThat(ended.err().toString(), containsString("until=end"));
    FOUND.put("sales stream " + runner + " 2", "refused: a batch, again and again (`--every`)");
  }

  @Test
  @Order(3)
  void aRunThatIsRefusedOnFlinkSaysWhyInOneSentenceAndPublishesNothing() throws Exception {
    // When
    List<String> strict = new ArrayList<>(warehouse("refused"));
    strict.add("--max-reject-ratio=0.0001");
    Ended ended = program.end("flink", program.run("sales", "sales", "refused", strict));

    // Then
    assertThat(ended.err().toString(), ended.status(), equalTo(2));
    assertThat(
        ended.err().get(ended.err().size() - 1), startsWith("millrace: The run is refused. "));
    assertThat(files("refused"), equalTo(Map.of()));
  }

  @Test
  @Order(4)
  void theDocumentSaysWhatWasFound() throws Exception {
    String found = document();
    System.out.println(found);
    if (Boolean.getBoolean("millrace.update")) {
      Files.writeString(DOCUMENT, found);
    }
    assertThat(Files.readString(DOCUMENT), equalTo(found));
  }

  private static String document() {
    StringBuilder text =
        new StringBuilder(
            """
            # Where the pipelines run, and that the answer is the same

            Made by the tests in `integration-tests/equivalence`, from what they found; `-Dmillrace.update=true` writes it anew.

            | pipeline | mode | Direct | Flink in the process, 1 worker | Flink cluster, 2 workers | Spark, 2 workers |
            |---|---|---|---|---|---|
            """);
    for (String pipeline : List.of("sales", "clickstream")) {
      for (String mode : List.of("batch", "stream")) {
        text.append("| ").append(pipeline).append(" | ").append(mode);
        for (String runner : List.of("direct 2", "flink 1", "cluster 2", "spark 2")) {
          String cell =
              mode.equals("batch") && runner.equals("direct 2")
                  ? "is what others are compared with"
                  : FOUND.getOrDefault(
                      pipeline + " " + mode + " " + runner,
                      FOUND.getOrDefault(
                          pipeline + " " + mode + " " + runner.replace('1', '2'), "not run"));
          text.append(" | ").append(cell);
        }
        text.append(" |\n");
      }
    }
    return text.append(
            """

            *same*: in batch every file of the lake (bronze, silver, rejects, answers, ledger) is that of Direct, byte for byte; a stream
            comes to the answers, dead letters and ledger of a batch over its topic, row for row. *refused*: the run says so by name before
            it starts, with the steps and the reasons. The data has late, future, doubled, malformed and orphaned records.

            What Beam alone makes of the same records on each runner, and why the answer would not be the same: [runner-differences.md](runner-differences.md).
            """)
        .toString();
  }

  /** A database of its own. */
  private static List<String> warehouse(String name) throws SQLException {
    try (Connection server = DriverManager.getConnection(url("millrace"));
        Statement statement = server.createStatement()) {
      statement.execute("CREATE DATABASE " + name);
    }
    return List.of("--warehouse=" + url(name));
  }

  private static String url(String name) {
    return "jdbc:postgresql://" + postgres + "/" + name + "?user=millrace";
  }

  /** Every row of every table, without what guards it. */
  private static Map<String, List<String>> tables(String name) throws SQLException {
    return tables(name, TABLES);
  }

  private static int rows(String name, String table) throws SQLException {
    return tables(name, List.of(table)).values().stream().mapToInt(List::size).sum();
  }

  /** The tables of a warehouse, but those that tell of runs. */
  private static List<String> filled(String name) throws SQLException {
    List<String> tables = new ArrayList<>();
    try (Connection warehouse = DriverManager.getConnection(url(name));
        Statement statement = warehouse.createStatement();
        ResultSet result =
            statement.executeQuery(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                    + " AND tablename NOT IN ('run', 'run_change', 'live_run')")) {
      while (result.next()) {
        tables.add(result.getString(1));
      }
    }
    return tables;
  }

  private static Map<String, List<String>> tables(String name, List<String> names)
      throws SQLException {
    Map<String, List<String>> tables = new TreeMap<>();
    try (Connection warehouse = DriverManager.getConnection(url(name));
        Statement statement = warehouse.createStatement()) {
      for (String table : names) {
        List<String> rows = new ArrayList<>();
        try (ResultSet result =
            statement.executeQuery(
                "SELECT (to_jsonb(t) - 'millrace_generation' - 'millrace_revision')::text FROM "
                    + table
                    + " t")) {
          while (result.next()) {
            rows.add(result.getString(1));
          }
        }
        Collections.sort(rows);
        tables.put(table, rows);
      }
    }
    return tables;
  }

  /** The data files of a lake, with their hashes. */
  private static Map<String, String> files(String name) throws Exception {
    Path lake = home.resolve("lake_" + name);
    Map<String, String> hashes = new TreeMap<>();
    if (Files.exists(lake)) {
      try (Stream<Path> files = Files.walk(lake)) {
        for (Path file :
            (Iterable<Path>) files.filter(path -> path.toString().endsWith(".parquet"))::iterator) {
          byte[] hash = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
          hashes.put(lake.relativize(file).toString(), HexFormat.of().formatHex(hash));
        }
      }
    }
    return hashes;
  }
}

package dev.millrace.it;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.anyOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.not;

import dev.millrace.pipelines.io.Manifest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A program that is killed, at any moment, leaves readers with one whole answer: the one before or
 * the new one. The next run is as if nothing had been.
 */
class KilledIT {

  private static final int KILLS = 3;
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(90);

  private static Path home;
  private static Path lake;
  private static Program undisturbed;
  private static Server server;
  private static Copy[] copies;
  private static long millisOfARun;

  /** What an undisturbed run over one of the two parts of the data publishes. */
  private record Copy(Path sample, List<Manifest.DataFile> files, Map<String, String> tables) {}

  @BeforeAll
  static void publishUndisturbed(@TempDir Path directory) throws Exception {
    home = directory;
    lake = home.resolve("lake");
    undisturbed = Program.warmIn(home, Map.of());
    server = Server.in(home.resolve("server"));
    server.newWarehouse("it_killed");
    copies = new Copy[] {undisturbed(1), undisturbed(2)};
    long begin = System.nanoTime();
    start(copies[0].sample(), lake, "it_killed").process().waitFor();
    millisOfARun = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
  }

  private static Copy undisturbed(int which) throws Exception {
    Path sample = home.resolve("sample_" + which);
    FoodMart.sampleInto(sample, which);
    Path apart = home.resolve("lake_" + which);
    String database = "it_apart_" + which;
    server.newWarehouse(database);
    undisturbed.run(arguments(sample, apart, database)).succeeded();
    try (Connection warehouse = server.connect(database)) {
      return new Copy(sample, LakeFiles.whole(apart).files(), tables(warehouse));
    }
  }

  @AfterAll
  static void close() {
    undisturbed.close();
    server.close();
  }

  @Test
  void aRunKilledAtAnyMomentLeavesOneWholeAnswer() throws Exception {
    // Given
    long seed = Long.getLong("millrace.it.seed", System.nanoTime());
    Random random = new Random(seed);

    for (int kill = 0; kill < KILLS; kill++) {
      Copy next = copies[1 - copyInWarehouse()];
      long millis = random.nextLong(millisOfARun);
      String told = "seed %d, kill %d after %d ms".formatted(seed, kill, millis);
      System.out.println(told);

      // When
      Program.Running run = start(next.sample(), lake, "it_killed");
      boolean ended = run.process().waitFor(millis, TimeUnit.MILLISECONDS);
      run.process().destroyForcibly().waitFor();

      // Then
      assertThat(
          told + Files.readString(run.err()), ended, equalTo(run.process().exitValue() == 0));
      copyInLake();
      copyInWarehouse();
    }
    theNextRunIsAsIfNothingHadBeen();
  }

  @Test
  void aRunKilledInTheTransactionOfTheWarehouseLeavesTheOldAnswer() throws Exception {
    isEndedInTheTransactionOfTheWarehouse(Process::destroyForcibly);
  }

  @Test
  void aRunInterruptedInTheTransactionOfTheWarehouseSaysSoAndLeavesTheOldAnswer() throws Exception {
    Program.Running run = isEndedInTheTransactionOfTheWarehouse(Process::destroy);
    assertThat(Files.readString(run.err()), containsString("millrace: Interrupted. "));
  }

  private static Program.Running isEndedInTheTransactionOfTheWarehouse(Consumer<Process> end)
      throws Exception {
    // Given
    int before = copyInWarehouse();
    int lakeBefore = copyInLake();
    Program.Running run;
    try (Connection blocker = server.connect("it_killed")) {
      Tables.execute(blocker, "BEGIN");
      // The answers come after the dimensions: the transaction has changed tables when it stops
      // here.
      Tables.execute(blocker, "LOCK TABLE top_products IN ACCESS EXCLUSIVE MODE");

      // When
      run = start(copies[1 - before].sample(), lake, "it_killed");
      until(
          run,
          "SELECT true FROM pg_locks WHERE relation = 'top_products'::regclass AND NOT granted");
      end.accept(run.process());
      run.process().waitFor();
      Tables.execute(blocker, "COMMIT");
    }

    // Then
    try (Connection connection = server.connect("it_killed")) {
      until(
          null,
          connection,
          "SELECT true WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = 'it_killed'"
              + " AND pid <> pg_backend_pid() AND state <> 'idle')");
    }
    assertThat(copyInWarehouse(), equalTo(before));
    assertThat(copyInLake(), equalTo(lakeBefore));
    theNextRunIsAsIfNothingHadBeen();
    return run;
  }

  @Test
  void aRunKilledBetweenWarehouseAndLakeLeavesEachWhole() throws Exception {
    // Given
    int before = copyInWarehouse();
    String runs;
    try (Connection connection = server.connect("it_killed")) {
      runs = Tables.value(connection, "SELECT count(*) FROM run");
    }

    // When
    Program.Running run = start(copies[1 - before].sample(), lake, "it_killed");
    until(run, "SELECT true FROM run HAVING count(*) > " + runs);
    run.process().destroyForcibly().waitFor();

    // Then
    assertThat("the warehouse has the new copy", copyInWarehouse(), not(before));
    copyInLake();
    theNextRunIsAsIfNothingHadBeen();
  }

  private static void theNextRunIsAsIfNothingHadBeen() throws Exception {
    Copy next = copies[1 - copyInWarehouse()];
    undisturbed.run(arguments(next.sample(), lake, "it_killed")).succeeded();
    assertThat(LakeFiles.whole(lake).files(), equalTo(next.files()));
    LakeFiles.holdsNothingElse(lake);
    try (Connection warehouse = server.connect("it_killed")) {
      assertThat(tables(warehouse), equalTo(next.tables()));
      assertThat(
          "schemas that are left",
          Tables.rows(
              warehouse,
              "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'"),
          equalTo(List.of("public")));
    }
  }

  /** Which of the copies readers of the lake see; it must be one of them, whole. */
  private static int copyInLake() throws Exception {
    Manifest manifest = LakeFiles.whole(lake);
    assertThat(manifest.files(), anyOf(equalTo(copies[0].files()), equalTo(copies[1].files())));
    return manifest.files().equals(copies[0].files()) ? 0 : 1;
  }

  /** Which of the copies readers of the warehouse see; it must be one of them, whole. */
  private static int copyInWarehouse() throws SQLException {
    try (Connection warehouse = server.connect("it_killed")) {
      Map<String, String> tables = tables(warehouse);
      assertThat(tables, anyOf(equalTo(copies[0].tables()), equalTo(copies[1].tables())));
      return tables.equals(copies[0].tables()) ? 0 : 1;
    }
  }

  private static Map<String, String> tables(Connection warehouse) throws SQLException {
    Map<String, String> tables = new TreeMap<>(Tables.fingerprint(warehouse));
    tables.remove("run");
    tables.remove("run_change");
    return tables;
  }

  private static Program.Running start(Path sample, Path into, String database) throws Exception {
    return Program.in(home).start(arguments(sample, into, database));
  }

  private static String[] arguments(Path sample, Path into, String database) {
    List<String> arguments = new ArrayList<>(List.of("run", "sales"));
    arguments.add("--sales=" + sample.resolve("sales.json"));
    arguments.addAll(FoodMart.dimensionOptions(sample));
    arguments.add("--lake=" + into);
    arguments.add("--warehouse=" + server.url(database));
    return arguments.toArray(String[]::new);
  }

  /** Waits for something to be true in the warehouse while a run goes on. */
  private static void until(Program.Running run, String sql) throws Exception {
    try (Connection connection = server.connect("it_killed")) {
      until(run, connection, sql);
    }
  }

  private static void until(
      Program.@org.jspecify.annotations.Nullable Running run, Connection connection, String sql)
      throws Exception {
    long end = System.nanoTime() + PATIENCE;
    while (Tables.rows(connection, sql).isEmpty()) {
      if (System.nanoTime() > end || (run != null && !run.process().isAlive())) {
        throw new AssertionError(
            "was never true: " + sql + (run == null ? "" : "\n" + Files.readString(run.err())));
      }
    }
  }
}

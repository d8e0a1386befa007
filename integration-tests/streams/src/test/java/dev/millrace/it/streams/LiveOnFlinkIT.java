package dev.millrace.it.streams;

import static org.awaitility.Awaitility.await;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;

import dev.millrace.direct.Main;
import dev.millrace.it.programs.JavaInHaste;
import dev.millrace.local.LocalPostgres;
import dev.millrace.pipelines.generate.GenerateClickstream;
import dev.millrace.runners.Millrace;
import dev.millrace.transforms.refine.Vault;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * 50,000 events, from a real broker through the program on Flink into a real PostgreSQL, live; the
 * program is killed in the middle and started again.
 */
@Timeout(600)
class LiveOnFlinkIT {

  private static final int RECORDS = 50_000;

  @TempDir static Path home;
  private static Broker broker;
  private static LocalPostgres postgres;

  @BeforeAll
  static void start() throws Exception {
    broker = Broker.in(home.resolve("kafka"));
    postgres = LocalPostgres.in(home.resolve("postgres"));
    Vault.createIfAbsent(home.resolve("secret.key"));
    for (String table : List.of("product", "product_class")) {
      try (InputStream in = LiveOnFlinkIT.class.getResourceAsStream("/" + table + ".json")) {
        Files.copy(Objects.requireNonNull(in), home.resolve(table + ".json"));
      }
    }
  }

  @AfterAll
  static void stop() {
    postgres.close();
    broker.close();
  }

  @Test
  void manyEventsComeToTheTablesOfABatchThoughTheRunIsKilledInTheMiddle() throws Exception {
    // Given
    String topic = broker.uri("clicks");
    generate("--records=" + RECORDS, "--seed=11", "--live", "--out=" + topic + "?partitions=2");
    String live = newDatabase("live");

    // When
    Process killed = run("killed", live, topic);
    try (Connection warehouse = DriverManager.getConnection(live)) {
      await()
          .atMost(Duration.ofMinutes(3))
          .ignoreExceptions() // the tables are not there yet
          .until(() -> read(warehouse) > 10_000);
      killed.destroyForcibly().waitFor();

      broker.makeTopic("five_minutes", 2);
      Process again =
          run(
              "again",
              live,
              topic,
              "--aggregated=" + broker.uri("five_minutes") + "?delivery=exactly-once");
      await().atMost(Duration.ofMinutes(4)).until(() -> ClickTables.isComplete(warehouse, RECORDS));
      // The last transactions come with the next checkpoints.
      await()
          .atMost(Duration.ofMinutes(1))
          .untilAsserted(
              () ->
                  assertThat(
                      ClickTables.lastOfEachKey(broker.records("five_minutes")),
                      equalTo(ClickTables.essences(ClickTables.tables(warehouse)))));
      again.destroy();
      assertThat("stops when asked to", again.waitFor(60, TimeUnit.SECONDS));
      Map<String, List<String>> tables = ClickTables.tables(warehouse);

      // Then
      String archived = newDatabase("archived");
      Process batch = run("batch", archived, topic + "?until=end");
      int status = batch.waitFor();
      assertThat(Files.readString(log("batch")), status, equalTo(0));
      try (Connection whole = DriverManager.getConnection(archived)) {
        Map<String, List<String>> wanted = ClickTables.tables(whole);
        for (String table : ClickTables.NAMES) {
          assertThat(table, tables.get(table), equalTo(wanted.get(table)));
        }
      }
    } finally {
      killed.destroyForcibly();
    }
  }

  private static long read(Connection warehouse) throws Exception {
    return Long.parseLong(
        ClickTables.rows(
                warehouse, "SELECT coalesce(sum(read), 0) FROM ledger WHERE stage = 'DedupEvents'")
            .get(0));
  }

  private static Process run(String name, String warehouse, String events, String... more)
      throws Exception {
    List<String> command = JavaInHaste.command("1g");
    command.add("-jar");
    command.add(System.getProperty("millrace.flink"));
    command.add("run");
    command.add("clickstream");
    command.add("--events=" + events);
    command.add("--warehouse=" + warehouse);
    command.add("--products=product.json");
    command.add("--product-classes=product_class.json");
    command.add("--secret=file:secret.key");
    command.add("--lake=lake_" + name);
    command.add("--report=report_" + name);
    command.addAll(List.of(more));
    return new ProcessBuilder(command)
        .directory(home.toFile())
        .redirectErrorStream(true)
        .redirectOutput(log(name).toFile())
        .start();
  }

  private static Path log(String name) {
    return home.resolve(name + ".log");
  }

  private static void generate(String... options) {
    List<String> command = new ArrayList<>(List.of("generate", "clickstream"));
    command.addAll(List.of(options));
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(said, true, StandardCharsets.UTF_8);
    int status =
        new Millrace(Main.engine(), List.of(), List.of(new GenerateClickstream()), home, out, out)
            .run(command.toArray(String[]::new));
    assertThat(said.toString(StandardCharsets.UTF_8), status, equalTo(0));
  }

  private static String newDatabase(String name) throws Exception {
    try (Connection server = DriverManager.getConnection(postgres.jdbcUrl());
        Statement statement = server.createStatement()) {
      statement.execute("CREATE DATABASE " + name);
    }
    return "jdbc:postgresql://127.0.0.1:" + postgres.port() + "/" + name + "?user=millrace";
  }
}

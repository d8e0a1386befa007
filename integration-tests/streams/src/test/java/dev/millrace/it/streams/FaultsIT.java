package dev.millrace.it.streams;

import static org.awaitility.Awaitility.await;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.lessThan;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.it.streams.Program.Ended;
import dev.millrace.it.streams.Proxy.Cut;
import dev.millrace.local.FreePorts;
import dev.millrace.local.LocalStack;
import dev.millrace.local.LocalStack.Server;
import dev.millrace.local.LocalStack.Wanted;
import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.clickstream.ClickstreamEntry;
import dev.millrace.pipelines.clickstream.ClickstreamOptions;
import dev.millrace.pipelines.generate.AnswerKey;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.beam.runners.direct.DirectOptions;
import org.apache.beam.runners.direct.DirectRunner;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Nothing is lost and nothing counts twice, whatever fails: one live run on a real cluster, between
 * a real Kafka and a real PostgreSQL, goes through one fault after the other, in an order and at
 * moments that a seed decides. After each it is back within a minute; at the end the tables are
 * those of a batch over the topic, byte for byte, and what the answer key of the events says.
 *
 * <p>{@code -Dmillrace.seeds=1-10} goes through several, {@code -Dmillrace.faults=all} also through
 * faults of a minute; {@code -Dmillrace.records} and {@code -Dmillrace.rate} say how many events
 * flow. {@code -Dmillrace.fault=Kafka} leaves out what is not so called, {@code
 * -Dmillrace.back=120} gives a slow machine two minutes.
 */
@Timeout(7200)
class FaultsIT {

  private static final boolean ALL = "all".equals(System.getProperty("millrace.faults"));
  private static final int RECORDS = Integer.getInteger("millrace.records", ALL ? 200_000 : 40_000);
  private static final int RATE = Integer.getInteger("millrace.rate", ALL ? 300 : 200);
  private static final String FAULT = System.getProperty("millrace.fault", "");
  private static final int PARTITIONS = 2;

  /** How soon after the end of a fault what is sent then must be in the tables, in seconds. */
  private static final double BACK = Integer.getInteger("millrace.back", 60);

  private static final String TASK_MANAGER = "TaskManager 1";
  private static final String KAFKA = "Kafka";
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  static Path home;

  private static LocalStack stack;
  private static Wanted wanted;
  private static Program program;
  private static Optional<Path> smallDisk;

  @BeforeAll
  static void start() throws Exception {
    program = Program.in(home);
    stack = new LocalStack(home.resolve(".millrace"));
    smallDisk = smallDisk(home.resolve(".millrace/stack/flink/checkpoints"));
    FreePorts ports = FreePorts.find();
    wanted = Wanted.kafkaAt(Optional.of(ports.one())).withFlinkAt(Optional.of(ports.other()));
    stack.up(wanted, phase -> {});
  }

  @AfterAll
  static void stop() throws Exception {
    program.close();
    stack.down();
    if (smallDisk.isPresent()) {
      assertThat(exit("umount", smallDisk.get().toString()), equalTo(0));
    }
  }

  /** A disk of a size of its own at a place, if this machine lets us mount one. */
  private static Optional<Path> smallDisk(Path where) throws Exception {
    Files.createDirectories(where);
    if (exit("mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", where.toString()) != 0) {
      return Optional.empty();
    }
    // For a test that is interrupted.
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  try {
                    exit("umount", "--lazy", where.toString());
                  } catch (IOException | InterruptedException left) {
                    // Nobody is left to be told.
                  }
                }));
    return Optional.of(where);
  }

  private static int exit(String... command) throws IOException, InterruptedException {
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor();
  }

  static LongStream seeds() {
    String[] range = System.getProperty("millrace.seeds", "1").split("-", 2);
    return LongStream.rangeClosed(
        Long.parseLong(range[0]), Long.parseLong(range[range.length - 1]));
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void nothingIsLostAndNothingCountsTwiceWhateverFails(long seed) throws Exception {
    // Given: events that flow, and a run that reads them
    String topic = "clicks" + seed;
    Broker.makeTopic(server(KAFKA).address(), topic, PARTITIONS);
    Path generated = home.resolve("generated" + seed);
    try (NumberedEvents events =
            new NumberedEvents(
                generated, server(KAFKA).address(), topic, PARTITIONS, RECORDS, seed);
        Proxy kafka = Proxy.toKafka(port(KAFKA));
        Proxy postgres = Proxy.to(port(LocalStack.POSTGRES))) {
      String database = "live" + seed;
      createDatabase(database);
      Live live =
          new Live(
              events,
              topic,
              "kafka://127.0.0.1:" + kafka.port() + "/" + topic,
              url("127.0.0.1:" + postgres.port(), database),
              url(server(LocalStack.POSTGRES).address(), database));
      live.begin("submit");
      live.awaitMarkers();
      live.awaitCheckpoint();
      events.start(RATE);

      // When
      Random random = new Random(seed);
      List<Fault> faults = faults(live, kafka, postgres);
      faults.removeIf(fault -> !fault.name().matches(".*" + FAULT + ".*"));
      Collections.shuffle(faults, random);
      say("Seed %d: %,d events, %d/s".formatted(seed, RECORDS, RATE));
      say(
          "%-52s %9s %9s %8s  %s"
              .formatted("fault", "at event", "lasted, s", "back, s", "restarts of the job"));
      if (smallDisk.isEmpty()) {
        say("a full checkpoint disk: not tried, this machine lets nobody mount a disk");
      }
      for (Fault fault : faults) {
        last(1 + 4 * random.nextDouble());
        live.through(fault);
      }
      events.finish();
      long all = (long) RECORDS + events.markers();
      patiently().until(() -> live.query(warehouse -> ClickTables.isComplete(warehouse, all)));
      Map<String, List<String>> tables = live.query(ClickTables::tables);
      live.cancel();

      // Then: what was sent is there, once
      assertThat(ends(topic), equalTo(all));
      AnswerKey.Counts key = events.key();
      assertThat(
          live.rows(
              "SELECT written || ' once, ' || duplicate || ' copies' FROM (SELECT sum(written)"
                  + " AS written, sum(duplicate) AS duplicate FROM ledger WHERE stage ="
                  + " 'DedupEvents') t"),
          equalTo(
              List.of(
                  "%d once, %d copies"
                      .formatted(key.written() + events.markers(), key.duplicate()))));
      assertThat(
          live.rows("SELECT sum(revenue)::text FROM events_5m"),
          equalTo(List.of(key.revenue().setScale(4).toPlainString())));
      assertThat(
          live.rows(
              "SELECT reason || ' ' || count(*) || ' ' || count(DISTINCT (source, position))"
                  + " FROM dead_letter GROUP BY reason"),
          equalTo(
              key.rejects().entrySet().stream()
                  .map(each -> each.getKey() + " " + each.getValue() + " " + each.getValue())
                  .sorted()
                  .toList()));

      // Then: as a batch has it
      String archive = "archive" + seed;
      createDatabase(archive);
      String archived = url(server(LocalStack.POSTGRES).address(), archive);
      batch("kafka://" + server(KAFKA).address() + "/" + topic + "?until=end", archived);
      try (Connection connection = DriverManager.getConnection(archived)) {
        Map<String, List<String>> wantedTables = ClickTables.tables(connection);
        for (String table : ClickTables.NAMES) {
          assertThat(table, tables.get(table), equalTo(wantedTables.get(table)));
        }
      }
      say(
          "Seed %d: of %,d records %,d count once, %,d are copies, %,d are dead letters"
              .formatted(
                  seed,
                  all,
                  key.written() + events.markers(),
                  key.duplicate(),
                  key.rejects().values().stream().mapToLong(Long::longValue).sum()));
    }
  }

  /** A batch in this process. */
  private static void batch(String events, String warehouse) throws Exception {
    ClickstreamOptions options =
        PipelineOptionsFactory.fromArgs(
                "--events=" + events,
                "--products=" + home.resolve("data/product.json"),
                "--productClasses=" + home.resolve("data/product_class.json"),
                "--secret=file:" + home.resolve(".millrace/secret.key"),
                "--lake=" + home.resolve("lake"),
                "--report=" + home.resolve("report"),
                "--warehouse=" + warehouse)
            .as(ClickstreamOptions.class);
    options.setRunner(DirectRunner.class);
    DirectOptions direct = options.as(DirectOptions.class);
    direct.setEnforceImmutability(false);
    direct.setEnforceEncodability(false);
    direct.setTargetParallelism(2);
    CatalogueEntry.Job job =
        new ClickstreamEntry()
            .job(
                options,
                new CatalogueEntry.Surroundings() {
                  @Override
                  public String embeddedWarehouse() {
                    throw new IllegalStateException("it has one of its own");
                  }

                  @Override
                  public void phase(String name) {}
                });
    job.prepare();
    Pipeline pipeline = Pipeline.create(options);
    job.build(pipeline);
    PipelineResult result = pipeline.run();
    result.waitUntilFinish();
    job.finish(result);
  }

  // -------------------------------------------------------------------------------- the faults

  /** Something that goes wrong. */
  private record Fault(String name, Strike strike) {}

  /** Does it, ends it, and returns when that was, by the nano clock. */
  private interface Strike {
    long now() throws Exception;
  }

  private static List<Fault> faults(Live live, Proxy kafka, Proxy postgres) {
    List<Fault> faults = new ArrayList<>();
    faults.add(
        new Fault(
            "kill -9 of the TaskManager",
            () -> {
              kill(TASK_MANAGER);
              return up();
            }));
    faults.add(
        new Fault(
            "kill -9 of the JobManager, resume",
            () -> {
              kill(LocalStack.FLINK);
              up();
              live.begin("resume", live.lastCheckpoint());
              return System.nanoTime();
            }));
    faults.add(
        new Fault(
            "kill -9 of Kafka",
            () -> {
              kill(KAFKA);
              return up();
            }));
    faults.add(
        new Fault(
            "kill -9 of PostgreSQL in a transaction",
            () -> {
              live.awaitTransaction();
              kill(LocalStack.POSTGRES);
              return up();
            }));
    faults.add(
        new Fault(
            "stop with a savepoint, resume",
            () -> {
              live.begin("resume", live.stop());
              return System.nanoTime();
            }));
    for (int seconds : ALL ? new int[] {5, 60} : new int[] {5}) {
      for (Cut how : Cut.values()) {
        String cut = (how == Cut.RESET ? "reset" : "mute") + " for " + seconds + " s";
        faults.add(new Fault("connections to Kafka " + cut, () -> cut(kafka, how, seconds)));
        faults.add(
            new Fault(
                "connections to PostgreSQL in a transaction " + cut,
                () -> {
                  live.awaitTransaction();
                  return cut(postgres, how, seconds);
                }));
      }
      if (smallDisk.isPresent()) {
        faults.add(
            new Fault(
                "checkpoint disk full for " + seconds + " s, or one checkpoint",
                () -> live.fill(smallDisk.get().resolve("filler"), seconds)));
      }
    }
    return faults;
  }

  private static void kill(String name) throws Exception {
    ProcessHandle process = ProcessHandle.of(server(name).pid()).orElseThrow();
    List<ProcessHandle> all = new ArrayList<>(List.of(process));
    process.descendants().forEach(all::add);
    all.forEach(ProcessHandle::destroyForcibly);
    patiently().until(() -> server(name).state() == LocalStack.State.DEAD);
  }

  private static long up() {
    stack.up(wanted, phase -> {});
    return System.nanoTime();
  }

  private static long cut(Proxy proxy, Cut how, int seconds) throws InterruptedException {
    proxy.cut(how);
    last(seconds);
    proxy.mend();
    return System.nanoTime();
  }

  /** A fault has its length, and comes at its moment. */
  private static void last(double seconds) throws InterruptedException {
    TimeUnit.MILLISECONDS.sleep((long) (1e3 * seconds));
  }

  // ------------------------------------------------------------------------------- the live run

  /** A live run, whose jobs follow one another. */
  private static final class Live {
    private final NumberedEvents events;
    private final String topic;
    private final String source;
    private final String warehouse;
    private final String database;
    private String job = "";
    private String origin = "";

    /**
     * @param topic what the run reads
     * @param source where it does so
     * @param warehouse where it writes
     * @param database the same, past any proxy
     */
    Live(NumberedEvents events, String topic, String source, String warehouse, String database) {
      this.events = events;
      this.topic = topic;
      this.source = source;
      this.warehouse = warehouse;
      this.database = database;
    }

    /** Hands a job over: a new one, or one that goes on. */
    void begin(String... command) throws Exception {
      List<String> arguments = new ArrayList<>(List.of(command));
      arguments.addAll(program.clickstream(warehouse, source));
      // So that one need not wait for them so long.
      arguments.add("--early-visits=1s");
      Ended ended = program.run(arguments.toArray(String[]::new));
      assertThat(ended.err(), ended.status(), equalTo(0));
      Matcher id = Pattern.compile("as job ([0-9a-f]{32})").matcher(ended.out());
      assertThat(ended.out(), id.find());
      job = id.group(1);
      origin = command[command.length - 1];
    }

    String stop() throws Exception {
      Ended stopped = program.run("stop", "clickstream");
      assertThat(stopped.err(), stopped.status(), equalTo(0));
      return stopped.out().strip();
    }

    void cancel() throws Exception {
      Ended cancelled = program.run("cancel", "clickstream");
      assertThat(cancelled.err(), cancelled.status(), equalTo(0));
    }

    /** Goes through a fault, and says how that was. */
    void through(Fault fault) throws Exception {
      int at = events.sent();
      long begin = System.nanoTime();
      long clock = System.currentTimeMillis();
      double lasted = -1;
      double back = -1;
      try {
        long end = fault.strike().now();
        lasted = (end - begin) / 1e9;
        awaitMarkers();
        back = (System.nanoTime() - end) / 1e9;
      } finally {
        List<String> failures = failures(clock);
        say(
            "%-52s %,9d %9.1f %8.1f  %d%s"
                .formatted(
                    fault.name(),
                    at,
                    lasted,
                    back,
                    failures.size(),
                    failures.isEmpty() ? "" : ": " + String.join("; ", failures)));
      }
      assertThat(fault.name(), back, lessThan(BACK));
    }

    /**
     * Until what is in the topic now, two markers last of all, is in every table: each has a writer
     * of its own, which may have been the one that was struck.
     */
    void awaitMarkers() throws Exception {
      events.mark();
      long sent = ends(topic);
      await(
          "SELECT sum(views) FROM shop_minute WHERE device_class = '" + NumberedEvents.DEVICE + "'",
          events.markers());
      await(ledger("read", "RefineEvents"), sent);
      await("SELECT count(*) FROM dead_letter", number(ledger("invalid + late", "RefineEvents")));
      await(ledger("read", "DedupEvents"), number(ledger("written", "RefineEvents")));
      long written = number(ledger("written", "DedupEvents"));
      await("SELECT sum(events) FROM events_5m", written);
      await("SELECT sum(events) FROM shop_session", written);
    }

    private static String ledger(String what, String stage) {
      return "SELECT sum(" + what + ") FROM ledger WHERE stage = '" + stage + "'";
    }

    private void await(String sum, long atLeast) {
      patiently().alias(sum).until(() -> number(sum) >= atLeast);
    }

    private long number(String sum) throws Exception {
      return Long.parseLong(rows("SELECT coalesce((" + sum + "), 0)").get(0));
    }

    /** Until a writer has written something that it has not committed. */
    void awaitTransaction() throws Exception {
      patiently()
          .pollDelay(Duration.ZERO)
          .pollInterval(Duration.ofMillis(1))
          .until(
              () ->
                  query(
                      postgres -> {
                        for (int look = 0; look < 1000; look++) {
                          if (ClickTables.rows(
                                      postgres,
                                      "SELECT 1 FROM pg_stat_activity WHERE datname ="
                                          + " current_database() AND application_name = 'millrace' AND"
                                          + " backend_xid IS NOT NULL")
                                  .size()
                              > 0) {
                            return true;
                          }
                        }
                        return false;
                      }));
    }

    /** Until one more checkpoint is there. */
    void awaitCheckpoint() {
      long before = checkpoints("completed");
      patiently().until(() -> checkpoints("completed") > before);
    }

    /** Fills a disk until a checkpoint has failed, and so many seconds; then waits for the next. */
    long fill(Path filler, int seconds) throws Exception {
      long failed = checkpoints("failed");
      long begin = System.nanoTime();
      try (OutputStream out = Files.newOutputStream(filler)) {
        while (true) {
          out.write(new byte[1 << 16]);
        }
      } catch (IOException full) {
        patiently().until(() -> checkpoints("failed") > failed);
        last(Math.max(0, seconds - (System.nanoTime() - begin) / 1e9));
      }
      Files.delete(filler);
      long end = System.nanoTime();
      awaitCheckpoint();
      return end;
    }

    private long checkpoints(String which) {
      return get("/jobs/" + job + "/checkpoints").path("counts").path(which).asLong();
    }

    /** The greatest that is whole, of those that the job has left; else what it began with. */
    String lastCheckpoint() throws IOException {
      Path all = home.resolve(".millrace/stack/flink/checkpoints").resolve(job);
      try (Stream<Path> left = Files.list(all)) {
        return left.filter(path -> Files.exists(path.resolve("_metadata")))
            .max(
                Comparator.comparing(
                    path -> Integer.valueOf(path.getFileName().toString().replace("chk-", ""))))
            .map(Path::toString)
            .orElse(origin);
      }
    }

    /** Why the job was restarted since then. */
    private List<String> failures(long clock) {
      List<String> failures = new ArrayList<>();
      for (JsonNode each :
          get("/jobs/" + job + "/exceptions?maxExceptions=100")
              .path("exceptionHistory")
              .path("entries")) {
        if (each.path("timestamp").asLong() >= clock) {
          String cause = "";
          for (String line : each.path("stacktrace").asText().lines().toList()) {
            if (cause.isEmpty() || line.startsWith("Caused by: ")) {
              cause = line.replaceFirst("^Caused by: ", "").replaceFirst("^[\\w.$]+\\.", "");
            }
          }
          failures.add(cause.substring(0, Math.min(100, cause.length())));
        }
      }
      return failures;
    }

    private interface Query<T> {
      T of(Connection connection) throws Exception;
    }

    /** Asks on a connection of its own, as each may break. */
    <T> T query(Query<T> query) throws Exception {
      try (Connection connection = DriverManager.getConnection(database)) {
        return query.of(connection);
      }
    }

    List<String> rows(String sql) throws Exception {
      return query(connection -> ClickTables.rows(connection, sql));
    }
  }

  /** What the cluster says; nothing if it does not answer. */
  private static JsonNode get(String path) {
    try {
      return JSON.readTree(
          HttpClient.newHttpClient()
              .send(
                  HttpRequest.newBuilder(
                          URI.create("http://" + server(LocalStack.FLINK).address() + path))
                      .timeout(Duration.ofSeconds(10))
                      .build(),
                  HttpResponse.BodyHandlers.ofString())
              .body());
    } catch (IOException | InterruptedException | IllegalArgumentException silent) {
      return JSON.createObjectNode();
    }
  }

  private static ConditionFactory patiently() {
    return await()
        .atMost(Duration.ofMinutes(4))
        .pollInterval(Duration.ofMillis(100))
        .ignoreExceptionsMatching(notYet -> notYet instanceof java.sql.SQLException);
  }

  private static void say(String line) {
    System.out.println(Instant.now().toString().substring(11, 19) + "  " + line);
  }

  private static Server server(String name) {
    return stack.status().stream()
        .filter(server -> server.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static int port(String name) {
    return Integer.parseInt(server(name).address().replaceFirst(".*:", ""));
  }

  /** How many records a topic has. */
  private static long ends(String topic) throws Exception {
    long ends = 0;
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", server(KAFKA).address()))) {
      for (int partition = 0; partition < PARTITIONS; partition++) {
        TopicPartition asked = new TopicPartition(topic, partition);
        ends +=
            admin
                .listOffsets(Map.of(asked, OffsetSpec.latest()))
                .partitionResult(asked)
                .get(30, TimeUnit.SECONDS)
                .offset();
      }
    }
    return ends;
  }

  private static void createDatabase(String name) throws Exception {
    try (Connection connection =
            DriverManager.getConnection(url(server(LocalStack.POSTGRES).address(), "millrace"));
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + name);
    }
  }

  private static String url(String address, String database) {
    return "jdbc:postgresql://" + address + "/" + database + "?user=millrace";
  }
}

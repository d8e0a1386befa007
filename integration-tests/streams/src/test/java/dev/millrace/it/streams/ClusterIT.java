package dev.millrace.it.streams;

import static org.awaitility.Awaitility.await;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.lessThan;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;

import com.sun.net.httpserver.HttpServer;
import dev.millrace.it.programs.JavaInHaste;
import dev.millrace.it.streams.Program.Ended;
import dev.millrace.local.FreePorts;
import dev.millrace.local.LocalStack;
import dev.millrace.local.LocalStack.Server;
import dev.millrace.local.LocalStack.State;
import dev.millrace.local.LocalStack.Wanted;
import dev.millrace.transforms.refine.Vault;
import java.io.File;
import java.net.InetAddress;
import java.net.InetSocketAddress;
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
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A live run on a real cluster, which is handed over by the program, stopped with a savepoint,
 * killed and taken up again.
 */
@Timeout(600)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ClusterIT {

  private static final int RECORDS = 3_000;

  @TempDir static Path home;
  private static LocalStack stack;
  private static Program program;

  @BeforeAll
  static void start() throws Exception {
    stack = new LocalStack(home.resolve(".millrace"));
    FreePorts ports = FreePorts.find();
    stack.up(
        Wanted.kafkaAt(Optional.of(ports.one())).withFlinkAt(Optional.of(ports.other())),
        phase -> {});
    program = Program.in(home);
    Ended generated = program(generate(100, small()));
    assertThat(generated.err(), generated.status(), equalTo(0));
  }

  /** A topic that is there. */
  private static String small() {
    return "kafka://" + server("Kafka").address() + "/small";
  }

  @AfterAll
  static void stop() {
    program.close();
    stack.reset();
  }

  @Test
  void aRunThatIsStoppedTakenUpByAnotherVersionAndKilledComesToTheTablesOfABatch()
      throws Exception {
    // Given: events that come a part at a time
    String kafka = server("Kafka").address();
    Ended generated = program(generate(RECORDS, "kafka://" + kafka + "/source"));
    assertThat(generated.err(), generated.status(), equalTo(0));
    Broker.makeTopic(kafka, "clicks", 2);
    String topic = "kafka://" + kafka + "/clicks";
    String live = newDatabase("live");
    long first = copy(kafka, 0);

    // When: handed over
    Ended submitted = program(clickstream("submit", live, topic));
    assertThat(submitted.err(), submitted.status(), equalTo(0));
    assertThat(submitted.out(), containsString("http://" + server(LocalStack.FLINK).address()));
    try (Connection warehouse = DriverManager.getConnection(live)) {
      patiently().until(() -> ClickTables.isComplete(warehouse, first));

      // When: a batch of the same tables
      Ended batch = program(clickstream("run", live, topic + "?until=end"));
      assertThat(batch.err(), containsString("A live run of clickstream is writing"));

      // When: stopped, to be taken up again by another version
      Ended stopped = program("stop", "clickstream");
      assertThat(stopped.err(), stopped.status(), equalTo(0));
      long second = first + copy(kafka, 1);
      List<String> resume = new ArrayList<>(List.of(clickstream("resume", live, topic)));
      resume.add(1, stopped.out().strip());

      // Then: what would read something else than the savepoint holds is refused, and does not stay
      List<String> otherwise = new ArrayList<>(resume);
      otherwise.add("--max-lateness=11m");
      Ended mismatched = program(otherwise.toArray(String[]::new));
      assertThat(
          mismatched.err(),
          allOf(
              containsString("The savepoint goes on with " + topic + " with 2 partitions"),
              containsString("and this run is to read " + topic + " with 2 partitions"),
              containsString("begin anew with millrace submit")));
      assertThat(mismatched.status(), equalTo(2));
      assertThat(program("jobs").out(), not(containsString("running")));

      // Then: what does not restore is told before, and refused
      NewBuild renamed = renamed();
      Ended warned = program("compat", released(), renamed.bundle().toString());
      assertThat(
          warned.out(),
          startsWith(
              "A savepoint of clickstream does not restore.\n"
                  + "  - DedupEvents/AtOnce/Winners is gone or has another"
                  + " name. It held state seen (a value of SeenIdsCoder), timer forgotten (EVENT_TIME);"));
      assertThat(warned.status(), equalTo(1));
      Ended refused = program.run("renamed", renamed.program(resume.toArray(String[]::new)));
      assertThat(
          refused.err(), containsString("holds the state of steps that this pipeline does not"));

      // When: a version with a step more
      NewBuild longer = withAStepMore();
      Ended welcome = program("compat", released(), longer.bundle().toString());
      assertThat(welcome.out(), equalTo("A savepoint of clickstream restores.\n"));
      assertThat(welcome.status(), equalTo(0));
      Ended resumed = program.run("resumed", longer.program(resume.toArray(String[]::new)));
      assertThat(resumed.err(), resumed.status(), equalTo(0));
      patiently().until(() -> ClickTables.isComplete(warehouse, second));

      // When: its process killed, and another started
      ProcessHandle.of(server("TaskManager 1").pid()).orElseThrow().destroyForcibly();
      patiently().until(() -> server("TaskManager 1").state() == State.DEAD);
      long all = second + copy(kafka, 2) + copy(kafka, 3);
      assertThat(all, equalTo((long) RECORDS));
      assertThat(
          stack.up(Wanted.kafkaAt(Optional.empty()), phase -> {}),
          equalTo(List.of("TaskManager 1")));
      patiently().until(() -> ClickTables.isComplete(warehouse, RECORDS));
      assertThat(
          "what was read is not read again: what the first run refused stands as it said; the"
              + " two that were refused took a number, and wrote nothing",
          ClickTables.rows(warehouse, "SELECT DISTINCT millrace_generation FROM dead_letter"),
          equalTo(List.of("1", "4")));
      Map<String, List<String>> tables = ClickTables.tables(warehouse);
      Ended cancelled = program("cancel", "clickstream");
      // Whether there has been a checkpoint since, or only what it was begun with.
      assertThat(cancelled.out(), matchesPattern("(?s).* It can go on from [a-z ]+: file:.*"));

      // Then
      String archived = newDatabase("archived");
      Ended whole = program(clickstream("submit", archived, topic + "?until=end"));
      assertThat(whole.err(), whole.status(), equalTo(0));
      assertThat(whole.out(), containsString("every one accounted for"));
      try (Connection archive = DriverManager.getConnection(archived)) {
        Map<String, List<String>> wanted = ClickTables.tables(archive);
        for (String table : ClickTables.NAMES) {
          assertThat(table, tables.get(table), equalTo(wanted.get(table)));
        }
      }
    }
  }

  private static String released() {
    return NewBuild.released().toString();
  }

  private static NewBuild withAStepMore() throws Exception {
    return new NewBuild(home.resolve("longer"))
        .of(
            "pipelines/src/main/java/dev/millrace/pipelines/clickstream/ClickstreamJob.java",
            "new ClickstreamInputs(raw.get(0),",
            "new ClickstreamInputs(raw.get(0).apply(\"SeenEvents\","
                + " org.apache.beam.sdk.transforms.Filter.by(event -> event != null)),");
  }

  private static NewBuild renamed() throws Exception {
    return new NewBuild(home.resolve("renamed"))
        .of(
            "transforms/src/main/java/dev/millrace/transforms/dedup/DedupAtOnce.java",
            "\"Winners\",",
            "\"Firsts\",");
  }

  /**
   * A process that has run many jobs would else have no memory left for classes. The TaskManager
   * has run two in the tests before; {@code -Dmillrace.submissions=25} for more of them.
   */
  @Test
  @Order(Integer.MAX_VALUE)
  void jobsThatHaveEndedLeaveNoClassesBehind() throws Exception {
    // Given
    String warehouse = newDatabase("leaving");
    int submissions = Integer.getInteger("millrace.submissions", 2);

    // When: live ones, and if they are many, each fifth a batch
    for (int job = 0; job < submissions; job++) {
      boolean live = job % 5 != 4;
      Ended submitted =
          program(clickstream("submit", warehouse, small() + (live ? "" : "?until=end")));
      assertThat(submitted.err(), submitted.status(), equalTo(0));
      if (live) {
        assertThat(program("cancel", "clickstream").status(), equalTo(0));
      }
      System.out.printf(
          "after %d submissions: %d class loaders of jobs%n",
          job + 1, classLoaders("TaskManager 1"));
    }

    // Then: Java holds a few by itself, whatever their number: its methods of records those of the
    // job that used them last, and soft references for a while
    patiently().untilAsserted(() -> assertThat(classLoaders("TaskManager 1"), lessThan(4L)));
  }

  /** Of jobs, in a process, after a collection. */
  private static long classLoaders(String name) throws Exception {
    Process histogram =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                Long.toString(server(name).pid()),
                "GC.class_histogram")
            .redirectErrorStream(true)
            .start();
    String said = new String(histogram.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(said, containsString("java.lang.String"));
    return said.lines()
        .filter(line -> line.contains(".ChildFirstClassLoader"))
        .map(line -> line.strip().split("\\s+", -1)[1])
        .mapToLong(Long::parseLong)
        .sum();
  }

  @Test
  void aClusterThatDoesNotAnswerIsNamedInOneSentence() throws Exception {
    // Given
    String nobody = "127.0.0.1:" + FreePorts.find().one();

    // When
    Ended ended = program("submit", "clickstream", "--flink=" + nobody);

    // Then
    assertThat(
        ended.err(),
        startsWith("millrace: No Flink cluster answers at " + nobody + "; start one "));
    assertThat(ended.status(), equalTo(2));
  }

  @Test
  void aClusterOfAnotherVersionIsRefusedInOneSentence() throws Exception {
    // Given: all that an older cluster is asked
    HttpServer older =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    older.createContext(
        "/config",
        exchange -> {
          byte[] answer = "{\"flink-version\":\"1.18.1\"}".getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    older.start();
    try {
      // When
      String address = "127.0.0.1:" + older.getAddress().getPort();
      Ended ended = program("submit", "clickstream", "--flink=" + address);

      // Then
      assertThat(
          ended.err().strip(),
          equalTo(
              "millrace: The cluster at "
                  + address
                  + " runs Flink 1.18.1, and the bundle is made for Flink 1.19.3; jobs do not run"
                  + " there: use a cluster of 1.19."));
      assertThat(ended.status(), equalTo(2));
    } finally {
      older.stop(0);
    }
  }

  @Test
  void whatCouldNotGoOnAfterAFailureIsNotHandedOver() throws Exception {
    // Given
    List<String> command =
        new ArrayList<>(List.of(clickstream("submit", newDatabase("refused"), small())));
    command.addAll(List.of("--checkpointing-interval=-1", "--max-parallelism=-1"));

    // When
    Ended ended = program(command.toArray(String[]::new));

    // Then
    assertThat(
        ended.err(),
        allOf(
            containsString("must be able to go on after a failure, and this one lacks checkpoints"),
            containsString("--max-parallelism=128")));
    assertThat(ended.status(), equalTo(2));
  }

  @Test
  void aBatchHasNoSavepointToGoOnFrom() throws Exception {
    // Given
    List<String> command =
        new ArrayList<>(
            List.of(clickstream("resume", newDatabase("bounded"), small() + "?until=end")));
    command.add(1, "none/savepoint-1");

    // When
    Ended ended = program(command.toArray(String[]::new));

    // Then
    assertThat(ended.err(), containsString("so it is a batch, and has no savepoint to go on from"));
    assertThat(ended.status(), equalTo(2));
  }

  @Test
  void flinksOwnCommandLineIsToldWhoRunsABatch() throws Exception {
    // Given
    List<String> arguments =
        new ArrayList<>(List.of("run", "-d", "-m", server(LocalStack.FLINK).address(), released()));
    arguments.addAll(program.clickstream(newDatabase("elsewhere"), small() + "?until=end"));

    // When
    ProcessBuilder builder =
        flink("org.apache.flink.client.cli.CliFrontend", arguments, home.resolve("flink-run.txt"));
    builder.environment().put("FLINK_CONF_DIR", home + "/.millrace/stack/flink/conf");
    Process flink = builder.start();
    assertThat(flink.waitFor(1, TimeUnit.MINUTES), equalTo(true));

    // Then
    String said = Files.readString(home.resolve("flink-run.txt"));
    assertThat(
        said,
        containsString(
            "Every input of this run has an end, so it is a batch, whose answers are published by a"
                + " command that waits for its end: millrace submit clickstream."));
    assertThat(said, flink.exitValue(), equalTo(1));
  }

  /** A JobManager that runs the bundle's main class itself, as in a container. */
  @Test
  void theBundleRunsInApplicationMode() throws Exception {
    // Given: a cluster of its own
    String warehouse = newDatabase("application");
    FreePorts ports = FreePorts.find();
    Path conf = Files.createDirectories(home.resolve("application"));
    Files.writeString(
        conf.resolve("config.yaml"),
        Files.readString(home.resolve(".millrace/stack/flink/conf/config.yaml"))
            .replaceAll("(?m)^metrics.*\n", "")
            .replaceAll("(?m)^rest.port: .*", "rest.port: " + ports.one())
            .replaceAll("(?m)^(jobmanager.rpc.port): .*", "$1: " + ports.other()));
    List<String> arguments = new ArrayList<>(List.of(conf.toString(), released()));
    arguments.addAll(program.clickstream(warehouse, small()));
    arguments.remove("--products=data/product.json");
    arguments.add("--products=" + home.resolve("data/product.json"));
    Vault.createIfAbsent(home.resolve("secret.key"));
    arguments.add("--secret=file:" + home.resolve("secret.key"));

    // When
    Process jobManager =
        flink(
                "dev.millrace.it.streams.ApplicationJobManager",
                arguments,
                conf.resolve("jobmanager.log"))
            .start();
    Process taskManager =
        flink(
                "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
                List.of("--configDir", conf.toString()),
                conf.resolve("taskmanager.log"))
            .start();
    try (Connection live = DriverManager.getConnection(warehouse)) {
      patiently()
          .until(
              () -> {
                assertThat(Files.readString(conf.resolve("jobmanager.log")), jobManager.isAlive());
                return ClickTables.isComplete(live, 100);
              });

      // Then
      Ended jobs = program("jobs", "--flink=127.0.0.1:" + ports.one());
      assertThat(jobs.out(), allOf(containsString("clickstream"), containsString("running")));
    } finally {
      taskManager.destroyForcibly().waitFor();
      jobManager.destroyForcibly().waitFor();
    }
  }

  /** A process with Flink's libraries, and the classes of these tests. */
  private static ProcessBuilder flink(String main, List<String> arguments, Path output) {
    List<String> command = JavaInHaste.command("768m");
    command.add("-XX:MaxDirectMemorySize=384m");
    for (String opened : List.of("java.lang", "java.util", "java.time", "java.net", "java.nio")) {
      command.add("--add-opens=java.base/" + opened + "=ALL-UNNAMED");
    }
    Path libraries = Path.of("../../runners/flink-cluster/target/lib").toAbsolutePath();
    Path own = Path.of("target/test-classes").toAbsolutePath();
    command.addAll(List.of("-cp", libraries + "/*" + File.pathSeparator + own, main));
    command.addAll(arguments);
    return new ProcessBuilder(command)
        .directory(home.toFile())
        .redirectErrorStream(true)
        .redirectOutput(output.toFile());
  }

  @Test
  void aSavepointThatIsNotThereIsNamed() throws Exception {
    // Given
    List<String> command =
        new ArrayList<>(List.of(clickstream("resume", newDatabase("nowhere"), small())));
    command.add(1, "none/savepoint-1");

    // When
    Ended ended = program(command.toArray(String[]::new));

    // Then
    assertThat(
        ended.err(),
        containsString("There is no savepoint at " + home.resolve("none/savepoint-1") + " that"));
    assertThat(ended.status(), equalTo(2));
  }

  @Test
  void theBundleHoldsNeitherFlinkNorLoggingAndIsSmall() throws Exception {
    // Given
    File bundle = new File(System.getProperty("millrace.bundle"));

    // When
    List<String> names;
    try (JarFile jar = new JarFile(bundle)) {
      names = jar.stream().map(entry -> entry.getName()).toList();
    }

    // Then
    assertThat(names, hasItem("org/apache/beam/runners/flink/FlinkRunner.class"));
    assertThat(names, hasItem("META-INF/services/dev.millrace.pipelines.CatalogueEntry"));
    for (String theirs :
        List.of(
            "org/apache/flink/",
            "org/rocksdb/",
            "org/slf4j/",
            "org/apache/log4j/",
            "org/apache/logging/",
            "ch/qos/logback/",
            "log4j")) {
      assertThat(names, not(hasItem(startsWith(theirs))));
    }
    assertThat(bundle.length(), lessThan(100_000_000L));
  }

  private static ConditionFactory patiently() {
    return await()
        .atMost(Duration.ofMinutes(3))
        .pollInterval(Duration.ofMillis(250))
        .ignoreExceptionsMatching(notYet -> notYet instanceof java.sql.SQLException);
  }

  private static Server server(String name) {
    return stack.status().stream()
        .filter(server -> server.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static String[] clickstream(String command, String warehouse, String events) {
    List<String> arguments = new ArrayList<>(List.of(command));
    arguments.addAll(program.clickstream(warehouse, events));
    return arguments.toArray(String[]::new);
  }

  /** Brings a quarter of what was generated, and returns how much that is. */
  private static long copy(String kafka, int quarter) throws Exception {
    // Some of what is generated is larger than records usually are.
    Map<String, Object> settings =
        Map.of("bootstrap.servers", kafka, "max.request.size", 8_388_608);
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> from =
            new KafkaConsumer<>(
                settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        KafkaProducer<byte[], byte[]> to =
            new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (int partition = 0; partition < 2; partition++) {
        TopicPartition source = new TopicPartition("source", partition);
        from.assign(List.of(source));
        long end = from.endOffsets(List.of(source)).getOrDefault(source, 0L);
        long until = end * (quarter + 1) / 4;
        from.seek(source, end * quarter / 4);
        while (from.position(source) < until) {
          for (ConsumerRecord<byte[], byte[]> record : from.poll(Duration.ofMillis(100))) {
            if (record.offset() < until) {
              sent.add(to.send(new ProducerRecord<>("clicks", partition, null, record.value())));
            }
          }
        }
      }
      for (Future<RecordMetadata> each : sent) {
        each.get(30, TimeUnit.SECONDS);
      }
    }
    return sent.size();
  }

  private static String[] generate(int records, String topic) {
    return new String[] {
      "generate",
      "clickstream",
      "--live",
      "--records=" + records,
      "--out=" + topic + "?partitions=2"
    };
  }

  private static Ended program(String... arguments) throws Exception {
    return program.run(arguments);
  }

  private static String newDatabase(String name) throws Exception {
    String server = "jdbc:postgresql://" + server(LocalStack.POSTGRES).address() + "/";
    try (Connection connection = DriverManager.getConnection(server + "millrace?user=millrace");
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + name);
    }
    return server + name + "?user=millrace";
  }
}

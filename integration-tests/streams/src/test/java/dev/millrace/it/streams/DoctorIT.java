package dev.millrace.it.streams;

import static org.awaitility.Awaitility.await;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.not;

import dev.millrace.direct.Main;
import dev.millrace.local.FreePorts;
import dev.millrace.local.LocalStack;
import dev.millrace.local.LocalStack.Server;
import dev.millrace.local.LocalStack.Wanted;
import dev.millrace.pipelines.clickstream.ClickstreamEntry;
import dev.millrace.pipelines.generate.GenerateClickstream;
import dev.millrace.runners.Millrace;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.hamcrest.Matcher;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the doctor says of a job on a real cluster to which one thing after another happens. The
 * tests are in order, for they have one job: to hand one over takes longer than what is tested.
 */
@Timeout(300)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DoctorIT {

  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @TempDir static Path home;
  private static LocalStack stack;
  private static Program program;
  private static String job = "";
  private static String topic = "";
  private static String warehouse = "";

  /** A command that ended. */
  private record Ended(int status, String out) {}

  @BeforeAll
  static void start() throws Exception {
    stack = new LocalStack(home.resolve(".millrace"));
    FreePorts ports = FreePorts.find();
    stack.up(
        Wanted.kafkaAt(Optional.of(ports.one())).withFlinkAt(Optional.of(ports.other())),
        phase -> {});
    program = Program.in(home);
    topic = "kafka://" + server("Kafka").address() + "/clicks";
    warehouse =
        "jdbc:postgresql://" + server(LocalStack.POSTGRES).address() + "/millrace?user=millrace";
    Broker.makeTopic(server("Kafka").address(), "clicks", 2);
    job = submit("--parallelism=2");
  }

  @AfterAll
  static void stop() {
    program.close();
    stack.reset();
  }

  @Test
  @Order(0)
  void aTopicThatNothingComesToIsNoInput() {
    // When, then
    assertThat(
        examined(containsString("no input")),
        containsString("no input: no record has come to any partition of " + topic + " yet"));
  }

  @Test
  @Order(1)
  void aPartitionThatNothingComesToIsIdle() throws Exception {
    // Given: records for the other one only
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", server("Kafka").address()),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      // When
      String said =
          await()
              .atMost(PATIENCE)
              .until(
                  () -> {
                    producer
                        .send(new ProducerRecord<>("clicks", 0, null, new byte[] {'?'}))
                        .get(30, TimeUnit.SECONDS);
                    return doctor("clickstream").out();
                  },
                  containsString("idle partition"));

      // Then
      assertThat(
          said,
          containsString("idle partition: partition 1 of " + topic + " has had no record yet"));
    }
  }

  @Test
  @Order(2)
  void aJobThatDoesItsWorkIsHealthy() {
    // Given
    generate("--records=800", "--out=" + topic);

    // When
    String said = examined(containsString("none unread"));

    // Then
    assertThat(
        said,
        allOf(
            containsString("  nothing is wrong: "),
            containsString(" records of 2 partitions read, none unread; the ledger balances; "),
            containsString("the last checkpoint is "),
            containsString("exit status 0")));
  }

  @Test
  @Order(3)
  void aLockedTableIsASlowSink() throws Exception {
    // Given
    try (Connection careless =
            DriverManager.getConnection(warehouse + "&ApplicationName=careless");
        Statement statement = careless.createStatement()) {
      careless.setAutoCommit(false);
      statement.execute("LOCK TABLE events_5m");
      generate("--records=200", "--out=" + topic);

      // When
      String said = examined(containsString("sink slow"));

      // Then
      assertThat(
          said,
          allOf(
              containsString("sink slow: a write to events_5m waits since "),
              containsString("(careless, idle in transaction), which holds a lock"),
              containsString("pg_terminate_backend(")));
      careless.rollback();
    }
    examined(containsString("nothing is wrong"));
  }

  @Test
  @Order(4)
  void aVisitorWhoIsEverywhereBurdensNoPartMoreThanOthers() {
    // Given: what is added up before it is shared out by keys
    generate("--records=5000", "--hot-key=0.9", "--out=" + topic);

    // When, then: not a hot key
    assertThat(examined(containsString("none unread")), containsString("  nothing is wrong: "));
  }

  @Test
  @Order(5)
  void eachMetricThatAnAlertAsksForIsThere() throws Exception {
    // Given
    Set<String> asked = new TreeSet<>();
    java.util.regex.Matcher name =
        Pattern.compile("flink_\\w+").matcher(Files.readString(AlertsIT.RULES));
    while (name.find()) {
      asked.add(name.group());
    }

    // When
    String exposed = metrics(LocalStack.FLINK) + metrics("TaskManager 1");

    // Then
    asked.removeIf(metric -> exposed.contains("\n" + metric));
    assertThat(asked, equalTo(Set.of()));
  }

  private static String metrics(String server) throws Exception {
    URI address = URI.create(server(server).note().replaceFirst("^metrics at ", ""));
    return HttpClient.newHttpClient()
        .send(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofString())
        .body();
  }

  @Test
  @Order(6)
  void aPlaceThatCannotBeWrittenToIsACheckpointThatFails() throws Exception {
    // Given: files where the next checkpoints would be
    Path place = home.resolve(".millrace/stack/flink/checkpoints").resolve(job);
    int last =
        Arrays.stream(Objects.requireNonNull(place.toFile().list()))
            .filter(name -> name.startsWith("chk-"))
            .mapToInt(name -> Integer.parseInt(name.substring("chk-".length())))
            .max()
            .orElseThrow();
    List<Path> inTheWay = new ArrayList<>();
    for (int next = last + 2; next < last + 100; next++) {
      inTheWay.add(Files.createFile(place.resolve("chk-" + next)));
    }

    // When
    String said = examined(containsString("checkpoint failing"));

    // Then
    assertThat(
        said,
        allOf(
            containsString("checkpoint failing: the last one that was completed is of "),
            containsString("FileAlreadyExistsException: " + place + "/chk-")));
    for (Path file : inTheWay) {
      Files.delete(file);
    }
  }

  @Test
  @Order(7)
  void aJobWithoutSlotsIsToldSo() throws Exception {
    // Given
    String second = submit("--parallelism=3", "--warehouse=" + newDatabase("second"));

    // When
    String said = examined(second, containsString("slots missing"));

    // Then
    assertThat(said, containsString("and of the 2 slots of the cluster "));
    program("cancel", second);
  }

  @Test
  @Order(8)
  void aJobThatWasEndedIsNotLookedForIllnesses() throws Exception {
    // Given
    program("cancel", job);

    // When
    Ended ended = doctor(job);

    // Then
    assertThat(ended.status(), equalTo(3));
    assertThat(ended.out(), containsString("  ended: the job is canceled"));
    assertThat(ended.out(), not(containsString("no input")));
  }

  // ------------------------------------------------------------------------------------ commands

  private static String examined(Matcher<String> wanted) {
    return examined(job, wanted);
  }

  /** What the doctor says, as soon as it is this. */
  private static String examined(String job, Matcher<String> wanted) {
    return await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(500))
        .until(() -> doctor(job).out(), wanted);
  }

  private static Ended doctor(String job) {
    Ended ended = here("doctor", job, "--log=quiet");
    return new Ended(ended.status(), ended.out() + "exit status " + ended.status());
  }

  private static void generate(String... options) {
    List<String> command =
        new ArrayList<>(List.of("generate", "clickstream", "--live", "--log=quiet"));
    command.addAll(Arrays.asList(options));
    Ended ended = here(command.toArray(String[]::new));
    assertThat(ended.out(), ended.status(), equalTo(0));
  }

  /** The program in this process: what does not need Flink. */
  private static Ended here(String... command) {
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(said, true, StandardCharsets.UTF_8);
    int status =
        new Millrace(
                Main.engine(),
                List.of(new ClickstreamEntry()),
                List.of(new GenerateClickstream()),
                home,
                out,
                out)
            .run(command);
    return new Ended(status, said.toString(StandardCharsets.UTF_8));
  }

  private static String submit(String... more) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                "submit",
                "clickstream",
                "--events=" + topic,
                "--products=" + home.resolve("data/product.json"),
                "--product-classes=" + home.resolve("data/product_class.json"),
                "--checkpointing-interval=2000"));
    command.addAll(Arrays.asList(more));
    Ended ended = program(command.toArray(String[]::new));
    assertThat(ended.out(), ended.status(), equalTo(0));
    return ended.out().replaceFirst("(?s).*as job (\\w+)\\..*", "$1");
  }

  /** The program on Flink, to its end; with all that it says. */
  private static Ended program(String... arguments) throws Exception {
    Program.Ended ended = program.run(arguments);
    return new Ended(ended.status(), ended.err() + ended.out());
  }

  // -------------------------------------------------------------------------------- the servers

  private static Server server(String name) {
    return stack.status().stream()
        .filter(server -> server.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static String newDatabase(String name) throws SQLException {
    try (Connection connection = DriverManager.getConnection(warehouse);
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + name);
    }
    return warehouse.replace("/millrace?", "/" + name + "?");
  }
}

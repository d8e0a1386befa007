package dev.millrace.local;

import static dev.millrace.local.Records.makeTopic;
import static dev.millrace.local.Records.producer;
import static dev.millrace.local.Records.readAll;
import static dev.millrace.local.Records.write;
import static java.util.Objects.requireNonNull;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class LocalKafkaTest {

  private static final Instant IN_1997 = Instant.parse("1997-07-01T10:00:00Z");

  @TempDir static Path directory;
  private static LocalKafka kafka;

  @BeforeAll
  static void start() {
    kafka = LocalKafka.start(directory);
  }

  @AfterAll
  static void stop() {
    kafka.close();
  }

  @Test
  void takesRecordsOfTransactionsAndGivesThoseThatWereCommitted() throws Exception {
    // Given
    makeTopic(kafka.bootstrapServers(), "transactions");

    // When
    try (KafkaProducer<String, String> producer =
        producer(kafka.bootstrapServers(), Map.of("transactional.id", "test"))) {
      producer.initTransactions();
      producer.beginTransaction();
      producer.send(new ProducerRecord<>("transactions", "taken back")).get(30, TimeUnit.SECONDS);
      producer.abortTransaction();
      producer.beginTransaction();
      producer.send(new ProducerRecord<>("transactions", "meant")).get(30, TimeUnit.SECONDS);
      producer.commitTransaction();
    }

    // Then
    assertThat(readAll(kafka.bootstrapServers(), "transactions"), equalTo(List.of("meant")));
  }

  @Test
  void keepsRecordsAndItsAddressOverARestart() throws Exception {
    // Given
    makeTopic(kafka.bootstrapServers(), "kept");
    write(kafka.bootstrapServers(), "kept", "old", IN_1997);
    String before = kafka.bootstrapServers();
    long pid = kafka.pid();

    // When
    kafka.close();
    kafka = LocalKafka.start(directory, kafka.port());

    // Then
    assertThat(ProcessHandle.of(pid).isPresent(), is(false));
    assertThat(kafka.bootstrapServers(), equalTo(before));
    assertThat(readAll(before, "kept"), equalTo(List.of("old")));
  }

  @Test
  void keepsRecordsWhateverTheirAge() throws Exception {
    // Given
    makeTopic(kafka.bootstrapServers(), "aged");
    ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, "aged");

    // When
    Config config;
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
      config = admin.describeConfigs(Set.of(topic)).all().get(30, TimeUnit.SECONDS).get(topic);
    }

    // Then: sales of 1997 would go within minutes otherwise
    assertThat(requireNonNull(config).get("retention.ms").value(), equalTo("-1"));
  }

  @Test
  void makesNoTopicOfAMistypedName() {
    // When
    ExecutionException failure =
        assertThrows(
            ExecutionException.class,
            () -> write(kafka.bootstrapServers(), "salse", "lost", IN_1997));

    // Then
    assertThat(failure.getMessage(), containsString("Topic salse not present"));
  }

  @Test
  void endsWithTheProcessThatStartedIt(@TempDir Path other) throws Exception {
    // Given
    Process starter =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-cp",
                System.getProperty("java.class.path"),
                Starter.class.getName(),
                other.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    ProcessHandle broker =
        ProcessHandle.of(Long.parseLong(starter.inputReader().readLine())).orElseThrow();

    // When
    starter.destroyForcibly();

    // Then
    assertThat(Processes.awaitEnd(broker, Duration.ofSeconds(60)), is(true));
    assertThat(Files.exists(other.resolve("broker.run")), is(false));
  }

  static final class Starter {
    public static void main(String[] args) throws IOException {
      try (LocalKafka kafka = LocalKafka.start(Path.of(args[0]))) {
        System.out.println(kafka.pid());
        System.out.flush();
        System.in.readAllBytes();
      }
    }
  }

  @Test
  void refusesADirectoryThatAnotherBrokerUses() {
    // When
    LocalServerException failure =
        assertThrows(LocalServerException.class, () -> LocalKafka.start(directory));

    // Then
    assertThat(
        failure.getMessage(),
        startsWith(
            "A Kafka broker uses " + directory + " already (process " + kafka.pid() + "); "));
  }

  @Test
  void refusesAPortThatIsTaken(@TempDir Path other) throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      // When
      LocalServerException failure =
          assertThrows(
              LocalServerException.class, () -> LocalKafka.start(other, taken.getLocalPort()));

      // Then
      assertThat(
          failure.getMessage(),
          equalTo("Port " + taken.getLocalPort() + " on 127.0.0.1 is taken by another program."));
    }
  }

  @Test
  void tellsWhatTheBrokerSaidWhenItDoesNotStart(@TempDir Path other) throws IOException {
    // Given
    Files.createDirectories(other.resolve("data"));
    Files.writeString(
        other.resolve("data/meta.properties"),
        "version=1\nnode.id=1\ncluster.id=c29tZWJvZHllbHNlcy0tMQ\n");

    // When
    LocalServerException failure =
        assertThrows(LocalServerException.class, () -> LocalKafka.start(other));

    // Then
    assertThat(failure.getMessage(), startsWith("Kafka did not start: "));
    assertThat(failure.getMessage(), containsString("c29tZWJvZHllbHNlcy0tMQ"));
    assertThat(failure.getMessage(), containsString("Its log is " + other.resolve("broker.log")));
    assertThat(failure.lastLines(), hasItem(startsWith("FATAL: ")));
  }

  @Test
  void saysInOneSentenceWhyItCannotBeKeptSomewhere(@TempDir Path other) throws IOException {
    // Given
    Path file = Files.writeString(other.resolve("file"), "");

    // When
    LocalServerException failure =
        assertThrows(LocalServerException.class, () -> LocalKafka.start(file));

    // Then
    assertThat(failure.getMessage(), startsWith("Kafka cannot be kept in " + file));
  }
}

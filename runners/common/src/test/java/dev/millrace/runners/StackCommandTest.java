package dev.millrace.runners;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.beam.runners.direct.DirectOptions;
import org.apache.beam.runners.direct.DirectRunner;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The command line with real servers. */
@Timeout(180)
class StackCommandTest {

  @TempDir Path directory;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @Test
  void aStackIsStartedAskedKilledAndStopped() throws Exception {
    assertThat(millrace("stack", "status"), equalTo(3));
    assertThat(Files.exists(directory.resolve(".millrace/stack")), equalTo(false));
    String port = Integer.toString(freePort());
    try {
      // When
      int started = millrace("stack", "up", "--kafka-port=" + port);

      // Then
      assertThat(err(), started, equalTo(0));
      String said = out();
      assertThat(
          said,
          allOf(
              startsWith(
                  """
                  Up: Kafka and PostgreSQL.

                  server      state  address \
                  """),
              containsString("\nKafka       up     127.0.0.1:" + port + " "),
              containsString("\n  bootstrap.servers=127.0.0.1:" + port + "\n"),
              containsString("\nTry next:\n")));
      assertThat(
          millrace("sql", "--warehouse=" + line(said, "jdbc:postgresql:"), "SELECT 41 + 1"),
          equalTo(0));
      assertThat(out(), containsString("42"));

      assertThat(millrace("stack", "up"), equalTo(0));
      assertThat(out(), startsWith("They are up already.\n"));

      assertThat(millrace("stack", "status"), equalTo(0));
      String kafka = line(out(), "Kafka");
      assertThat(kafka, matchesPattern("Kafka +up +127.0.0.1:" + port + " +\\d+ +\\d{4}-.*"));

      ProcessHandle broker =
          ProcessHandle.of(Long.parseLong(kafka.split(" +", -1)[3])).orElseThrow();
      broker.destroyForcibly();
      broker.onExit().get();
      assertThat(millrace("stack", "status"), equalTo(3));
      String dead = out();
      assertThat(line(dead, "Kafka"), startsWith("Kafka       dead   - "));
      assertThat(line(dead, "PostgreSQL"), startsWith("PostgreSQL  up     127.0.0.1:"));
    } finally {
      // When
      int stopped = millrace("stack", "down");

      // Then
      assertThat(stopped, equalTo(0));
      assertThat(out(), equalTo("Kafka was not up.\nPostgreSQL is stopped.\n"));
    }
    assertThat(millrace("stack", "reset"), equalTo(0));
    assertThat(
        out(),
        equalTo(
            """
            Removed .millrace/stack/kafka: topics and offsets.
            Removed .millrace/postgres/data: the embedded warehouse.
            """));
  }

  @Test
  void aRegistryIsStartedWhereItIsWantedAndKeptInTheStack() {
    String port = Integer.toString(freePort());
    try {
      // When
      int started =
          millrace("stack", "up", "--kafka-port=" + (freePort() + 1), "--registry-port=" + port);

      // Then
      assertThat(err(), started, equalTo(0));
      assertThat(
          out(),
          allOf(
              startsWith("Up: Kafka, PostgreSQL and Apicurio.\n"),
              containsString(
                  "\n  schema.registry.url=http://127.0.0.1:" + port + "/apis/ccompat/v7\n")));
      assertThat(millrace("stack", "up", "--registry"), equalTo(0));
      assertThat(out(), startsWith("They are up already.\n"));
      assertThat(millrace("stack", "status"), equalTo(0));
      assertThat(
          line(out(), "Apicurio"),
          matchesPattern("Apicurio +up +127.0.0.1:" + port + " +\\d+ +.* the schema registry"));
    } finally {
      // When
      int stopped = millrace("stack", "down");

      // Then
      assertThat(stopped, equalTo(0));
      assertThat(
          out(), equalTo("Kafka is stopped.\nApicurio is stopped.\nPostgreSQL is stopped.\n"));
    }
    assertThat(millrace("stack", "status"), equalTo(3));
    assertThat(millrace("stack", "reset"), equalTo(0));
    assertThat(out(), containsString("\nRemoved .millrace/stack/registry: the schemas.\n"));
  }

  @Test
  void aBrokerThatDoesNotStartIsToldWithTheEndOfItsLog() throws IOException {
    // Given
    Path data = Files.createDirectories(directory.resolve(".millrace/stack/kafka/data"));
    Files.writeString(
        data.resolve("meta.properties"),
        "version=1\nnode.id=1\ncluster.id=c29tZWJvZHllbHNlcy0tMQ\n");

    // When
    int status = millrace("stack", "up", "--kafka-port=" + freePort());

    // Then
    assertThat(status, equalTo(1));
    String told = err();
    assertThat(
        told,
        allOf(
            containsString("\n  FATAL: "),
            containsString("\nmillrace: Kafka did not start: "),
            containsString(
                "Its log is " + directory.resolve(".millrace/stack/kafka/broker.log") + "."),
            not(containsString("\tat "))));
  }

  @Test
  void aPortThatIsTakenIsToldInOneSentence() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      // When
      int status = millrace("stack", "up", "--kafka-port=" + taken.getLocalPort());

      // Then
      assertThat(status, equalTo(1));
      assertThat(
          err(),
          startsWith(
              "millrace: Port " + taken.getLocalPort() + " on 127.0.0.1 is taken by another"));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "stack | Say what to do with the stack: up, status, down and reset.",
        "stack stauts | There is no millrace stack stauts. Did you mean status?",
        "stack down --kafka-port=9 | --kafka-port belongs to millrace stack up.",
        "stack up --kafka-port=0 | --kafka-port is 0; give a port from 1 to 65535.",
        "stack down --registry | --registry belongs to millrace stack up.",
        "stack status --registry-port=9 | --registry-port belongs to millrace stack up.",
        "stack up --registry-port=70000 | --registry-port is 70000; give a port from 1 to 65535.",
        "stack up --kafka-port=x | Invalid value for option '--kafka-port'"
      })
  void whatTheUserCanMendEndsWithStatus2(String typed, String sentence) {
    assertThat(millrace(typed.split(" ", -1)), equalTo(2));
    assertThat(err(), startsWith("millrace: " + sentence));
  }

  @Test
  void helpIsThereForTheCommandAndItsActions() {
    millrace("stack", "--help");
    String help = out();
    assertThat(help, containsString("--kafka-port"));
    millrace("stack", "up", "--help");
    assertThat(out(), equalTo(help));
  }

  private int millrace(String... arguments) {
    out.reset();
    err.reset();
    return new Millrace(
            new Engine(DirectRunner.class, DirectOptions.class, List.of()),
            List.of(),
            List.of(),
            directory,
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8))
        .run(arguments);
  }

  private String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  private static String line(String text, String start) {
    return text.lines().map(String::strip).filter(l -> l.startsWith(start)).findFirst().orElse("");
  }

  /** Below those that the system gives to connections, as it could while Kafka is down. */
  private static int freePort() {
    for (int port = 20_000 + (int) (ProcessHandle.current().pid() % 10_000); ; port++) {
      try (ServerSocket probe = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        return probe.getLocalPort();
      } catch (IOException taken) {
        // the next one
      }
    }
  }
}

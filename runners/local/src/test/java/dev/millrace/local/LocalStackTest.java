package dev.millrace.local;

import static dev.millrace.local.Records.makeTopic;
import static dev.millrace.local.Records.readAll;
import static dev.millrace.local.Records.write;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.local.LocalStack.Server;
import dev.millrace.local.LocalStack.State;
import dev.millrace.local.LocalStack.Wanted;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real servers, up before each test. */
@Timeout(180)
class LocalStackTest {

  @TempDir static Path directory;
  private static LocalStack stack;
  private static Optional<Integer> port;

  @BeforeAll
  static void choosePort() throws IOException {
    stack = new LocalStack(directory);
    // Below those that the system gives to connections, as it could while Kafka is down.
    port = Optional.of(Ports.free(20_000 + (int) (ProcessHandle.current().pid() % 10_000)));
  }

  @BeforeEach
  void up() {
    stack.up(Wanted.kafkaAt(port), phase -> {});
  }

  @AfterAll
  static void down() {
    stack.down();
  }

  @Test
  void isUpAndASecondUpStartsNothing() {
    // Given
    List<Server> before = stack.status();

    // When
    List<String> started = stack.up(Wanted.kafkaAt(Optional.empty()), phase -> {});

    // Then
    assertThat(started, is(empty()));
    assertThat(stack.status(), equalTo(before));
    assertThat(states(), equalTo(List.of(State.UP, State.UP)));
    assertThat(kafka().address(), equalTo("127.0.0.1:" + port.orElseThrow()));
  }

  @Test
  void keepsItsDataOverDownAndUp() throws Exception {
    // Given
    makeTopic(kafka().address(), "sales");
    write(kafka().address(), "sales", "one", Instant.now());
    execute("CREATE TABLE kept AS SELECT 7 AS n");
    List<Server> before = stack.status();

    // When
    List<String> said = stack.down();

    // Then
    assertThat(said, equalTo(List.of("Kafka is stopped.", "PostgreSQL is stopped.")));
    assertThat(states(), equalTo(List.of(State.DOWN, State.DOWN)));
    for (Server server : before) {
      assertThat(ProcessHandle.of(server.pid()).filter(Processes::isAlive).isPresent(), is(false));
    }
    assertThat(stack.down(), equalTo(List.of("Kafka was not up.", "PostgreSQL was not up.")));
    stack.up(Wanted.kafkaAt(port), phase -> {});
    assertThat(readAll(kafka().address(), "sales"), equalTo(List.of("one")));
    assertThat(number("SELECT n FROM kept"), equalTo(7));
  }

  @Test
  void killedServersAreToldAndStartAgainOnTheSameData() throws Exception {
    // Given
    makeTopic(kafka().address(), "survivors");
    write(kafka().address(), "survivors", "one", Instant.now());
    execute("CREATE TABLE survivors AS SELECT 8 AS n");

    // When
    kill(kafka());
    kill(postgres());

    // Then
    assertThat(states(), equalTo(List.of(State.DEAD, State.DEAD)));
    assertThat(kafka().note(), containsString("broker.log"));
    assertThat(
        stack.up(Wanted.kafkaAt(port), phase -> {}), equalTo(List.of("Kafka", "PostgreSQL")));
    assertThat(readAll(kafka().address(), "survivors"), equalTo(List.of("one")));
    assertThat(number("SELECT n FROM survivors"), equalTo(8));
  }

  @Test
  void aProcessThatGotTheNumberOfADeadBrokerIsLeftAlone(@TempDir Path other) throws Exception {
    // Given: a live process, written down with the start of another
    Process somebody = new ProcessBuilder("sleep", "600").start();
    try {
      Path place = Files.createDirectories(other.resolve("stack/kafka"));
      Instant earlier = Instant.now().minus(Duration.ofHours(1));
      Files.writeString(
          place.resolve("broker.run"),
          somebody.pid() + "\n" + earlier.toEpochMilli() + "\n9092\nready\n");
      LocalStack another = new LocalStack(other);
      assertThat(another.status().get(0).state(), equalTo(State.DEAD));

      // When
      another.down();

      // Then
      assertThat(somebody.isAlive(), is(true));
      assertThat(another.status().get(0).state(), equalTo(State.DOWN));
    } finally {
      somebody.destroyForcibly();
    }
  }

  @Test
  void aBrokerThatHangsIsToldAndStoppedAllTheSame(@TempDir Path other) throws Exception {
    // Given
    LocalStack another = withTheProgramOfPostgres(other, Duration.ofSeconds(2));
    another.up(Wanted.kafkaAt(Optional.of(Ports.free(0))), phase -> {});
    Server broker = another.status().get(0);

    // When
    signal("STOP", broker.pid());

    // Then
    try {
      assertThat(another.status().get(0).state(), equalTo(State.SILENT));
      assertThat(
          assertThrows(
                  LocalServerException.class,
                  () -> another.up(Wanted.kafkaAt(Optional.empty()), phase -> {}))
              .getMessage(),
          startsWith("Kafka runs (process " + broker.pid() + ") and does not answer at "));
    } finally {
      assertThat(another.down().get(0), equalTo("Kafka is stopped."));
    }
    assertThat(ProcessHandle.of(broker.pid()).filter(Processes::isAlive).isPresent(), is(false));
  }

  @Test
  void resetRemovesTheDataUnlessSomebodyUsesIt() throws Exception {
    // Given
    makeTopic(kafka().address(), "gone");
    execute("CREATE TABLE gone AS SELECT 9 AS n");

    // When
    LocalServerException refused;
    try (LocalPostgres user = LocalPostgres.in(directory.resolve("postgres"))) {
      assertThat(user.port(), is(not(0)));
      refused = assertThrows(LocalServerException.class, stack::reset);
      assertThat(number("SELECT n FROM gone"), equalTo(9));
      assertThat(states(), equalTo(List.of(State.UP, State.UP)));
    }
    List<Path> removed = stack.reset();

    // Then
    assertThat(refused.getMessage(), containsString("so nothing was removed"));
    assertThat(
        removed,
        equalTo(List.of(directory.resolve("stack/kafka"), directory.resolve("postgres/data"))));
    assertThat(states(), equalTo(List.of(State.DOWN, State.DOWN)));
    assertThat(stack.reset(), is(empty()));
    stack.up(Wanted.kafkaAt(port), phase -> {});
    makeTopic(kafka().address(), "gone");
    assertThat(readAll(kafka().address(), "gone"), is(empty()));
    assertThat(number("SELECT count(*) FROM pg_tables WHERE tablename = 'gone'"), equalTo(0));
  }

  @Test
  void downLeavesPostgresToACommandThatUsesIt() throws Exception {
    // Given
    try (LocalPostgres user = LocalPostgres.in(directory.resolve("postgres"))) {

      // When
      List<String> said = stack.down();

      // Then
      assertThat(said.get(1), startsWith("PostgreSQL is used by another command"));
      try (Connection connection = DriverManager.getConnection(user.jdbcUrl())) {
        assertThat(connection.isValid(5), is(true));
      }
      assertThat(postgres().state(), equalTo(State.DOWN));
      assertThat(postgres().note(), containsString("another command uses it"));
    }
    assertThat(postgres(), equalTo(new Server("PostgreSQL", State.DOWN, "", 0, null, "")));
  }

  @Test
  void aRegistryThatWasAskedForBelongsToTheStackUntilAReset(@TempDir Path other) throws Exception {
    // Given
    LocalStack another = withTheProgramOfPostgres(other, Duration.ofSeconds(30));
    Optional<Integer> registryPort = Optional.of(Ports.free(21_000));
    Wanted wanted = Wanted.kafkaAt(Optional.of(Ports.free(0)));
    try {
      // When
      List<String> started = another.up(wanted.withRegistryAt(registryPort), phase -> {});

      // Then
      assertThat(started, equalTo(List.of("Kafka", "PostgreSQL", "Apicurio")));
      Server registry = another.status().get(2);
      assertThat(registry.state(), equalTo(State.UP));
      assertThat(registry.address(), equalTo("127.0.0.1:" + registryPort.orElseThrow()));
      String url = "http://" + registry.address() + LocalStack.REGISTRY_PATH;
      assertThat(Schemas.register(url, "kept-value", "int").statusCode(), equalTo(200));
      assertThat(
          another.up(Wanted.kafkaAt(Optional.empty()).withRegistryAt(Optional.empty()), p -> {}),
          is(empty()));
      assertThat(
          assertThrows(
                  LocalServerException.class,
                  () -> another.up(wanted.withRegistryAt(Optional.of(1)), p -> {}))
              .getMessage(),
          startsWith("Apicurio is up at " + registry.address() + "; "));

      // When: it is killed, and everything is started again without its being named
      kill(registry);

      // Then
      assertThat(another.status().get(2).state(), equalTo(State.DEAD));
      assertThat(another.status().get(2).note(), containsString("registry.log"));
      assertThat(
          another.up(wanted.withRegistryAt(registryPort), p -> {}), equalTo(List.of("Apicurio")));
      assertThat(Schemas.get(url + "/subjects"), equalTo("[\"kept-value\"]"));

      // When: it hangs
      signal("STOP", another.status().get(2).pid());

      // Then
      assertThat(another.status().get(2).state(), equalTo(State.SILENT));
      assertThat(
          assertThrows(LocalServerException.class, () -> another.up(wanted, p -> {})).getMessage(),
          startsWith("Apicurio runs (process "));
      signal("CONT", another.status().get(2).pid());

      // When
      List<String> said = another.down();

      // Then
      assertThat(
          said,
          equalTo(List.of("Kafka is stopped.", "Apicurio is stopped.", "PostgreSQL is stopped.")));
      assertThat(
          another.status().stream().map(Server::state).toList(),
          equalTo(List.of(State.DOWN, State.DOWN, State.DOWN)));
    } finally {
      another.down();
    }
    assertThat(
        another.reset(),
        equalTo(
            List.of(
                other.resolve("stack/kafka"),
                other.resolve("stack/registry"),
                other.resolve("postgres/data"))));
    assertThat(
        another.status().stream().map(Server::name).toList(),
        equalTo(List.of("Kafka", "PostgreSQL")));
  }

  @Test
  void aPortThatIsTakenIsNamed(@TempDir Path other) throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      // When
      LocalServerException failure =
          assertThrows(
              LocalServerException.class,
              () ->
                  new LocalStack(other)
                      .up(Wanted.kafkaAt(Optional.of(taken.getLocalPort())), phase -> {}));

      // Then
      assertThat(
          failure.getMessage(),
          equalTo(
              "Port "
                  + taken.getLocalPort()
                  + " on 127.0.0.1 is taken by another program; end that one, or choose another port: millrace stack up --kafka-port=…"));
    }
  }

  @Test
  void anotherPortThanTheOneKafkaIsUpAtIsRefused() {
    // When
    LocalServerException failure =
        assertThrows(
            LocalServerException.class,
            () -> stack.up(Wanted.kafkaAt(Optional.of(1)), phase -> {}));

    // Then
    assertThat(failure.getMessage(), startsWith("Kafka is up at " + kafka().address() + "; "));
  }

  @Test
  void aDirectoryThatCannotBeMadeIsNamed(@TempDir Path other) throws IOException {
    // Given
    Path file = Files.writeString(other.resolve("file"), "");

    // When
    LocalServerException failure =
        assertThrows(
            LocalServerException.class,
            () -> new LocalStack(file).up(Wanted.kafkaAt(port), phase -> {}));

    // Then
    assertThat(failure.getMessage(), startsWith("The stack cannot be kept in " + file));
  }

  private static LocalStack withTheProgramOfPostgres(Path other, Duration stop) throws IOException {
    String program = "server-" + PostgresProgram.version();
    Files.createSymbolicLink(
        Files.createDirectories(other.resolve("postgres")).resolve(program),
        directory.resolve("postgres").resolve(program));
    return new LocalStack(other, stop);
  }

  private static List<State> states() {
    return stack.status().stream().map(Server::state).toList();
  }

  private static Server kafka() {
    return stack.status().get(0);
  }

  private static Server postgres() {
    return stack.status().get(1);
  }

  private static void kill(Server server) {
    ProcessHandle process = ProcessHandle.of(server.pid()).orElseThrow();
    process.destroyForcibly();
    assertThat(Processes.awaitEnd(process, Duration.ofSeconds(30)), is(true));
  }

  private static void signal(String name, long pid) throws Exception {
    int status = new ProcessBuilder("kill", "-" + name, Long.toString(pid)).start().waitFor();
    assertThat(status, equalTo(0));
  }

  private static void execute(String sql) throws SQLException {
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static int number(String sql) throws SQLException {
    try (Connection connection = connect();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      result.next();
      return result.getInt(1);
    }
  }

  private static Connection connect() throws SQLException {
    return DriverManager.getConnection(
        "jdbc:postgresql://" + postgres().address() + "/millrace?user=millrace");
  }
}

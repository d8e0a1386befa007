package dev.millrace.local;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.lessThan;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class LocalPostgresTest {

  @TempDir static Path directory;

  @BeforeAll
  static void make() throws SQLException {
    try (LocalPostgres postgres = LocalPostgres.in(directory)) {
      execute(postgres, "CREATE TABLE kept (n INT)");
    }
  }

  @BeforeEach
  void clear() throws SQLException {
    try (LocalPostgres postgres = LocalPostgres.in(directory)) {
      execute(postgres, "DELETE FROM kept");
    }
  }

  @Test
  void keepsItsDataAndItsPortBetweenStarts() throws Exception {
    // Given
    int port;
    try (LocalPostgres first = LocalPostgres.in(directory)) {
      port = first.port();
      execute(first, "INSERT INTO kept VALUES (42)");
    }

    // When
    try (LocalPostgres second = LocalPostgres.in(directory)) {

      // Then
      assertThat(second.port(), equalTo(port));
      assertThat(sum(second), equalTo(42));
    }
  }

  @Test
  void startsFastWhereDataExists() {
    // Given
    long begin = System.nanoTime();

    // When
    LocalPostgres postgres = LocalPostgres.in(directory);

    // Then: a fifth of a second, with room for a busy machine
    long millis = Duration.ofNanos(System.nanoTime() - begin).toMillis();
    postgres.close();
    System.out.println("start took " + millis + " ms");
    assertThat(millis, lessThan(5_000L));
  }

  @Test
  void stopsWhenTheLastUserLeavesAndNotBefore() throws Exception {
    // Given
    LocalPostgres one = LocalPostgres.in(directory);
    LocalPostgres other = LocalPostgres.in(directory);
    long pid = pid();

    // When
    one.close();

    // Then
    assertThat(sum(other), equalTo(0));
    other.close();
    assertThat(Files.exists(directory.resolve("data/postmaster.pid")), is(false));
    assertThat(isAlive(pid), is(false));
  }

  @Test
  void isSharedWithAnotherProcessAndOutlivesIt() throws Exception {
    // Given
    Process other = useInAnotherProcess();
    String otherUrl = other.inputReader().readLine();

    // When
    try (LocalPostgres here = LocalPostgres.in(directory)) {

      // Then
      assertThat(here.jdbcUrl(), equalTo(otherUrl));
      other.outputWriter().close();
      assertThat(other.waitFor(60, TimeUnit.SECONDS), is(true));
      assertThat(other.exitValue(), is(0));
      assertThat(sum(here), equalTo(0));
    }
  }

  @Test
  void isJoinedAndStoppedByTheNextUserAfterItsStarterWasKilled() throws Exception {
    // Given
    Process starter = useInAnotherProcess();
    String url = starter.inputReader().readLine();
    starter.destroyForcibly().waitFor();
    long pid = pid();

    // When
    LocalPostgres next = LocalPostgres.in(directory);

    // Then
    assertThat(next.jdbcUrl(), equalTo(url));
    assertThat(pid(), equalTo(pid));
    next.close();
    assertThat(isAlive(pid), is(false));
  }

  @Test
  void startsAgainWithCommittedDataAfterTheServerWasKilled() throws Exception {
    // Given
    LocalPostgres before = LocalPostgres.in(directory);
    execute(before, "INSERT INTO kept VALUES (7)");
    kill(pid());

    // When
    LocalPostgres after = LocalPostgres.in(directory);

    // Then: also for the one who used it before
    assertThat(sum(after), equalTo(7));
    assertThat(sum(before), equalTo(7));
    after.close();
    before.close();
  }

  /** Two sets of processes that write one log lose what was committed. */
  @Test
  void startsAgainWhenTheProcessesOfTheKilledServerHaveEnded() throws Exception {
    // Given: a connection that is busy, and does not see that its server is gone
    LocalPostgres before = LocalPostgres.in(directory);
    CompletableFuture<Long> busy = new CompletableFuture<>();
    Thread working =
        new Thread(
            () -> {
              try (Connection connection = DriverManager.getConnection(before.jdbcUrl());
                  Statement statement = connection.createStatement()) {
                try (ResultSet own = statement.executeQuery("SELECT pg_backend_pid()")) {
                  own.next();
                  busy.complete(own.getLong(1));
                }
                statement.execute("SELECT sum(i) FROM generate_series(1, 30000000) AS i");
              } catch (SQLException cut) {
                busy.completeExceptionally(cut);
              }
            });
    working.start();
    long backend = busy.get(20, TimeUnit.SECONDS);
    while (!isBusy(before, backend)) {
      TimeUnit.MILLISECONDS.sleep(5);
    }
    kill(pid());
    assertThat("outlives its server", isAlive(backend), is(true));

    // When
    LocalPostgres after = LocalPostgres.in(directory);

    // Then
    assertThat(isAlive(backend), is(false));
    working.join();
    after.close();
    before.close();
  }

  private static boolean isBusy(LocalPostgres postgres, long backend) throws SQLException {
    try (Connection connection = DriverManager.getConnection(postgres.jdbcUrl());
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT sum(i)%'"
                    + " AND pid = "
                    + backend)) {
      return row.next();
    }
  }

  @Test
  void healsTheFileOfAKilledServerWhoseNumberBelongsToSomeoneElseNow() throws Exception {
    // Given
    Path pidFile = directory.resolve("data/postmaster.pid");
    long somebodyElse = ProcessHandle.current().pid();
    Files.write(
        pidFile,
        List.of(
            Long.toString(somebodyElse),
            directory + "/data",
            "1",
            "1",
            "",
            "127.0.0.1",
            "1 1",
            "ready"));

    // When
    try (LocalPostgres postgres = LocalPostgres.in(directory)) {

      // Then
      assertThat(sum(postgres), equalTo(0));
    }
  }

  @Test
  void manyStartersAtOnceGetTheSameServer() throws Exception {
    // Given
    List<CompletableFuture<LocalPostgres>> starts =
        java.util.stream.Stream.generate(
                () -> CompletableFuture.supplyAsync(() -> LocalPostgres.in(directory)))
            .limit(4)
            .toList();
    Process other = useInAnotherProcess();

    // When
    String url = other.inputReader().readLine();

    // Then
    for (CompletableFuture<LocalPostgres> start : starts) {
      assertThat(start.get().jdbcUrl(), equalTo(url));
    }
    other.outputWriter().close();
    other.waitFor();
    for (CompletableFuture<LocalPostgres> start : starts) {
      start.get().close();
    }
    assertThat(Files.exists(directory.resolve("data/postmaster.pid")), is(false));
  }

  @Test
  void saysInOneSentenceWhyItCannotBeKeptSomewhere(@TempDir Path other) throws IOException {
    // Given
    Path file = Files.writeString(other.resolve("file"), "");

    // When
    LocalServerException failure =
        assertThrows(LocalServerException.class, () -> LocalPostgres.in(file));

    // Then
    assertThat(failure.getMessage(), containsString("PostgreSQL cannot be kept in " + file));
  }

  @Test
  void refusesDataOfAnotherMajorVersion(@TempDir Path other) throws IOException {
    // Given
    Files.createSymbolicLink(
        other.resolve("server-" + PostgresProgram.version()),
        directory.resolve("server-" + PostgresProgram.version()));
    Files.createDirectories(other.resolve("data"));
    Files.writeString(other.resolve("data/PG_VERSION"), "9.6\n");

    // When
    LocalServerException failure =
        assertThrows(LocalServerException.class, () -> LocalPostgres.in(other));

    // Then
    assertThat(failure.getMessage(), containsString("was written by PostgreSQL 9.6"));
  }

  @Test
  void saysWhatTheServerSaidWhenItDoesNotStart(@TempDir Path other) throws IOException {
    // Given
    Files.createSymbolicLink(
        other.resolve("server-" + PostgresProgram.version()),
        directory.resolve("server-" + PostgresProgram.version()));
    LocalPostgres.in(other).close();
    Files.writeString(other.resolve("data/postgresql.conf"), "no_such_setting = 1\n");

    // When
    LocalServerException failure =
        assertThrows(LocalServerException.class, () -> LocalPostgres.in(other));

    // Then
    assertThat(failure.getMessage(), containsString("did not start"));
    assertThat(failure.getMessage(), containsString("errors"));
    assertThat(failure.getMessage(), containsString("postgres.log"));
  }

  /** Another process that prints the URL and uses the server until its input ends. */
  private static Process useInAnotherProcess() throws IOException {
    return new ProcessBuilder(
            ProcessHandle.current().info().command().orElseThrow(),
            "-cp",
            System.getProperty("java.class.path"),
            User.class.getName(),
            directory.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  static final class User {
    public static void main(String[] args) throws IOException {
      try (LocalPostgres postgres = LocalPostgres.in(Path.of(args[0]))) {
        System.out.println(postgres.jdbcUrl());
        System.out.flush();
        System.in.readAllBytes();
      }
    }
  }

  private static long pid() throws IOException {
    return Long.parseLong(
        Files.readAllLines(directory.resolve("data/postmaster.pid")).get(0).strip());
  }

  private static void kill(long pid) throws Exception {
    ProcessHandle server = ProcessHandle.of(pid).orElseThrow();
    server.destroyForcibly();
    while (isAlive(pid)) {
      Thread.onSpinWait();
    }
  }

  /** A zombie, which nobody may be there to bury, does not live. */
  private static boolean isAlive(long pid) {
    try {
      return !Files.readString(Path.of("/proc/" + pid + "/stat")).contains(") Z ");
    } catch (IOException gone) {
      return false;
    }
  }

  private static void execute(LocalPostgres postgres, String sql) throws SQLException {
    try (Connection connection = DriverManager.getConnection(postgres.jdbcUrl());
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static int sum(LocalPostgres postgres) throws SQLException {
    try (Connection connection = DriverManager.getConnection(postgres.jdbcUrl());
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("SELECT coalesce(sum(n), 0) FROM kept")) {
      result.next();
      return result.getInt(1);
    }
  }
}

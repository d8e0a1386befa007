package dev.millrace.local;

import static dev.millrace.local.Schemas.get;
import static dev.millrace.local.Schemas.register;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class LocalRegistryTest {

  @TempDir static Path directory;
  private static LocalRegistry registry;

  @BeforeAll
  static void start() {
    registry = LocalRegistry.start(directory);
  }

  @AfterAll
  static void stop() {
    registry.close();
  }

  @Test
  void keepsSchemasAndTheirIdsEvenIfItIsKilled(@TempDir Path other) throws Exception {
    // Given: a path that would end the address of the database
    Path place = other.resolve("a;b c");
    LocalRegistry killed = LocalRegistry.start(place);
    HttpResponse<String> registered = register(killed.url(), "t-value", "int");
    for (int i = 0; i < 30; i++) {
      assertThat(register(killed.url(), "t%d-value".formatted(i), "long").statusCode(), is(200));
    }
    HttpResponse<String> last = register(killed.url(), "last-value", "string");
    assertThat(last.body(), last.statusCode(), equalTo(200));

    // When
    ProcessHandle process = ProcessHandle.of(killed.pid()).orElseThrow();
    process.destroyForcibly();
    assertThat(Processes.awaitEnd(process, Duration.ofSeconds(30)), is(true));

    // Then
    try (LocalRegistry again = LocalRegistry.start(place, killed.port())) {
      assertThat(again.url(), equalTo(killed.url()));
      assertThat(get(again.url() + "/subjects").split(",", -1).length, equalTo(32));
      assertThat(register(again.url(), "last-value", "string").body(), equalTo(last.body()));
      assertThat(register(again.url(), "t-value", "int").body(), equalTo(registered.body()));
    }
  }

  @Test
  void refusesASchemaThatCannotReadWhatTheOneBeforeWrote() throws Exception {
    // Given
    register(registry.url(), "strict-value", "int");

    // When
    HttpResponse<String> refused = register(registry.url(), "strict-value", "string");

    // Then
    assertThat(refused.statusCode(), equalTo(409));
    assertThat(register(registry.url(), "strict-value", "long").statusCode(), equalTo(200));
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
    ProcessHandle process =
        ProcessHandle.of(Long.parseLong(starter.inputReader().readLine())).orElseThrow();

    // When
    starter.destroyForcibly();

    // Then
    assertThat(Processes.awaitEnd(process, Duration.ofSeconds(60)), is(true));
  }

  static final class Starter {
    public static void main(String[] args) throws IOException {
      try (LocalRegistry registry = LocalRegistry.start(Path.of(args[0]))) {
        System.out.println(registry.pid());
        System.out.flush();
        System.in.readAllBytes();
      }
    }
  }

  @Test
  void refusesADirectoryThatAnotherUses() {
    // When
    LocalServerException failure =
        assertThrows(LocalServerException.class, () -> LocalRegistry.start(directory));

    // Then
    assertThat(
        failure.getMessage(),
        startsWith(
            "A schema registry uses " + directory + " already (process " + registry.pid() + "); "));
  }

  @Test
  void refusesAPortThatIsTaken(@TempDir Path other) throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      // When
      LocalServerException failure =
          assertThrows(
              LocalServerException.class, () -> LocalRegistry.start(other, taken.getLocalPort()));

      // Then
      assertThat(
          failure.getMessage(),
          equalTo("Port " + taken.getLocalPort() + " on 127.0.0.1 is taken by another program."));
    }
  }

  @Test
  void tellsWhatItSaidWhenItDoesNotStart(@TempDir Path other) throws IOException {
    // Given
    Files.createDirectories(other.resolve("data"));
    Files.writeString(other.resolve("data/registry.mv.db"), "no database".repeat(1000));

    // When
    LocalServerException failure =
        assertThrows(LocalServerException.class, () -> LocalRegistry.start(other));

    // Then
    assertThat(failure.getMessage(), startsWith("Apicurio did not start: "));
    assertThat(failure.getMessage(), containsString("registry.mv.db"));
    assertThat(failure.getMessage(), containsString("Its log is " + other.resolve("registry.log")));
  }
}

package dev.millrace.local;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One schema registry: Apicurio, spoken to as Confluent's would be. It keeps the schemas in a file
 * of its own, and refuses a schema whose readers could not read what the one before wrote, as
 * Confluent's does unless told otherwise.
 */
final class RegistryServer extends JavaServer {

  /** Where its REST interface is, below the address. */
  static final String PATH = "/apis/ccompat/v7";

  private static final Pattern ERROR = Pattern.compile(" ERROR <[^>]*> \\[[^]]*] \\([^)]*\\) (.*)");

  private Consumer<String> progress = phase -> {};

  RegistryServer(Path place) {
    super(LocalStack.REGISTRY, place, "registry");
  }

  /** The same, telling somebody what takes long. */
  RegistryServer telling(Consumer<String> told) {
    RegistryServer telling = new RegistryServer(place());
    telling.progress = told;
    return telling;
  }

  @Override
  List<String> java(int port) {
    return List.of(
        "-Xmx256m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        "-Dfile.encoding=UTF-8",
        "-DLOG_LEVEL=WARN",
        "-DREGISTRY_LOG_LEVEL=WARN",
        "-Dquarkus.http.host=127.0.0.1",
        "-Dquarkus.http.port=" + port,
        // Relative, since a path may have a semicolon in it. A commit is on the disk when it ends.
        "-Dquarkus.datasource.jdbc.url=jdbc:h2:file:./data/registry;DB_CLOSE_ON_EXIT=FALSE;WRITE_DELAY=0",
        "-Dquarkus.datasource.jdbc.initial-size=1",
        "-Dquarkus.datasource.jdbc.min-size=1",
        "-Dquarkus.datasource.jdbc.max-size=10",
        "-Dregistry.rules.global.compatibility=BACKWARD",
        "-jar",
        RegistryProgram.ofThisHouse().jar(progress).toString());
  }

  @Override
  String note() {
    return "the schema registry";
  }

  @Override
  boolean writesRunFile() {
    return false;
  }

  /** Whether the registry says which subjects it has. */
  @Override
  boolean answers(Run run, Duration patience) {
    int millis = (int) patience.toMillis();
    try {
      HttpURLConnection connection =
          (HttpURLConnection)
              URI.create("http://" + run.address() + PATH + "/subjects").toURL().openConnection();
      try {
        connection.setConnectTimeout(millis);
        connection.setReadTimeout(millis);
        return connection.getResponseCode() == 200;
      } finally {
        connection.disconnect();
      }
    } catch (IOException silent) {
      return false;
    }
  }

  /** The innermost cause of the last error. */
  @Override
  String reason(List<String> log) {
    String reason = "";
    for (String line : log) {
      Matcher said = ERROR.matcher(line);
      if (said.find()) {
        reason = said.group(1).strip().replaceFirst("\\. .*|\\.$", "");
      } else if (line.startsWith("Caused by: ")) {
        reason = line.replaceFirst("^Caused by: (?:[\\w.$]+: )?", "").strip();
      }
    }
    return reason;
  }
}

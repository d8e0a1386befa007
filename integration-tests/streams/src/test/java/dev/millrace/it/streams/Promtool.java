package dev.millrace.it.streams;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Prometheus's own check of rules. Where it is not installed, Debian's package is fetched and
 * unpacked below {@code target}, once, and nothing is installed.
 */
final class Promtool {

  private static final Path UNPACKED = Path.of("target/prometheus").toAbsolutePath();

  private Promtool() {}

  /** What a program said, and its exit status. */
  record Ended(int status, String out) {}

  static Ended run(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(program()));
    command.addAll(Arrays.asList(arguments));
    return start(Path.of("").toAbsolutePath(), command.toArray(String[]::new));
  }

  private static String program() throws Exception {
    for (String place : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1)) {
      if (Files.isExecutable(Path.of(place, "promtool"))) {
        return Path.of(place, "promtool").toString();
      }
    }
    Path program = UNPACKED.resolve("usr/bin/promtool");
    if (!Files.isExecutable(program)) {
      Files.createDirectories(UNPACKED);
      fetched("apt-get", "download", "prometheus");
      try (Stream<Path> files = Files.list(UNPACKED)) {
        Path deb =
            files
                .filter(file -> file.getFileName().toString().endsWith(".deb"))
                .findFirst()
                .orElseThrow();
        fetched("dpkg", "-x", deb.toString(), UNPACKED.toString());
      }
    }
    return program.toString();
  }

  private static void fetched(String... command) throws Exception {
    String help =
        "promtool checks the alerts, and is neither on the PATH nor to be had from Debian; install Prometheus. ";
    try {
      Ended ended = start(UNPACKED, command);
      if (ended.status() != 0) {
        throw new AssertionError(help + String.join(" ", command) + ": " + ended.out());
      }
    } catch (IOException unknown) {
      throw new AssertionError(help + unknown.getMessage(), unknown);
    }
  }

  private static Ended start(Path directory, String... command) throws Exception {
    Path said = Files.createTempFile("promtool", ".out");
    try {
      Process process =
          new ProcessBuilder(command)
              .directory(directory.toFile())
              .redirectErrorStream(true)
              .redirectOutput(said.toFile())
              .start();
      if (!process.waitFor(2, TimeUnit.MINUTES)) {
        process.destroyForcibly();
        throw new AssertionError("did not end: " + String.join(" ", command));
      }
      return new Ended(process.exitValue(), Files.readString(said, StandardCharsets.UTF_8));
    } finally {
      Files.delete(said);
    }
  }
}

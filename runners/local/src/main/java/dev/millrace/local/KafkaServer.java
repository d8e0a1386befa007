package dev.millrace.local;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.CodeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;

/**
 * Files and process of one Kafka broker, which is a Java of its own with a class path of its own.
 */
final class KafkaServer {

  private static final String MODULE = "runners/kafka/target";
  private static final Pattern FRAME = Pattern.compile("^\\s+(at |\\.\\.\\. )|^\\s*$");
  private static final int LAST_LINES = 5;

  private final Path place;
  private final Path runFile;
  private final Path log;

  KafkaServer(Path place) {
    this.place = place;
    this.runFile = place.resolve("broker.run");
    this.log = place.resolve("broker.log");
  }

  /**
   * What the broker wrote about itself.
   *
   * @param ready whether it had started by then
   */
  record Run(long pid, Instant start, int port, boolean ready) {

    /** The process, if it lives. */
    Optional<ProcessHandle> process() {
      return Processes.find(pid, start);
    }

    String address() {
      return "127.0.0.1:" + port;
    }
  }

  Path log() {
    return log;
  }

  Path place() {
    return place;
  }

  /** The last run, unless it was stopped. */
  Optional<Run> lastRun() throws IOException {
    List<String> lines;
    try {
      lines = Files.readAllLines(runFile);
    } catch (NoSuchFileException stopped) {
      return Optional.empty();
    }
    if (lines.size() < 4) {
      return Optional.empty();
    }
    return Optional.of(
        new Run(
            Long.parseLong(lines.get(0)),
            Instant.ofEpochMilli(Long.parseLong(lines.get(1))),
            Integer.parseInt(lines.get(2)),
            lines.get(3).equals("ready")));
  }

  /**
   * Starts the broker.
   *
   * @param attached whether it ends with the input that the process gets; else it lives on, out of
   *     reach of what happens to this process and its terminal
   */
  Process launch(int port, boolean attached) throws IOException {
    Path program = program();
    try {
      Files.createDirectories(place);
      if (Files.exists(log)) {
        Files.move(log, place.resolve("broker.log.old"), StandardCopyOption.REPLACE_EXISTING);
      }
      Files.createFile(log);
    } catch (AccessDeniedException denied) {
      throw new LocalServerException(
          "Kafka cannot be kept in "
              + place
              + ": no permission for "
              + denied.getFile()
              + "; use a directory that you may write.",
          denied);
    } catch (IOException failed) {
      throw new LocalServerException(
          "Kafka cannot be kept in " + place + ": " + failed.getMessage() + ".", failed);
    }
    List<String> command = new ArrayList<>();
    if (!attached) {
      command.add(onThePath("setsid") ? "setsid" : "nohup");
    }
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-Djava.awt.headless=true",
            "-Dfile.encoding=UTF-8",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
            "-cp",
            program.resolve("classes") + File.pathSeparator + program.resolve("lib") + "/*",
            "dev.millrace.kafka.Broker",
            place.toString(),
            Integer.toString(port)));
    if (attached) {
      command.add("attached");
    }
    return new ProcessBuilder(command)
        .directory(place.toFile())
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
        .redirectInput(
            attached
                ? ProcessBuilder.Redirect.PIPE
                : ProcessBuilder.Redirect.from(new File("/dev/null")))
        .start();
  }

  /** Waits until the broker of a process answers. */
  Run awaitReady(ProcessHandle process, Duration patience) throws IOException {
    long end = System.nanoTime() + patience.toNanos();
    while (true) {
      Run run = lastRun().filter(last -> last.pid() == process.pid()).orElse(null);
      if (run != null && run.ready() && answers(run, Duration.ofSeconds(10))) {
        return run;
      }
      if (!Processes.isAlive(process)) {
        throw failure("Kafka did not start", null);
      }
      if (System.nanoTime() > end) {
        process.destroyForcibly();
        throw failure("Kafka did not start within " + patience.toSeconds() + " s", null);
      }
      PostgresServer.pause();
    }
  }

  /** Whether the broker says who belongs to its cluster. */
  static boolean answers(Run run, Duration patience) {
    int millis = (int) patience.toMillis();
    Admin admin =
        Admin.create(
            Map.of(
                AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG,
                run.address(),
                AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG,
                millis,
                AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                millis));
    try {
      return !admin.describeCluster().nodes().get(millis, TimeUnit.MILLISECONDS).isEmpty();
    } catch (ExecutionException | TimeoutException | KafkaException silent) {
      return false;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      // Without a limit it waits for an answer that never comes.
      admin.close(Duration.ZERO);
    }
  }

  /**
   * Stops the broker if it runs.
   *
   * @return whether it ran
   */
  boolean stop(Duration patience) throws IOException {
    ProcessHandle process = lastRun().flatMap(Run::process).orElse(null);
    if (process != null) {
      process.destroy();
      if (!Processes.awaitEnd(process, patience)) {
        process.destroyForcibly();
        if (!Processes.awaitEnd(process, patience)) {
          throw failure("Kafka (process " + process.pid() + ") cannot be stopped", null);
        }
      }
    }
    Files.deleteIfExists(runFile);
    return process != null;
  }

  /** An exception with what the log says. */
  LocalServerException failure(String what, @Nullable Throwable cause) throws IOException {
    List<String> lines =
        Files.exists(log)
            ? Files.readAllLines(log).stream().filter(line -> !FRAME.matcher(line).find()).toList()
            : List.of();
    String reason =
        lines.stream()
            .filter(line -> line.startsWith("FATAL: "))
            .map(line -> line.substring("FATAL: ".length()))
            .reduce("", (before, after) -> after);
    return new LocalServerException(
        what + (reason.isEmpty() ? "" : ": " + reason) + ". Its log is " + log + ".",
        lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size()),
        cause);
  }

  /** Where the broker's classes and libraries are: beside this module, in the house. */
  private static Path program() {
    List<Path> starts = new ArrayList<>();
    String home = System.getProperty("millrace.home");
    if (home != null) {
      starts.add(Path.of(home));
    }
    CodeSource own = KafkaServer.class.getProtectionDomain().getCodeSource();
    if (own != null) {
      try {
        starts.add(Path.of(own.getLocation().toURI()));
      } catch (URISyntaxException | IllegalArgumentException noFile) {
        // then not beside this
      }
    }
    for (Path start : starts) {
      for (Path up = start.toAbsolutePath(); up != null; up = up.getParent()) {
        Path program = up.resolve(MODULE);
        if (Files.isDirectory(program.resolve("lib"))
            && Files.isDirectory(program.resolve("classes"))) {
          return program;
        }
      }
    }
    throw new LocalServerException(
        "The Kafka broker is not built; build it: ./mvnw -pl runners/kafka -am package.", null);
  }

  private static boolean onThePath(String program) {
    String path = Objects.requireNonNullElse(System.getenv("PATH"), "");
    for (String directory : path.split(File.pathSeparator, -1)) {
      if (!directory.isEmpty() && Files.isExecutable(Path.of(directory, program))) {
        return true;
      }
    }
    return false;
  }
}

package dev.millrace.it;

import dev.millrace.it.programs.JavaInHaste;
import dev.millrace.it.programs.WarmProgram;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The program as a user starts it: a process of its own, in a working directory of its own. */
final class Program implements AutoCloseable {

  private static final String HEAP = "1g";
  private static final Duration LIMIT = Duration.ofMinutes(10);

  private final Path directory;
  private final List<String> prefix;
  private final @Nullable WarmProgram warm;

  private Program(Path directory, List<String> prefix, @Nullable WarmProgram warm) {
    this.directory = directory;
    this.prefix = prefix;
    this.warm = warm;
  }

  /** The program, started in a directory. */
  static Program in(Path directory) {
    return new Program(directory, List.of(), null);
  }

  /** The program in a directory, where one process runs command after command. */
  static Program warmIn(Path directory, Map<String, String> environment) throws IOException {
    return new Program(
        directory,
        List.of(),
        WarmProgram.start(HEAP, Path.of(jar()), directory, LIMIT, environment));
  }

  /** The same, started by another program that takes a command as its last arguments. */
  Program startedBy(String... starter) {
    return new Program(directory, List.of(starter), null);
  }

  @Override
  public void close() {
    if (warm != null) {
      warm.close();
    }
  }

  /** Runs to the end. */
  Finished run(String... arguments) throws IOException, InterruptedException {
    if (warm != null) {
      WarmProgram.Ended ended = warm.run(arguments);
      return new Finished(ended.status(), ended.out(), ended.err());
    }
    Running running = start(arguments);
    if (!running.process().waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
      running.process().destroyForcibly();
      throw new AssertionError("did not end within ten minutes: " + String.join(" ", arguments));
    }
    return new Finished(
        running.process().exitValue(),
        Files.readString(running.out()),
        Files.readString(running.err()));
  }

  /** Starts and returns at once. */
  Running start(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(prefix);
    command.addAll(JavaInHaste.command(HEAP));
    command.add("-jar");
    command.add(jar());
    command.addAll(List.of(arguments));
    Path out = Files.createTempFile(directory, "out", ".txt");
    Path err = Files.createTempFile(directory, "err", ".txt");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    return new Running(builder.start(), out, err);
  }

  private static String jar() {
    String jar = System.getProperty("millrace.jar");
    if (jar == null) {
      throw new IllegalStateException(
          "system property millrace.jar is not set; run by ./mvnw verify");
    }
    return jar;
  }

  /** A program that runs. */
  record Running(Process process, Path out, Path err) {}

  /** A program that ended. */
  record Finished(int status, String out, String err) {
    /** Fails with what the program said when it did not succeed. */
    Finished succeeded() {
      if (status != 0) {
        throw new AssertionError("exit status " + status + "\n" + err + "\n" + out);
      }
      return this;
    }
  }
}

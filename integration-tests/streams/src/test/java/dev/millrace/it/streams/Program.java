package dev.millrace.it.streams;

import dev.millrace.it.programs.WarmProgram;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** The program on Flink, as a user runs it in a directory. */
final class Program implements AutoCloseable {

  private static final Duration LIMIT = Duration.ofMinutes(4);

  private final Path home;
  private final WarmProgram flink;

  private Program(Path home, WarmProgram flink) {
    this.home = home;
    this.flink = flink;
  }

  /** In a directory, into which the products are put. */
  static Program in(Path home) throws IOException {
    Path data = Files.createDirectories(home.resolve("data"));
    for (String table : List.of("product", "product_class")) {
      try (InputStream in = Program.class.getResourceAsStream("/" + table + ".json")) {
        Files.copy(Objects.requireNonNull(in), data.resolve(table + ".json"));
      }
    }
    String jar = Objects.requireNonNull(System.getProperty("millrace.flink"));
    return new Program(home, WarmProgram.start("512m", Path.of(jar), home, LIMIT, Map.of()));
  }

  /** A run that ended. */
  record Ended(int status, String out, String err) {}

  /** Runs it to its end. */
  Ended run(String... arguments) throws Exception {
    List<String> quiet = new ArrayList<>(Arrays.asList(arguments));
    quiet.add("--log=quiet");
    WarmProgram.Ended ended = flink.run(quiet.toArray(String[]::new));
    return new Ended(ended.status(), ended.out(), ended.err());
  }

  /** Runs another program with options of this one, to its end. */
  Ended run(String what, List<String> program) throws Exception {
    String name = what + System.nanoTime();
    List<String> command = new ArrayList<>(program);
    command.add("--log=quiet");
    Process process =
        new ProcessBuilder(command)
            .directory(home.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectOutput(home.resolve(name + ".out").toFile())
            .redirectError(home.resolve(name + ".err").toFile())
            .start();
    if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("did not end: " + command);
    }
    return new Ended(
        process.exitValue(),
        Files.readString(home.resolve(name + ".out")),
        Files.readString(home.resolve(name + ".err")));
  }

  @Override
  public void close() {
    flink.close();
  }

  /** Name and options of {@code clickstream}. */
  List<String> clickstream(String warehouse, String events) {
    return List.of(
        "clickstream",
        "--events=" + events,
        "--warehouse=" + warehouse,
        // From here: the launcher says where that is.
        "--products=data/product.json",
        "--product-classes=" + home.resolve("data/product_class.json"));
  }
}

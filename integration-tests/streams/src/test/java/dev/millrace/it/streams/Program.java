package dev.millrace.it.streams;

import dev.millrace.it.programs.SharedClasses;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** The program on Flink, as a user runs it in a directory. */
final class Program {

  private final Path home;

  private Program(Path home) {
    this.home = home;
  }

  /** In a directory, into which the products are put. */
  static Program in(Path home) throws IOException {
    Path data = Files.createDirectories(home.resolve("data"));
    for (String table : List.of("product", "product_class")) {
      try (InputStream in = Program.class.getResourceAsStream("/" + table + ".json")) {
        Files.copy(Objects.requireNonNull(in), data.resolve(table + ".json"));
      }
    }
    return new Program(home);
  }

  /** A run that ended. */
  record Ended(int status, String out, String err) {}

  /** Runs it to its end. */
  Ended run(String... arguments) throws Exception {
    String jar = Objects.requireNonNull(System.getProperty("millrace.flink"));
    SharedClasses classes = SharedClasses.of(Path.of(jar));
    boolean leaves = List.of("run", "submit").contains(arguments[0]);
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1"));
    command.addAll(leaves ? classes.leavingOptions() : classes.options());
    command.addAll(List.of("-jar", jar));
    command.addAll(Arrays.asList(arguments));
    Ended ended = run(arguments[0], command);
    if (leaves && ended.status() == 0) {
      classes.keep();
    }
    return ended;
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
    if (!process.waitFor(4, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new AssertionError("did not end: " + command);
    }
    return new Ended(
        process.exitValue(),
        Files.readString(home.resolve(name + ".out")),
        Files.readString(home.resolve(name + ".err")));
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

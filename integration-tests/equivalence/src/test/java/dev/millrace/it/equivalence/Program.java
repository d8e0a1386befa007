package dev.millrace.it.equivalence;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import dev.millrace.it.programs.JavaInHaste;
import dev.millrace.it.programs.WarmProgram;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.hamcrest.Matcher;

/** The programs of the runners, in a directory with FoodMart's dimensions. */
final class Program implements AutoCloseable {

  private static final Map<String, String> DIMENSIONS =
      Map.of(
          "customers", "customer",
          "products", "product",
          "product-classes", "product_class",
          "stores", "store",
          "promotions", "promotion",
          "days", "time_by_day",
          "regions", "region");

  private static final List<String> OF_CLICKSTREAM = List.of("products", "product-classes");

  private static final String HEAP = "1g";
  private static final Duration LIMIT = Duration.ofMinutes(8);

  private final Path home;
  private final Map<String, WarmProgram> warm = new HashMap<>();

  /** A program that ended. */
  record Ended(int status, List<String> err) {
    void succeeded() {
      assertThat(String.join("\n", err), status, equalTo(0));
    }
  }

  Program(Path home) throws IOException {
    this.home = home;
    for (String table : DIMENSIONS.values()) {
      try (InputStream in = Program.class.getResourceAsStream("/" + table + ".json")) {
        Files.copy(Objects.requireNonNull(in, table), home.resolve(table + ".json"));
      }
    }
  }

  /** The arguments of a run of a pipeline whose results have a name. */
  List<String> run(String pipeline, String input, String name, List<String> more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "run",
                pipeline,
                (pipeline.equals("sales") ? "--sales=" : "--events=") + input,
                "--lake=lake_" + name,
                "--report=report_" + name));
    DIMENSIONS.forEach(
        (option, table) -> {
          if (pipeline.equals("sales") || OF_CLICKSTREAM.contains(option)) {
            arguments.add("--" + option + "=" + table + ".json");
          }
        });
    arguments.addAll(more);
    return arguments;
  }

  /** Starts it in a process of its own. */
  Process start(String runner, List<String> arguments, Path err) throws IOException {
    return start(List.of("-jar", jar(runner)), arguments, Redirect.DISCARD, err);
  }

  /** The program on Direct with some of its classes replaced. */
  Process startWith(List<Path> classes, List<String> options, List<String> arguments, Path err)
      throws IOException {
    List<String> path = new ArrayList<>();
    classes.forEach(directory -> path.add(directory.toString()));
    path.add(jar("direct"));
    List<String> what = new ArrayList<>(options);
    what.addAll(List.of("-cp", String.join(File.pathSeparator, path), "dev.millrace.direct.Main"));
    return start(what, arguments, Redirect.DISCARD, err);
  }

  /** What a class of these tests prints that runs with the libraries of a runner. */
  List<String> lines(String runner, Class<?> main, List<String> arguments) throws Exception {
    List<String> what = new ArrayList<>(JavaInHaste.opens(Path.of(jar(runner))));
    what.add("-cp");
    // Beam's runner for tests on Spark names Hamcrest.
    what.add(
        String.join(
            File.pathSeparator,
            jar(runner),
            JavaInHaste.placeOf(main),
            JavaInHaste.placeOf(Matcher.class)));
    what.add(main.getName());
    Path out = Files.createTempFile(home, "out", ".txt");
    Path err = Files.createTempFile(home, "err", ".txt");
    end(start(what, arguments, Redirect.to(out.toFile()), err), arguments, err).succeeded();
    return Files.readAllLines(out);
  }

  /**
   * The class of a source file, compiled after a text in it was replaced.
   *
   * @return where the class is
   */
  Path altered(String source, String text, String other) throws IOException {
    Path file = Path.of("../..", source);
    String before = Files.readString(file);
    assertThat(before, containsString(text));
    Path directory = Files.createTempDirectory(home, "altered");
    Path copy = directory.resolve(Objects.requireNonNull(file.getFileName()));
    Files.writeString(copy, before.replace(text, other));
    ByteArrayOutputStream words = new ByteArrayOutputStream();
    int failed =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                words,
                "-proc:none",
                "-nowarn",
                "-d",
                directory.toString(),
                "-cp",
                libraries(),
                copy.toString());
    assertThat(words.toString(StandardCharsets.UTF_8), failed, equalTo(0));
    return directory;
  }

  private static String libraries() throws IOException {
    Path directory = Path.of(new File(jar("direct")).getParent(), "lib");
    try (Stream<Path> jars = Files.list(directory)) {
      return jars.map(Path::toString).collect(Collectors.joining(File.pathSeparator));
    }
  }

  private static String jar(String runner) {
    // The program that hands pipelines to a cluster is the one that also has a Flink of its own.
    String module = runner.equals("cluster") ? "flink" : runner;
    return Objects.requireNonNull(System.getProperty("millrace." + module));
  }

  private Process start(List<String> what, List<String> arguments, Redirect out, Path err)
      throws IOException {
    List<String> command = JavaInHaste.command(HEAP);
    command.addAll(what);
    command.addAll(arguments);
    return new ProcessBuilder(command)
        .directory(home.toFile())
        .redirectInput(new File("/dev/null"))
        .redirectOutput(out)
        .redirectError(err.toFile())
        .start();
  }

  /** Runs a command to its end, in a process where one runs after another. */
  Ended end(String runner, List<String> arguments) throws Exception {
    List<String> words = new ArrayList<>(arguments);
    if (runner.equals("cluster") && words.get(0).equals("run")) {
      words.set(0, "submit");
    }
    String jar = jar(runner);
    WarmProgram program = warm.get(jar);
    if (program == null) {
      // So little that Flink's sorts have no more memory than they need.
      String heap = jar.equals(jar("flink")) ? "512m" : HEAP;
      program = WarmProgram.start(heap, Path.of(jar), home, LIMIT, Map.of());
      warm.put(jar, program);
    }
    WarmProgram.Ended ended = program.run(words.toArray(String[]::new));
    return new Ended(ended.status(), ended.err().lines().toList());
  }

  @Override
  public void close() {
    warm.values().forEach(WarmProgram::close);
  }

  private static Ended end(Process process, List<String> arguments, Path err) throws Exception {
    if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("did not end: " + arguments + "\n" + Files.readString(err));
    }
    return new Ended(process.exitValue(), Files.readAllLines(err));
  }
}

package dev.millrace.benchmarks;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Java processes that are measured from outside: each side of a benchmark gets one of its own. */
final class Processes {

  private final Path directory;
  private final String heap;

  /**
   * @param directory the processes work in, and leave their output in
   * @param heap of each, as {@code -Xmx} takes it
   */
  Processes(Path directory, String heap) {
    this.directory = directory;
    this.heap = heap;
  }

  /**
   * What a process did.
   *
   * @param cpuSeconds its own and that of the processes it started and waited for
   */
  record Ended(double wallSeconds, double cpuSeconds, String out) {}

  /** Runs a class with this program's libraries, to a good end. */
  Ended run(String main, List<String> arguments) throws IOException, InterruptedException {
    return run(
        main.substring(main.lastIndexOf('.') + 1),
        List.of("-cp", absolute(System.getProperty("java.class.path")), main),
        arguments);
  }

  /** Runs a program with libraries of its own, to a good end. */
  Ended runJar(Path program, List<String> arguments) throws IOException, InterruptedException {
    if (!Files.isRegularFile(program)) {
      throw new Failed("a program is not built: " + program);
    }
    return run(
        String.valueOf(program.getFileName()),
        List.of("-Djava.io.tmpdir=" + directory, "-jar", program.toString()),
        arguments);
  }

  private Ended run(String name, List<String> program, List<String> arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx" + heap,
            "-XX:+UseParallelGC",
            "-XX:NewRatio=1",
            "-Dfile.encoding=UTF-8",
            "-Djava.awt.headless=true"));
    command.addAll(program);
    command.addAll(arguments);
    Path out = directory.resolve("out.txt");
    Path err = directory.resolve("err.txt");
    double cpuBefore = CpuTime.ofEndedChildren();
    long begun = System.nanoTime();
    Process process =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    Thread end = new Thread(process::destroy);
    Runtime.getRuntime().addShutdownHook(end);
    int status = process.waitFor();
    double wall = (System.nanoTime() - begun) / 1e9;
    double cpu = CpuTime.ofEndedChildren() - cpuBefore;
    Runtime.getRuntime().removeShutdownHook(end);
    if (status != 0) {
      throw new Failed(
          "%s ended with status %d: %s"
              .formatted(name + " " + String.join(" ", arguments), status, lastWords(out, err)));
    }
    return new Ended(wall, cpu, Files.readString(out));
  }

  private static String absolute(String classPath) {
    List<String> entries = new ArrayList<>();
    for (String entry : classPath.split(File.pathSeparator, -1)) {
      entries.add(Path.of(entry).toAbsolutePath().toString());
    }
    return String.join(File.pathSeparator, entries);
  }

  /** Java itself complains on standard output. */
  static String lastWords(Path... files) throws IOException {
    List<String> lines = new ArrayList<>();
    for (Path file : files) {
      lines.addAll(Files.readAllLines(file));
    }
    lines.removeIf(String::isBlank);
    return lines.isEmpty()
        ? "it said nothing"
        : String.join("\n  ", lines.subList(Math.max(0, lines.size() - 15), lines.size()));
  }

  /** A side did not come to its end. */
  static final class Failed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Failed(String message) {
      super(message);
    }
  }
}

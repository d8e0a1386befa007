package dev.millrace.it.streams;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import dev.millrace.it.programs.JavaInHaste;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.tools.ToolProvider;

/**
 * Another version of the bundle: a source file is changed and compiled, its classes take the place
 * of those in the jar, and what savepoints hold is written as it is when the bundle is built.
 */
final class NewBuild {

  private static final String STATE = "META-INF/millrace/state";

  private final Path home;

  /** A directory for it. */
  NewBuild(Path home) {
    this.home = home;
  }

  static Path released() {
    return Path.of(Objects.requireNonNull(System.getProperty("millrace.bundle")));
  }

  Path bundle() {
    return home.resolve("runners/flink-bundle/target/millrace-flink-bundle-0.2.0.jar");
  }

  /**
   * Makes it.
   *
   * @param source file of this project
   * @param change texts, each followed by what replaces it
   */
  NewBuild of(String source, String... change) throws Exception {
    Path classes = compiled(Path.of("../..", source), change);
    Files.createDirectories(Objects.requireNonNull(bundle().getParent()));
    Files.copy(released(), bundle());
    putInto(classes);
    Path written = home.resolve("written");
    Process writer =
        new ProcessBuilder(java("dev.millrace.flink.StateWriter", written.toString(), "2"))
            .redirectErrorStream(true)
            .redirectOutput(home.resolve("writer.txt").toFile())
            .start();
    assertThat(writer.waitFor(1, TimeUnit.MINUTES), equalTo(true));
    assertThat(Files.readString(home.resolve("writer.txt")), writer.exitValue(), equalTo(0));
    assertThat(Files.isDirectory(written.resolve(STATE)), equalTo(true));
    putInto(written);
    return this;
  }

  /** The command line of this version. */
  List<String> program(String... arguments) {
    return java("dev.millrace.flink.Main", arguments);
  }

  private List<String> java(String main, String... arguments) {
    List<String> command = JavaInHaste.command("512m");
    command.addAll(
        List.of(
            "--add-opens=java.base/java.lang=ALL-UNNAMED",
            "--add-opens=java.base/java.util=ALL-UNNAMED",
            "-cp",
            bundle() + File.pathSeparator + libraries().resolve("*"),
            main));
    command.addAll(Arrays.asList(arguments));
    return command;
  }

  /** With Flink and the logging, which the bundle lacks. */
  private static Path libraries() {
    return Path.of(Objects.requireNonNull(System.getProperty("millrace.flink")))
        .resolveSibling("lib");
  }

  private Path compiled(Path source, String... change) throws Exception {
    String text = Files.readString(source);
    for (int i = 0; i < change.length; i += 2) {
      assertThat(text, containsString(change[i]));
      text = text.replace(change[i], change[i + 1]);
    }
    Path copy = Files.createDirectories(home).resolve(Objects.requireNonNull(source.getFileName()));
    Files.writeString(copy, text);
    Path classes = Files.createDirectories(home.resolve("classes"));
    String path =
        released() + File.pathSeparator + String.join(File.pathSeparator, jars(libraries()));
    ByteArrayOutputStream words = new ByteArrayOutputStream();
    int failed =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                words,
                "-proc:none",
                "-nowarn",
                "-parameters",
                "-d",
                classes.toString(),
                "-cp",
                path,
                copy.toString());
    assertThat(words.toString(StandardCharsets.UTF_8), failed, equalTo(0));
    return classes;
  }

  private static List<String> jars(Path directory) throws Exception {
    try (Stream<Path> jars = Files.list(directory)) {
      return jars.map(Path::toString).toList();
    }
  }

  private void putInto(Path directory) throws Exception {
    try (FileSystem jar = FileSystems.newFileSystem(bundle());
        Stream<Path> files = Files.walk(directory)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        Path target = jar.getPath("/" + directory.relativize(file));
        Files.createDirectories(target.getParent());
        Files.copy(file, target, StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }
}

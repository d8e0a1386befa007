package dev.millrace.it.archive;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.startsWith;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the archive holds runs by itself: without Maven, and without the sources beside it. */
@Timeout(300)
class ArchiveIT {

  private static final Path ARCHIVE =
      Path.of(Objects.requireNonNull(System.getProperty("millrace.archive")));

  @TempDir Path directory;

  /** A program that ended. */
  private record Ended(int status, String out, String err) {}

  @Test
  void runsAPipelineOverDataOfTheUsersWithoutMaven() throws Exception {
    // Given: sales of the user's; the dimensions are FoodMart's, which the archive brings along
    Ended generated = millrace("generate", "sales", "--records=300", "--out=generated");
    assertThat(generated.err() + generated.out(), generated.status(), equalTo(0));

    // When
    Ended ran = millrace("run", "sales", "--sales=generated");

    // Then
    assertThat(ran.err(), ran.status(), equalTo(0));
    assertThat(ran.out(), containsString("read, every one accounted for"));
    assertThat(Files.exists(directory.resolve("out/report/report.html")), equalTo(true));
  }

  @Test
  void whatIsNotInItIsNamed() throws Exception {
    // When
    Ended bench = millrace("bench");

    // Then
    assertThat(bench.err(), startsWith("millrace: The benchmarks are not in this archive; "));
    assertThat(bench.status(), equalTo(2));
  }

  @Test
  void everyProgramHasTheJarsItNames() throws Exception {
    List<String> missing = new ArrayList<>();
    int programs = 0;
    for (Path program : jars(ARCHIVE.resolve("lib"))) {
      try (JarFile jar = new JarFile(program.toFile())) {
        String named = jar.getManifest().getMainAttributes().getValue(Attributes.Name.CLASS_PATH);
        if (named != null) {
          programs++;
          Arrays.stream(named.split(" "))
              .filter(file -> !Files.exists(program.resolveSibling(file)))
              .forEach(file -> missing.add(program.getFileName() + " needs " + file));
        }
      }
    }
    assertThat(missing, hasSize(0));
    assertThat(programs, equalTo(5));
  }

  /** Programs share the jars that are called the same: so these must be the same. */
  @Test
  void aJarThatProgramsShareIsTheOneThatEachWasBuiltWith() throws Exception {
    Map<String, Path> shared = new HashMap<>();
    for (Path jar : jars(ARCHIVE.resolve("lib/lib"))) {
      shared.put(name(jar), jar);
    }
    List<String> others = new ArrayList<>();
    for (String module : List.of("direct", "flink", "spark", "kafka", "flink-cluster")) {
      for (Path jar : jars(Path.of("../runners", module, "target/lib"))) {
        if (Files.mismatch(jar, Objects.requireNonNull(shared.get(name(jar)), name(jar))) >= 0) {
          others.add(jar.toString());
        }
      }
    }
    assertThat(others, hasSize(0));
  }

  private static String name(Path jar) {
    return Objects.requireNonNull(jar.getFileName()).toString();
  }

  private static List<Path> jars(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.toString().endsWith(".jar")).toList();
    }
  }

  /** The script, with nothing of Maven's, and a home directory that has no repository. */
  private Ended millrace(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(ARCHIVE.resolve("bin/millrace").toString()));
    command.addAll(List.of(arguments));
    Path out = Files.createTempFile(directory, "out", ".txt");
    Path err = Files.createTempFile(directory, "err", ".txt");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    String path = Objects.requireNonNull(System.getenv("PATH"));
    builder.environment().clear();
    builder.environment().put("PATH", tools(path).toString());
    builder.environment().put("HOME", directory.toString());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().put("MILLRACE_JAVA_OPTS", "-Xmx1g -XX:TieredStopAtLevel=1");
    Process process = builder.start();
    if (!process.waitFor(4, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new AssertionError("did not end: " + command);
    }
    return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
  }

  /** The few commands that the script and the programs call, and no other. */
  private Path tools(String path) throws IOException {
    Path tools = Files.createDirectories(directory.resolve("tools"));
    for (String tool :
        List.of(
            "bash",
            "sh",
            "cat",
            "dirname",
            "basename",
            "readlink",
            "setsid",
            "setpriv",
            "unshare",
            "true")) {
      for (String place : path.split(File.pathSeparator, -1)) {
        Path found = Path.of(place, tool);
        if (Files.isExecutable(found) && !Files.exists(tools.resolve(tool))) {
          Path call =
              Files.writeString(tools.resolve(tool), "#!/bin/sh\nexec " + found + " \"$@\"\n");
          assertThat(tool, call.toFile().setExecutable(true));
        }
      }
    }
    return tools;
  }
}

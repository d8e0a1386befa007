package dev.millrace.local;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The program files of a Flink cluster: what the module {@code runners/flink-cluster} lays out. An
 * archive has them; elsewhere they are built when they are first needed.
 */
final class FlinkProgram {

  private static final String MODULE = "runners/flink-cluster";

  private FlinkProgram() {}

  /** The class path of JobManager and TaskManager. */
  static String classPath(Consumer<String> progress) {
    return House.archived("flink-cluster").map(Path::toString).orElseGet(() -> built(progress));
  }

  private static String built(Consumer<String> progress) {
    Path house =
        House.find(FlinkProgram::isBuilt)
            .or(() -> House.find(up -> MavenArtifact.wrapper(up).isPresent()))
            .orElseThrow(
                () ->
                    new LocalServerException(
                        "The Flink cluster is built with Millrace's Maven wrapper, and there is none"
                            + " beside this program; use the script: ./millrace stack up --flink.",
                        null));
    try {
      synchronized (FlinkProgram.class) {
        if (!isBuilt(house)) {
          progress.accept("Fetching Flink (110 MB, once)");
          build(house);
        }
      }
    } catch (IOException failed) {
      throw new LocalServerException(
          "Flink cannot be kept in " + house.resolve(MODULE) + ": " + failed.getMessage() + ".",
          failed);
    }
    Path target = house.resolve(MODULE).resolve("target");
    return target.resolve("classes") + File.pathSeparator + target.resolve("lib") + "/*";
  }

  private static boolean isBuilt(Path house) {
    Path target = house.resolve(MODULE).resolve("target");
    if (!Files.isDirectory(target.resolve("classes"))
        || !Files.isDirectory(target.resolve("lib"))) {
      return false;
    }
    try (Stream<Path> jars = Files.list(target.resolve("lib"))) {
      return jars.anyMatch(jar -> jar.getFileName().toString().startsWith("flink-runtime-web-"));
    } catch (IOException gone) {
      return false;
    }
  }

  private static void build(Path house) throws IOException {
    Path log = Files.createDirectories(house.resolve(".millrace/logs")).resolve("flink-build.log");
    int status =
        MavenArtifact.maven(
            List.of(
                MavenArtifact.wrapper(house).orElseThrow().toString(),
                "--batch-mode",
                "-pl",
                MODULE,
                "process-classes"),
            house,
            log,
            "Flink");
    if (status != 0) {
      throw new LocalServerException(
          "Flink could not be fetched from the Maven repository; connect to the network and run"
              + " again. The log is "
              + log
              + ".",
          null);
    }
  }
}

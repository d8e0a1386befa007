package dev.millrace.local;

import java.io.File;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** The directory that Millrace was built in, or that its archive was unpacked to. */
public final class House {

  /** Below it, files of the Maven repository that an archive brings along. */
  static final String ARTIFACTS = "artifacts";

  private House() {}

  /** The directory, if this program is in one. */
  public static Optional<Path> home() {
    return find(
        up ->
            MavenArtifact.wrapper(up).isPresent()
                || (Files.isDirectory(up.resolve(ARTIFACTS))
                    && Files.isDirectory(up.resolve("lib"))));
  }

  /** The jar of a module of the runners, of an archive or as it was built. */
  public static Optional<Path> jar(String module) {
    return archived(module)
        .or(() -> jar("runners/" + module + "/target", "millrace-" + module + "-\\d.*\\.jar"));
  }

  /** The jar of a module of the runners in an archive; it names the jars it needs, beside it. */
  static Optional<Path> archived(String module) {
    return jar("lib", "millrace-" + module + "-\\d.*\\.jar");
  }

  private static Optional<Path> jar(String directory, String name) {
    return find(up -> jars(up.resolve(directory), name).length == 1)
        .map(up -> jars(up.resolve(directory), name)[0].toPath());
  }

  private static File[] jars(Path directory, String name) {
    File[] found = directory.toFile().listFiles((in, file) -> file.matches(name));
    return found == null ? new File[0] : found;
  }

  /**
   * The nearest directory of which something holds: {@code millrace.home}, that of this class, or
   * one above them.
   */
  static Optional<Path> find(Predicate<Path> wanted) {
    List<Path> starts = new ArrayList<>();
    String home = System.getProperty("millrace.home");
    if (home != null) {
      starts.add(Path.of(home));
    }
    CodeSource own = House.class.getProtectionDomain().getCodeSource();
    if (own != null) {
      try {
        starts.add(Path.of(own.getLocation().toURI()));
      } catch (URISyntaxException | IllegalArgumentException noFile) {
        // then not beside this
      }
    }
    for (Path start : starts) {
      for (Path up = start.toAbsolutePath(); up != null; up = up.getParent()) {
        if (wanted.test(up)) {
          return Optional.of(up);
        }
      }
    }
    return Optional.empty();
  }
}

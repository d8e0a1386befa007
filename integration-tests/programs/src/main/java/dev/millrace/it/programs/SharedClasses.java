package dev.millrace.it.programs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;

/**
 * The classes of a program as Java reads them fastest (class data sharing): what a first run has
 * loaded is kept for all that follow, each of which takes a quarter less of the processor. Tests
 * start the program by the hundred.
 *
 * <p>Kept beside the tests, for a jar and the {@code lib} beside it; when one of those is newer, a
 * run leaves its classes anew.
 */
public final class SharedClasses {

  private final Path jar;
  private final Path kept;
  private final Path leaving;

  private SharedClasses(Path jar) {
    this.jar = jar;
    this.kept = Path.of("target", jar.getFileName() + ".jsa").toAbsolutePath();
    this.leaving = Path.of("target", jar.getFileName() + ".leaving.jsa").toAbsolutePath();
  }

  /** Of a program. */
  public static SharedClasses of(Path jar) {
    return new SharedClasses(jar);
  }

  /** Options of Java to start it with. */
  public List<String> options() throws IOException {
    return areKept() ? List.of("-Xlog:disable", "-XX:SharedArchiveFile=" + kept) : List.of();
  }

  /**
   * The same, for a run that loads what others will; {@link #keep} is to follow when it is over.
   */
  public List<String> leavingOptions() throws IOException {
    return areKept() ? options() : List.of("-Xlog:disable", "-XX:ArchiveClassesAtExit=" + leaving);
  }

  /** Keeps what a run that came to its end has left, if it has. */
  public void keep() throws IOException {
    if (Files.exists(leaving)) {
      Files.move(leaving, kept, StandardCopyOption.ATOMIC_MOVE);
    }
  }

  private boolean areKept() throws IOException {
    if (!Files.exists(kept)) {
      return false;
    }
    long since = Files.getLastModifiedTime(kept).toMillis();
    try (Stream<Path> libraries = Files.list(jar.resolveSibling("lib"))) {
      return Stream.concat(Stream.of(jar), libraries)
          .allMatch(each -> each.toFile().lastModified() <= since);
    }
  }
}

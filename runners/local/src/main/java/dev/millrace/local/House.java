package dev.millrace.local;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** The directory that Millrace was built in. */
final class House {

  private House() {}

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

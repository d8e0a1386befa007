package dev.millrace.local;

import io.zonky.test.db.postgres.embedded.DefaultPostgresBinaryResolver;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/** The program files of PostgreSQL, unpacked once per directory and version. */
final class PostgresProgram {

  private PostgresProgram() {}

  static String version() {
    Properties properties = new Properties();
    try (InputStream in = PostgresProgram.class.getResourceAsStream("postgres.properties")) {
      properties.load(Objects.requireNonNull(in));
    } catch (IOException unreadable) {
      throw new LocalServerException(
          "Millrace is damaged: postgres.properties cannot be read; build it again.", unreadable);
    }
    return Objects.requireNonNull(properties.getProperty("version"));
  }

  /** Where the program is, below {@code place}; unpacks it if need be. */
  static Path unpackedIn(Path place) throws IOException {
    Path program = place.resolve("server-" + version());
    if (!Files.exists(program)) {
      Path fresh = place.resolve("server.new");
      delete(fresh);
      try (InputStream archive = archive()) {
        unpack(archive, fresh);
      }
      Files.move(fresh, program, StandardCopyOption.ATOMIC_MOVE);
    }
    return program;
  }

  private static InputStream archive() throws IOException {
    String name = System.getProperty("os.name");
    String system =
        name.startsWith("Mac") ? "Darwin" : name.startsWith("Windows") ? "Windows" : name;
    String machine =
        System.getProperty("os.arch").equals("amd64") ? "x86_64" : System.getProperty("os.arch");
    try {
      return DefaultPostgresBinaryResolver.INSTANCE.getPgBinary(system, machine);
    } catch (IllegalStateException none) {
      throw new LocalServerException(
          "Millrace brings no PostgreSQL for "
              + name
              + " on "
              + machine
              + "; name one that runs: --warehouse=jdbc:postgresql://HOST/DATABASE.",
          none);
    }
  }

  private static void unpack(InputStream archive, Path target) throws IOException {
    try (TarArchiveInputStream tar =
        new TarArchiveInputStream(new XZInputStream(new BufferedInputStream(archive, 1 << 16)))) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        Path file = target.resolve(entry.getName()).normalize();
        if (!file.startsWith(target)) {
          throw new IOException("the archive of PostgreSQL leads outside of " + target);
        }
        if (entry.isDirectory()) {
          Files.createDirectories(file);
          continue;
        }
        Files.createDirectories(Objects.requireNonNull(file.getParent()));
        if (entry.isSymbolicLink() || entry.isLink()) {
          Files.createSymbolicLink(file, Path.of(entry.getLinkName()));
        } else {
          Files.copy(tar, file);
          if (Objects.requireNonNull(file.getParent()).endsWith("bin") && isPosix(file)) {
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
          }
        }
      }
    }
  }

  private static boolean isPosix(Path file) {
    return file.getFileSystem().supportedFileAttributeViews().contains("posix");
  }

  static void delete(Path tree) throws IOException {
    if (!Files.exists(tree)) {
      return;
    }
    List<Path> all;
    try (Stream<Path> files = Files.walk(tree)) {
      all = files.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path file : all) {
      Files.delete(file);
    }
  }
}

package dev.millrace.local;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.function.Consumer;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;

/**
 * The program files of the schema registry: fetched and unpacked once per house, and not before
 * they are needed.
 */
final class RegistryProgram {

  private static final String VERSION = "2.6.13.Final";
  private static final MavenArtifact ARTIFACT =
      new MavenArtifact(
          "io.apicurio:apicurio-registry-app:" + VERSION + ":tar.gz:all",
          "apicurio-registry-app-" + VERSION + "-all.tar.gz");
  private static final String SHA256 =
      "3cda1b34aa020fb4ac4dd6a66018d757e81e437f97e20a1f92d366b70091c6ba";

  private final Path home;

  private RegistryProgram(Path home) {
    this.home = home;
  }

  /** Those of the house that this runs in. */
  static RegistryProgram ofThisHouse() {
    return of(
        House.home()
            .orElseThrow(
                () ->
                    new LocalServerException(
                        "The schema registry is fetched with Millrace's Maven wrapper, and there is"
                            + " none beside this program; use the script: ./millrace stack up"
                            + " --registry.",
                        null)));
  }

  /** Those of a house. */
  static RegistryProgram of(Path home) {
    return new RegistryProgram(home);
  }

  /** The jar to start. */
  @SuppressWarnings("try") // a lock is held, not used
  Path jar(Consumer<String> progress) {
    Path place = home.resolve(".millrace/registry");
    Path jar =
        place.resolve("server-" + VERSION + "/apicurio-registry-app-" + VERSION + "-runner.jar");
    if (Files.exists(jar)) {
      return jar;
    }
    try {
      Files.createDirectories(place);
      synchronized (RegistryProgram.class) {
        try (FileChannel channel =
                FileChannel.open(
                    place.resolve("fetch.lock"),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE);
            FileLock turn = channel.lock()) {
          if (!Files.exists(jar)) {
            progress.accept("Fetching the schema registry (142 MB, once)");
            fetch(place, Objects.requireNonNull(jar.getParent()));
          }
        }
      }
      return jar;
    } catch (IOException failed) {
      throw new LocalServerException(
          "The schema registry cannot be kept in " + place + ": " + failed.getMessage() + ".",
          failed);
    }
  }

  private void fetch(Path place, Path program) throws IOException {
    Path archive = place.resolve(ARTIFACT.file());
    if (!Files.exists(archive) || !MavenArtifact.sha256(archive).equals(SHA256)) {
      Path log = place.resolve("fetch.log");
      boolean fetched;
      try {
        fetched = ARTIFACT.copyInto(place, home, log);
      } catch (MavenArtifact.MissingException missing) {
        throw new LocalServerException(
            "The schema registry (142 MB) " + missing.getMessage(), missing);
      }
      if (!fetched) {
        throw new LocalServerException(
            "The schema registry ("
                + ARTIFACT.coordinates()
                + ", 142 MB) could not be fetched from the Maven repository; connect to the network"
                + " and run again. The log is "
                + log
                + ".",
            null);
      }
    }
    String found = MavenArtifact.sha256(archive);
    if (!found.equals(SHA256)) {
      throw new LocalServerException(
          "The schema registry that was fetched is not the expected one (SHA-256 "
              + found
              + "); delete "
              + archive
              + " and the copy in the Maven repository, and run again.",
          null);
    }
    // Moved at the end: a directory of this name is always whole.
    Path fresh = place.resolve("server.new");
    PostgresProgram.delete(fresh);
    try (InputStream in = new BufferedInputStream(Files.newInputStream(archive), 1 << 16);
        InputStream unzipped = new GzipCompressorInputStream(in)) {
      unpack(unzipped, fresh);
    }
    Files.move(fresh, program, StandardCopyOption.ATOMIC_MOVE);
    Files.delete(archive);
  }

  private static void unpack(InputStream archive, Path target) throws IOException {
    try (TarArchiveInputStream tar = new TarArchiveInputStream(archive)) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        Path file = target.resolve(entry.getName()).normalize();
        if (!file.startsWith(target)) {
          throw new IOException("the archive of the registry leads outside of " + target);
        }
        if (entry.isFile()) {
          Files.createDirectories(Objects.requireNonNull(file.getParent()));
          Files.copy(tar, file);
        }
      }
    }
  }
}

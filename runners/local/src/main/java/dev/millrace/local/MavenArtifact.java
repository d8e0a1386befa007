package dev.millrace.local;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A file of the Maven repository that only some commands need: an archive may bring it along;
 * elsewhere it is fetched when a command needs it, with the Maven wrapper of the house.
 *
 * @param coordinates {@code group:artifact:version[:type[:classifier]]}
 * @param file name of the file
 */
public record MavenArtifact(String coordinates, String file) {

  /** The Maven wrapper of a house, if it is there. */
  public static Optional<Path> wrapper(Path home) {
    boolean windows = System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("windows");
    return Optional.of(home.resolve(windows ? "mvnw.cmd" : "mvnw")).filter(Files::exists);
  }

  /**
   * Copies the file into a directory.
   *
   * @param home the directory of the program
   * @param log what the wrapper says goes there; removed if it went well
   * @return whether it went well
   * @throws MissingException if the program can't fetch it
   */
  public boolean copyInto(Path directory, Path home, Path log) throws IOException {
    Path along = home.resolve(House.ARTIFACTS).resolve(file);
    if (Files.exists(along)) {
      Files.copy(along, directory.resolve(file), StandardCopyOption.REPLACE_EXISTING);
      return true;
    }
    Path wrapper = wrapper(home).orElseThrow(() -> new MissingException(advice(along)));
    int status =
        maven(
            List.of(
                wrapper.toString(),
                "--batch-mode",
                "--non-recursive",
                "dependency:copy",
                "-Dartifact=" + coordinates,
                "-DoutputDirectory=" + directory.toAbsolutePath()),
            home,
            log,
            coordinates);
    if (status == 0) {
      Files.delete(log);
    }
    return status == 0;
  }

  private String advice(Path along) {
    return "is not in this archive; fetch it with Maven, and run again: mvn dependency:copy -Dartifact="
        + coordinates
        + " -DoutputDirectory="
        + along.toAbsolutePath().getParent();
  }

  /** A file that is not there, and that this program has no Maven to fetch with. */
  public static final class MissingException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** The rest of a sentence that begins with the name of the file. */
    MissingException(String advice) {
      super(advice);
    }
  }

  /**
   * Runs Maven to its end, and writes what it says to a log.
   *
   * @param what is fetched, for the message
   * @return the exit status
   */
  static int maven(List<String> command, @Nullable Path directory, Path log, String what)
      throws IOException {
    Process process =
        new ProcessBuilder(command)
            .directory(directory == null ? null : directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      process.getOutputStream().close();
      return process.waitFor();
    } catch (InterruptedException interrupted) {
      process.destroy();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while fetching " + what, interrupted);
    }
  }

  /** The SHA-256 of a file, as hexadecimal digits. */
  public static String sha256(Path file) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
        in.transferTo(OutputStream.nullOutputStream());
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}

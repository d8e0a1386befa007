package dev.millrace.runners;

import dev.millrace.local.Disk;
import dev.millrace.local.MavenArtifact;
import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collection;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * FoodMart, the retail data set that pipelines read unless they are told otherwise; fetched once.
 */
final class SampleData {

  /** Below the working directory; the defaults of options begin with it. */
  static final String DIRECTORY = ".millrace/data/foodmart";

  static final List<String> TABLES =
      List.of(
          "customer",
          "product",
          "product_class",
          "promotion",
          "region",
          "sales_fact_1997",
          "sales_fact_1998",
          "sales_fact_dec_1998",
          "store",
          "time_by_day");

  private static final MavenArtifact ARTIFACT =
      new MavenArtifact("net.hydromatic:foodmart-data-json:0.4", "foodmart-data-json-0.4.jar");
  private static final String SHA256 =
      "944629515e6dc853aa9a39c1ec6a82cf4cfbb04f73ade3a1b13e09d0f1d12774";

  /** Megabytes that the archive takes, and with the tables that are unpacked from it. */
  private static final int ARCHIVE_MB = 18;

  private static final int ROOM_MB = 65;

  private SampleData() {}

  /** Whether one of the values leads to the data set and the set is not there. */
  static boolean isMissing(Path workingDirectory, Collection<String> values) {
    return values.stream().anyMatch(value -> value.startsWith(DIRECTORY + "/"))
        && !Files.isDirectory(workingDirectory.resolve(DIRECTORY));
  }

  /**
   * Fetches the data set with the Maven wrapper, or takes the archive's.
   *
   * @param home where Millrace is built or unpacked, if that is known
   */
  static void fetch(Path workingDirectory, @Nullable Path home) throws IOException {
    Path target = workingDirectory.resolve(DIRECTORY);
    Path fetched = workingDirectory.resolve(".millrace/data/fetched");
    Files.createDirectories(fetched);
    Path jar = fetched.resolve(ARTIFACT.file());
    if (!Files.exists(jar) || !MavenArtifact.sha256(jar).equals(SHA256)) {
      copyArtifact(home, fetched);
    }
    unpack(jar, SHA256, target);
    Files.delete(jar);
    Files.delete(fetched);
  }

  /** Unpacks the tables of an archive whose hash is right. */
  static void unpack(Path jar, String expectedSha256, Path target) throws IOException {
    String found = MavenArtifact.sha256(jar);
    if (!found.equals(expectedSha256)) {
      throw new UserError(
          "The FoodMart data that was fetched is not the expected one (SHA-256 "
              + found
              + "); delete "
              + jar
              + " and the copy in the Maven repository, and run again.");
    }
    // Moved at the end: a directory of this name is always whole.
    Path fresh = target.resolveSibling(target.getFileName() + ".new");
    Files.createDirectories(fresh);
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      for (String table : TABLES) {
        ZipEntry entry = zip.getEntry(table + ".json");
        if (entry == null) {
          throw new IOException("the archive holds no table " + table);
        }
        try (InputStream in = zip.getInputStream(entry)) {
          Files.copy(in, fresh.resolve(table + ".json"), StandardCopyOption.REPLACE_EXISTING);
        }
      }
    }
    Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE);
  }

  private static void copyArtifact(@Nullable Path home, Path target) throws IOException {
    if (home == null) {
      throw new UserError(
          "There is no FoodMart data in "
              + DIRECTORY
              + "; run ./millrace, which fetches it, or name files of your own.");
    }
    Path log = target.resolve("fetch.log");
    boolean fetched;
    try {
      fetched = ARTIFACT.copyInto(target, home, log);
    } catch (MavenArtifact.MissingException missing) {
      throw new UserError(
          "The FoodMart data (18 MB) " + missing.getMessage() + ". Or name files of your own.",
          missing);
    }
    if (!fetched && Disk.lacks(target, (ARCHIVE_MB + 1) << 20)) {
      throw new UserError(
          "The disk is too full for the FoodMart data: it takes "
              + ROOM_MB
              + " MB in "
              + target.getParent()
              + " until it is unpacked; free some space and run again.");
    }
    if (!fetched) {
      throw new UserError(
          "The FoodMart data ("
              + ARTIFACT.coordinates()
              + ", 18 MB) could not be fetched from the Maven repository;"
              + " connect to the network and run again, or name files of your own. The log is "
              + log
              + ".");
    }
  }
}

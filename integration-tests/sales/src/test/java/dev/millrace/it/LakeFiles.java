package dev.millrace.it;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsInAnyOrder;
import static org.hamcrest.Matchers.equalTo;

import dev.millrace.pipelines.io.Manifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** A lake as its readers see it. */
final class LakeFiles {

  private LakeFiles() {}

  /** The manifest of a lake that was published. */
  static Manifest manifest(Path lake) {
    Manifest manifest = Manifest.read(lake);
    if (manifest == null) {
      throw new AssertionError("nothing was published in " + lake);
    }
    return manifest;
  }

  /** Asserts that every file the manifest names is there, with the bytes it says. */
  static Manifest whole(Path lake) throws IOException {
    Manifest manifest = manifest(lake);
    for (Manifest.DataFile file : manifest.files()) {
      Path path = lake.resolve(file.path());
      assertThat(file.path() + " is there", Files.exists(path));
      assertThat("SHA-256 of " + file.path(), sha256(path), equalTo(file.sha256()));
      assertThat("size of " + file.path(), Files.size(path), equalTo(file.bytes()));
    }
    return manifest;
  }

  /** Asserts that the lake holds what its manifest names and no other data file. */
  static void holdsNothingElse(Path lake) throws IOException {
    List<String> found =
        hashes(lake).keySet().stream().filter(n -> n.endsWith(".parquet")).toList();
    assertThat(
        "data files of the lake",
        found,
        containsInAnyOrder(
            manifest(lake).files().stream().map(Manifest.DataFile::path).toArray(String[]::new)));
  }

  /** Every file a reader could see, with its hash: those of runs under way are not among them. */
  static Map<String, String> hashes(Path lake) throws IOException {
    Map<String, String> hashes = new TreeMap<>();
    try (Stream<Path> files = Files.walk(lake)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        if (!file.startsWith(lake.resolve(".staging"))) {
          hashes.put(lake.relativize(file).toString(), sha256(file));
        }
      }
    }
    return hashes;
  }

  /** The files of a table as DuckDB reads them. */
  static String table(Path lake, String layer, String table) {
    List<String> files =
        manifest(lake).table(layer, table).stream()
            .map(file -> "'" + lake.resolve(file.path()) + "'")
            .toList();
    return "read_parquet([" + String.join(", ", files) + "], hive_partitioning = false)";
  }

  static String sha256(Path file) throws IOException {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}

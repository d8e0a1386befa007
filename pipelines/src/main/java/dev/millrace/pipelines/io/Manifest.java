package dev.millrace.pipelines.io;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a lake holds: the one file that readers trust, replaced atomically when a run is published.
 *
 * @param pipeline pipeline that stated it
 * @param run id of the run
 * @param files the data files, sorted by path
 */
@JsonPropertyOrder({"pipeline", "run", "files"})
public record Manifest(String pipeline, String run, List<DataFile> files) {

  /** Name of the file, in the root of the lake. */
  public static final String NAME = "manifest.json";

  private static final Set<String> LAYERS = Set.of("bronze", "silver", "gold", "rejects");

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  /**
   * A data file.
   *
   * @param path relative to the lake, with {@code /}
   * @param layer {@code bronze}, {@code silver}, {@code gold} or {@code rejects}
   * @param table name of the table
   * @param partition such as {@code month=1997-01}; empty if the table has none
   * @param rows rows in it
   * @param bytes its size
   * @param sha256 of its bytes, in hexadecimal
   */
  @JsonPropertyOrder({"path", "layer", "table", "partition", "rows", "bytes", "sha256"})
  public record DataFile(
      String path,
      String layer,
      String table,
      String partition,
      long rows,
      long bytes,
      String sha256) {}

  /**
   * The manifest of a lake, or null if nothing was published there yet.
   *
   * @throws UserError if it is damaged
   */
  public static @Nullable Manifest read(Path lake) {
    Path file = lake.resolve(NAME);
    if (!Files.exists(file)) {
      return null;
    }
    try {
      return JSON.readValue(file.toFile(), Manifest.class);
    } catch (JsonProcessingException damaged) {
      throw new UserError(
          "The manifest '"
              + file
              + "' is damaged ("
              + damaged.getOriginalMessage()
              + "); restore it, or delete it and run the pipeline again.",
          damaged);
    } catch (IOException unreadable) {
      throw new UncheckedIOException("the manifest " + file + " cannot be read", unreadable);
    }
  }

  /** The files of a table. */
  public List<DataFile> table(String layer, String table) {
    return files.stream().filter(f -> f.layer().equals(layer) && f.table().equals(table)).toList();
  }

  /** Replaces the manifest of a lake: readers see the old one or this one. */
  void publish(Path lake) throws IOException {
    Path next = lake.resolve("." + NAME + "." + run);
    JSON.writeValue(next.toFile(), this);
    try {
      Files.move(
          next,
          lake.resolve(NAME),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException other) {
      Files.move(next, lake.resolve(NAME), StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /**
   * The files of the table whose directory this is, {@code LAKE/LAYER/TABLE}; null if it is in no
   * lake.
   */
  static @Nullable List<String> filesOfTableAt(Path directory) {
    Path absolute = directory.toAbsolutePath().normalize();
    Path layer = absolute.getParent();
    Path lake = layer == null ? null : layer.getParent();
    if (layer == null || lake == null || !LAYERS.contains(String.valueOf(layer.getFileName()))) {
      return null;
    }
    Manifest manifest = read(lake);
    if (manifest == null) {
      return null;
    }
    return manifest
        .table(String.valueOf(layer.getFileName()), String.valueOf(absolute.getFileName()))
        .stream()
        .map(f -> lake.resolve(f.path()).toString())
        .toList();
  }
}

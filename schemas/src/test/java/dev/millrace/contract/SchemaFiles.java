package dev.millrace.contract;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.apache.avro.Schema;

/** The schema files of this module, as they stand in the source tree. */
final class SchemaFiles {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path MODULE = Path.of(System.getProperty("basedir", "."));

  private SchemaFiles() {}

  /** Where the contracts of each name stand in src/main/avro. */
  static Map<String, Path> byName() {
    Map<String, Path> files = new TreeMap<>();
    try (Stream<Path> paths = Files.walk(MODULE.resolve("src/main/avro"))) {
      for (Path path : paths.filter(p -> p.toString().endsWith(".avsc")).toList()) {
        String name = JSON.readTree(path.toFile()).get("name").asText();
        Path earlier = files.put(name, MODULE.relativize(path));
        if (earlier != null) {
          throw new IllegalStateException(name + " stands in " + earlier + " and in " + path);
        }
      }
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
    return files;
  }

  static Path released() {
    return MODULE.resolve("src/main/released");
  }

  static Path releasedOnClasspath() {
    return MODULE.resolve("target/classes/released");
  }

  /** The page of the contracts, from the root of the repository. */
  static Path page() {
    return MODULE.resolve("../docs/contracts.md").normalize();
  }

  /** A schema with everything it needs in itself, one field a line, as the files are written. */
  static String text(Schema schema) {
    try {
      JsonNode record = JSON.readTree(schema.toString());
      dropHints(record);
      return record.properties().stream()
          .map(
              p ->
                  "  \""
                      + p.getKey()
                      + "\": "
                      + (p.getKey().equals("fields") ? lines(p.getValue()) : p.getValue()))
          .collect(Collectors.joining(",\n", "{\n", "\n}\n"));
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
  }

  private static String lines(JsonNode fields) {
    return StreamSupport.stream(fields.spliterator(), false)
        .map(field -> "    " + field)
        .collect(Collectors.joining(",\n", "[\n", "\n  ]"));
  }

  /** Takes out what is for the code generator only. */
  private static void dropHints(JsonNode node) {
    if (node instanceof ObjectNode object) {
      object.remove("avro.java.string");
      object
          .properties()
          .forEach(
              p -> {
                if (isBareString(p.getValue())) {
                  object.put(p.getKey(), "string");
                }
              });
    } else if (node instanceof ArrayNode array) {
      for (int i = 0; i < array.size(); i++) {
        if (isBareString(array.get(i))) {
          array.set(i, "string");
        }
      }
    }
    node.forEach(SchemaFiles::dropHints);
  }

  private static boolean isBareString(JsonNode type) {
    return type.isObject()
        && type.path("type").asText().equals("string")
        && type.has("avro.java.string");
  }
}

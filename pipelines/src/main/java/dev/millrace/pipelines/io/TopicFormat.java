package dev.millrace.pipelines.io;

import dev.millrace.pipelines.UserError;
import java.io.Serializable;
import java.net.URI;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the values of a topic are: JSON, or Avro in the wire format of Confluent's serializers,
 * whose schemas a registry has.
 *
 * @param option the option that names the topic: messages begin with it
 * @param registry address of the registry; null for JSON
 */
record TopicFormat(String option, @Nullable String registry) implements Serializable {

  private static final List<String> PARAMETERS = List.of("format", "registry");

  private static final Pattern ADDRESS =
      Pattern.compile("(?:https?://)?[A-Za-z0-9._\\[\\]:-]+(?:/[A-Za-z0-9._~/-]*)?");

  /** Parameters of a URI, with those that say the format. */
  static Set<String> with(String... others) {
    Set<String> parameters = new HashSet<>(PARAMETERS);
    parameters.addAll(List.of(others));
    return Set.copyOf(parameters);
  }

  /** The format that the parameters of a URI say. */
  static TopicFormat of(TopicUri uri) {
    String format = uri.parameters().getOrDefault("format", "json");
    String registry = uri.parameters().get("registry");
    return switch (format) {
      case "json" -> {
        if (registry != null) {
          throw new UserError(uri.option() + ": 'registry' is for format=avro; leave it out.");
        }
        yield new TopicFormat(uri.option(), null);
      }
      case "avro" -> {
        if (registry == null) {
          throw new UserError(
              uri.option()
                  + ": format=avro needs the registry that has the schemas; add"
                  + " '&registry=127.0.0.1:8081/apis/ccompat/v7'.");
        }
        yield new TopicFormat(uri.option(), address(uri, registry));
      }
      default -> throw uri.wrong("format", "format=json or format=avro");
    };
  }

  private static String address(TopicUri uri, String registry) {
    String url = (registry.contains("://") ? "" : "http://") + registry;
    try {
      if (ADDRESS.matcher(registry).matches() && URI.create(url).getHost() != null) {
        return url.replaceFirst("/+$", "");
      }
    } catch (IllegalArgumentException noUrl) {
      // told below
    }
    throw uri.wrong("registry", "registry=host:port/path, as in 127.0.0.1:8081/apis/ccompat/v7");
  }

  /** The parameters that say it, such as {@code format=avro&registry=…}; empty for JSON. */
  String parameters() {
    return registry == null ? "" : "format=avro&registry=" + registry.replaceFirst("^http://", "");
  }

  /** The registry, where there is one. */
  @Nullable SchemaRegistry schemas() {
    return registry == null ? null : new SchemaRegistry(option, registry);
  }

  /** Checks that the registry answers, where there is one. */
  void check() {
    SchemaRegistry schemas = schemas();
    if (schemas != null) {
      schemas.check();
    }
  }

  /** What turns values into JSON. */
  TopicValues values() {
    SchemaRegistry schemas = schemas();
    return schemas == null ? value -> value : new WireValues(schemas::schema);
  }

  /** Turns the value of a record into the JSON that the refining pass reads. */
  @FunctionalInterface
  interface TopicValues {
    /** The JSON; the value itself if it cannot be turned into any. */
    byte[] json(byte[] value);
  }
}

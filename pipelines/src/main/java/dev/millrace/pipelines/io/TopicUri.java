package dev.millrace.pipelines.io;

import dev.millrace.pipelines.UserError;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * {@code kafka://host:port[,host:port]/topic?name=value&name=value}, checked.
 *
 * @param option the option that names it: messages begin with it
 * @param servers for {@code bootstrap.servers}
 * @param topic name of the topic
 * @param parameters name to value
 */
record TopicUri(String option, String servers, String topic, Map<String, String> parameters) {

  private static final String FORM = "kafka://host:port/topic";
  private static final Pattern URI =
      Pattern.compile("kafka://([^/?#]*)/([^/?#]*)(?:\\?([^#]*))?", Pattern.CASE_INSENSITIVE);
  private static final Pattern SERVER =
      Pattern.compile("(?:[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\]):(\\d{1,5})");
  private static final Pattern TOPIC = Pattern.compile("(?!\\.{1,2}$)[A-Za-z0-9._-]{1,249}");

  /** Makes it immutable. */
  TopicUri {
    parameters = Collections.unmodifiableMap(new TreeMap<>(parameters));
  }

  /** Whether a URI means a topic, whatever else may be wrong with it. */
  static boolean isMeantBy(String uri) {
    return uri.regionMatches(true, 0, "kafka:", 0, "kafka:".length());
  }

  /**
   * The parts of a URI.
   *
   * @param known names that parameters may have
   * @throws UserError that says what is wrong with it
   */
  static TopicUri parse(String option, String uri, Set<String> known) {
    if (uri.contains("@")) {
      // Not quoted: what stands before the @ can be a password.
      throw new UserError(
          option + ": the URI of a topic takes no user and no password; write " + FORM + ".");
    }
    Matcher parts = URI.matcher(uri);
    if (!parts.matches()) {
      throw new UserError(option + " is '" + uri + "', which names no topic; write " + FORM + ".");
    }
    String servers = parts.group(1);
    for (String server : servers.split(",", -1)) {
      Matcher address = SERVER.matcher(server);
      if (!address.matches() || !isPort(address.group(1))) {
        throw new UserError(
            option
                + " is '"
                + uri
                + "', in which '"
                + server
                + "' is no host:port; write "
                + FORM
                + ", several brokers with commas.");
      }
    }
    String topic = parts.group(2);
    if (!TOPIC.matcher(topic).matches()) {
      throw new UserError(
          option
              + " is '"
              + uri
              + "', in which '"
              + topic
              + "' is no name of a topic; a name has letters, digits, '.', '_' and '-'.");
    }
    return new TopicUri(option, servers, topic, parameters(option, parts.group(3), known));
  }

  private static boolean isPort(String digits) {
    int port = Integer.parseInt(digits);
    return port > 0 && port < 65_536;
  }

  private static Map<String, String> parameters(
      String option, @Nullable String query, Set<String> known) {
    Map<String, String> parameters = new TreeMap<>();
    for (String part : query == null || query.isEmpty() ? List.<String>of() : split(query)) {
      int equals = part.indexOf('=');
      String name = equals < 0 ? part : part.substring(0, equals);
      if (!known.contains(name)) {
        throw new UserError(
            option
                + ": a topic has no parameter '"
                + name
                + "' here; there are "
                + String.join(", ", new TreeSet<>(known))
                + ".");
      }
      if (parameters.put(name, equals < 0 ? "" : part.substring(equals + 1)) != null) {
        throw new UserError(option + " gives '" + name + "' twice; give it once.");
      }
    }
    return parameters;
  }

  private static List<String> split(String query) {
    return List.of(query.split("&", -1));
  }

  /** An error about the value of a parameter. */
  UserError wrong(String parameter, String write) {
    return new UserError(
        option
            + ": '"
            + parameter
            + "="
            + parameters.get(parameter)
            + "' is not understood; write "
            + write
            + ".");
  }
}

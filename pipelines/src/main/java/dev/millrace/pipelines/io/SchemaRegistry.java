package dev.millrace.pipelines.io;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * A schema registry with the REST interface of Confluent's. One that does not answer is asked again
 * a few times; then a {@link UserError} says so.
 */
final class SchemaRegistry {

  private static final String TYPE = "application/vnd.schemaregistry.v1+json";
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final int MESSAGE = 200;
  private static final int TRIES = 4;
  private static final Duration PAUSE = Duration.ofMillis(250);
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(PATIENCE).build();

  private final String option;
  private final String url;

  /**
   * @param option the option that names it: messages begin with it
   * @param url of the interface
   */
  SchemaRegistry(String option, String url) {
    this.option = option;
    this.url = url;
  }

  /** Checks that a registry answers. */
  void check() {
    JsonNode subjects = json(answered(request("/subjects").GET().build()));
    if (subjects == null || !subjects.isArray()) {
      throw noRegistry("names no subjects");
    }
  }

  /** The schema of an id; empty if there is none, or none of Avro that stands alone. */
  Optional<Schema> schema(int id) {
    HttpResponse<String> answer =
        answered(request("/schemas/ids/" + Integer.toUnsignedString(id)).GET().build());
    if (answer.statusCode() == 404) {
      return Optional.empty();
    }
    JsonNode found = json(answer);
    if (found == null || !found.path("schema").isTextual()) {
      throw noRegistry("gives no schema");
    }
    try {
      return Optional.of(
          new Schema.Parser().setValidateDefaults(false).parse(found.path("schema").asText()));
    } catch (RuntimeException | StackOverflowError notAvro) {
      return Optional.empty();
    }
  }

  /** Registers a schema under a subject and returns its id. */
  int register(String subject, Schema schema) {
    ObjectNode body = JSON.createObjectNode().put("schema", schema.toString());
    HttpResponse<String> answer =
        answered(
            request("/subjects/" + subject + "/versions")
                .header("Content-Type", TYPE)
                .POST(HttpRequest.BodyPublishers.ofString(body.toString(), StandardCharsets.UTF_8))
                .build());
    JsonNode said = json(answer);
    if (answer.statusCode() == 409) {
      throw new UserError(
          option
              + ": the registry at "
              + url
              + " refuses the schema of "
              + schema.getName()
              + " for the subject '"
              + subject
              + "', since it does not go with the one that is there ("
              + shortened(said == null ? "" : said.path("message").asText())
              + "); name another topic, or change the rule of the subject.");
    }
    if (said == null || !said.path("id").isInt()) {
      throw noRegistry("gives no id for a schema");
    }
    return said.path("id").asInt();
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(url + path))
        .timeout(PATIENCE)
        .header("Accept", TYPE + ", application/json");
  }

  /** The body, if it is JSON. */
  private static @Nullable JsonNode json(HttpResponse<String> answer) {
    try {
      return JSON.readTree(answer.body());
    } catch (IOException noJson) {
      return null;
    }
  }

  /** The answer, once it is one: 2xx, or what the asker knows to take. */
  private HttpResponse<String> answered(HttpRequest request) {
    String what = "";
    IOException failure = null;
    for (int attempt = 1; attempt <= TRIES; attempt++) {
      if (attempt > 1) {
        LockSupport.parkNanos(PAUSE.multipliedBy(attempt).toNanos());
      }
      try {
        HttpResponse<String> answer = HTTP.send(request, BodyHandlers.ofString());
        int status = answer.statusCode();
        if (status < 300 || status == 404 || status == 409) {
          return answer;
        }
        if (status < 500 && status != 429) {
          throw noRegistry("answers with status " + status);
        }
        what = "status " + status;
      } catch (IOException failed) {
        failure = failed;
        what = failed.getMessage() == null ? "no connection" : failed.getMessage();
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while waiting for a registry", interrupted);
      }
    }
    String message =
        option
            + ": the schema registry does not answer at "
            + url
            + " ("
            + what
            + "); start it (millrace stack up --registry), or check the address.";
    throw failure == null ? new UserError(message) : new UserError(message, failure);
  }

  private static String shortened(String message) {
    return message.length() <= MESSAGE ? message : message.substring(0, MESSAGE) + "…";
  }

  private UserError noRegistry(String what) {
    return new UserError(
        option
            + ": what answers at "
            + url
            + " is no schema registry: it "
            + what
            + "; the address ends as in 127.0.0.1:8081/apis/ccompat/v7.");
  }
}

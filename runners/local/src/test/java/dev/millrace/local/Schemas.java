package dev.millrace.local;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;

/** Schemas of a registry, by its REST interface. */
final class Schemas {

  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private Schemas() {}

  /** Registers a record with one field of a type. */
  static HttpResponse<String> register(String registry, String subject, String type)
      throws IOException, InterruptedException {
    String body =
        """
        {"schema": "{\\"type\\":\\"record\\",\\"name\\":\\"R\\",\\"fields\\":[{\\"name\\":\\"x\\",\\"type\\":\\"%s\\"}]}"}
        """
            .formatted(type);
    return HTTP.send(
        HttpRequest.newBuilder(URI.create(registry + "/subjects/" + subject + "/versions"))
            .header("Content-Type", "application/vnd.schemaregistry.v1+json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }

  static String get(String url) throws IOException, InterruptedException {
    return HTTP.send(HttpRequest.newBuilder(URI.create(url)).build(), BodyHandlers.ofString())
        .body();
  }
}

package dev.millrace.benchmarks.flink;

import java.net.URI;
import java.nio.file.Path;

/**
 * Events to work through: a file, or so many records of a topic.
 *
 * @param uri path of a file, or {@code kafka://host:port/topic}
 * @param records of the topic; 0 for a file
 */
record EventsInput(String uri, long records) {

  /** Reads an argument: a path, or {@code RECORDS@kafka://host:port/topic}. */
  static EventsInput of(String argument) {
    int at = argument.indexOf("@kafka://");
    return at < 0
        ? new EventsInput(argument, 0)
        : new EventsInput(argument.substring(at + 1), Long.parseLong(argument.substring(0, at)));
  }

  boolean isTopic() {
    return records > 0;
  }

  Path path() {
    return Path.of(uri);
  }

  String servers() {
    return URI.create(uri).getAuthority();
  }

  String topic() {
    return URI.create(uri).getPath().substring(1);
  }
}

package dev.millrace.benchmarks.flink;

import java.net.URI;
import java.nio.file.Path;
import java.util.function.Function;

/**
 * Events to work through: a file, the files of a directory, or so many records of a topic.
 *
 * @param uri path of a file or directory, or {@code kafka://host:port/topic}
 * @param records of the topic; 0 for a file
 * @param bySession whether they are summed by session, of which there are many, or by action
 */
record EventsInput(String uri, long records, boolean bySession) {

  /** Reads an argument: a path, or {@code RECORDS@kafka://host:port/topic}. */
  static EventsInput of(String argument, boolean bySession) {
    int at = argument.indexOf("@kafka://");
    return at < 0
        ? new EventsInput(argument, 0, bySession)
        : new EventsInput(
            argument.substring(at + 1), Long.parseLong(argument.substring(0, at)), bySession);
  }

  /** What events are summed by. */
  Function<Event, String> key() {
    return bySession ? event -> event.session : event -> event.action;
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

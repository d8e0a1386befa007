package dev.millrace.local;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.KafkaException;

/** One Kafka broker. */
final class KafkaServer extends JavaServer {

  private static final String MODULE = "runners/kafka/target";

  KafkaServer(Path place) {
    super("Kafka", place, "broker");
  }

  @Override
  List<String> java(int port) {
    return List.of(
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-Djava.awt.headless=true",
        "-Dfile.encoding=UTF-8",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
        "-cp",
        classPath(),
        "dev.millrace.kafka.Broker",
        place().toString(),
        Integer.toString(port));
  }

  @Override
  List<String> attached(List<String> command) {
    List<String> attached = new ArrayList<>(command);
    attached.add("attached");
    return attached;
  }

  @Override
  boolean writesRunFile() {
    return true;
  }

  /** Whether the broker says who belongs to its cluster. */
  @Override
  boolean answers(Run run, Duration patience) {
    int millis = (int) patience.toMillis();
    Admin admin =
        Admin.create(
            Map.of(
                AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG,
                run.address(),
                AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG,
                millis,
                AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                millis));
    try {
      return !admin.describeCluster().nodes().get(millis, TimeUnit.MILLISECONDS).isEmpty();
    } catch (ExecutionException | TimeoutException | KafkaException silent) {
      return false;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      // Without a limit it waits for an answer that never comes.
      admin.close(Duration.ZERO);
    }
  }

  @Override
  String reason(List<String> log) {
    return log.stream()
        .filter(line -> line.startsWith("FATAL: "))
        .map(line -> line.substring("FATAL: ".length()))
        .reduce("", (before, after) -> after);
  }

  /** The broker's classes and libraries: of the archive, or beside this module, in the house. */
  private static String classPath() {
    return House.archived("kafka")
        .map(Path::toString)
        .or(
            () ->
                House.find(
                        up ->
                            Files.isDirectory(up.resolve(MODULE).resolve("lib"))
                                && Files.isDirectory(up.resolve(MODULE).resolve("classes")))
                    .map(house -> house.resolve(MODULE))
                    .map(
                        built ->
                            built.resolve("classes")
                                + File.pathSeparator
                                + built.resolve("lib")
                                + "/*"))
        .orElseThrow(
            () ->
                new LocalServerException(
                    "The Kafka broker is not built; build it: ./mvnw -pl runners/kafka -am package.",
                    null));
  }
}

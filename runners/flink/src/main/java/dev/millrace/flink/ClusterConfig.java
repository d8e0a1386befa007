package dev.millrace.flink;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.configuration.GlobalConfiguration;
import org.jspecify.annotations.Nullable;

/**
 * Flink's own configuration of one run, as the directory Beam takes it from; it may go as soon as
 * the job is submitted.
 */
final class ClusterConfig implements AutoCloseable {

  private static final String FILE = "config.yaml";
  private static final String LOOPBACK = "127.0.0.1";

  private final Path directory;

  private ClusterConfig(Path directory) {
    this.directory = directory;
  }

  /**
   * Writes it.
   *
   * @param given a directory with a configuration of the user's, which goes before
   */
  static ClusterConfig write(@Nullable Path given, boolean stream) {
    Map<String, String> settings = defaults(stream);
    if (given != null) {
      settings.putAll(GlobalConfiguration.loadConfiguration(given.toString()).toMap());
    }
    settings.put("execution.job-listeners", SubmittedJob.class.getName());
    try {
      Path directory = Files.createTempDirectory("millrace-flink");
      // JSON is YAML.
      new ObjectMapper().writeValue(directory.resolve(FILE).toFile(), settings);
      return new ClusterConfig(directory);
    } catch (IOException unwritten) {
      throw new UncheckedIOException(unwritten);
    }
  }

  private static Map<String, String> defaults(boolean stream) {
    Map<String, String> settings = new LinkedHashMap<>();
    // The cluster inside the process opens ports for itself: nobody else reaches them.
    settings.put("rest.address", LOOPBACK);
    settings.put("rest.bind-address", LOOPBACK);
    settings.put("jobmanager.rpc.address", LOOPBACK);
    settings.put("jobmanager.bind-host", LOOPBACK);
    settings.put("taskmanager.host", LOOPBACK);
    settings.put("taskmanager.bind-host", LOOPBACK);
    if (stream) {
      // A server that was away for a moment is got over; a fault in the data or the code, which
      // comes back after every restart, ends the run.
      settings.put("restart-strategy.type", "failure-rate");
      settings.put("restart-strategy.failure-rate.max-failures-per-interval", "3");
      settings.put("restart-strategy.failure-rate.failure-rate-interval", "5 min");
      settings.put("restart-strategy.failure-rate.delay", "2 s");
      settings.put("state.checkpoints.num-retained", "3");
    } else {
      // A batch that failed is run again by whoever started it: it published nothing.
      settings.put("restart-strategy.type", "none");
      // Blocks of records are larger than the little that each of many sorts has: they are sorted
      // by their keys, beside it.
      settings.put("taskmanager.runtime.large-record-handler", "true");
    }
    return settings;
  }

  Path directory() {
    return directory;
  }

  @Override
  public void close() {
    try {
      Files.deleteIfExists(directory.resolve(FILE));
      Files.deleteIfExists(directory);
    } catch (IOException left) {
      throw new UncheckedIOException(left);
    }
  }
}

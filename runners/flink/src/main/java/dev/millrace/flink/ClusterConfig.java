package dev.millrace.flink;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.commons.io.FileUtils;
import org.apache.flink.configuration.GlobalConfiguration;
import org.jspecify.annotations.Nullable;

/** Flink's own configuration of one run, as the directory Beam takes it from. */
final class ClusterConfig {

  private static final String LOOPBACK = "127.0.0.1";

  private static @Nullable Path all;

  private ClusterConfig() {}

  /**
   * Writes it into a directory that goes with the process, and with it what Flink keeps in files
   * meanwhile. Whoever is done with it before may delete it.
   *
   * @param given a directory with a configuration of the user's, which goes before
   * @param own whether the cluster is inside this process; else it has its own configuration, and
   *     this is that of a job
   */
  static Path write(@Nullable Path given, boolean stream, boolean own) {
    try {
      Path directory = Files.createTempDirectory(ofTheProcess(), "run");
      Map<String, String> settings = new LinkedHashMap<>();
      if (own) {
        settings.putAll(inside(directory));
      }
      settings.putAll(job(stream));
      if (!own && stream) {
        // How often it may fail is the cluster's to say: one process that dies can be many
        // failures.
        settings.keySet().removeIf(name -> name.startsWith("restart-strategy."));
      }
      if (given != null) {
        settings.putAll(GlobalConfiguration.loadConfiguration(given.toString()).toMap());
      }
      settings.put("execution.job-listeners", SubmittedJob.class.getName());
      // JSON is YAML.
      new ObjectMapper().writeValue(directory.resolve("config.yaml").toFile(), settings);
      return directory;
    } catch (IOException unwritten) {
      throw new UncheckedIOException(unwritten);
    }
  }

  /** One for all runs: a process that repeats a run would gather what cleans up after each. */
  private static synchronized Path ofTheProcess() throws IOException {
    if (all == null) {
      Path directory = Files.createTempDirectory("millrace-flink");
      Runtime.getRuntime()
          .addShutdownHook(new Thread(() -> FileUtils.deleteQuietly(directory.toFile())));
      all = directory;
    }
    return all;
  }

  private static Map<String, String> inside(Path directory) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("io.tmp.dirs", directory.toString());
    settings.put("web.tmpdir", directory.toString());
    // The cluster inside the process opens ports for itself: nobody else reaches them.
    settings.put("rest.address", LOOPBACK);
    settings.put("rest.bind-address", LOOPBACK);
    settings.put("jobmanager.rpc.address", LOOPBACK);
    settings.put("jobmanager.bind-host", LOOPBACK);
    settings.put("taskmanager.host", LOOPBACK);
    settings.put("taskmanager.bind-host", LOOPBACK);
    return settings;
  }

  private static Map<String, String> job(boolean stream) {
    Map<String, String> settings = new LinkedHashMap<>();
    if (stream) {
      // A server that was away for a moment is got over; a fault in the data or the code, which
      // comes back after every restart, ends the run.
      settings.put("restart-strategy.type", "failure-rate");
      settings.put("restart-strategy.failure-rate.max-failures-per-interval", "3");
      settings.put("restart-strategy.failure-rate.failure-rate-interval", "5 min");
      settings.put("restart-strategy.failure-rate.delay", "2 s");
      settings.put("state.checkpoints.num-retained", "3");
      // How long a record waits on its way to the next task for others to go with it.
      settings.put("execution.buffer-timeout.interval", "20 ms");
    } else {
      // A batch that failed is run again by whoever started it: it published nothing.
      settings.put("restart-strategy.type", "none");
      // Blocks of records are larger than the little that each of many sorts has: they are sorted
      // by their keys, beside it.
      settings.put("taskmanager.runtime.large-record-handler", "true");
    }
    return settings;
  }
}

package dev.millrace.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** One process of a Flink cluster. All of a cluster share a directory and a configuration. */
abstract class FlinkServer extends JavaServer {

  private static final Pattern ERROR = Pattern.compile("^\\S+ \\S+ (?:ERROR|FATAL) +\\S+ +- (.*)");

  /** The variable with more options for Java, such as {@code -Xmx2g}; later ones win. */
  private static final String MORE_OPTIONS = "MILLRACE_FLINK_JAVA_OPTS";

  /** What Flink reaches into, as its own start scripts say. */
  private static final List<String> OPENS =
      List.of(
          "java.lang",
          "java.net",
          "java.io",
          "java.nio",
          "sun.nio.ch",
          "java.lang.reflect",
          "java.text",
          "java.time",
          "java.util",
          "java.util.concurrent",
          "java.util.concurrent.atomic",
          "java.util.concurrent.locks");

  private final Consumer<String> progress;

  private FlinkServer(String name, Path place, String files, Consumer<String> progress) {
    super(name, place, files);
    this.progress = progress;
  }

  /** Where its configuration is, which the JobManager writes. */
  final Path configuration() {
    return place().resolve("conf");
  }

  final List<String> java(List<String> memory, String main, List<String> arguments) {
    List<String> command = new ArrayList<>(memory);
    String more = System.getenv().getOrDefault(MORE_OPTIONS, "").strip();
    if (!more.isEmpty()) {
      command.addAll(List.of(more.split("\\s+", -1)));
    }
    command.add("-XX:+ExitOnOutOfMemoryError");
    command.add("-Djava.awt.headless=true");
    command.add("-Dfile.encoding=UTF-8");
    command.add("-Dlog.file=" + log());
    command.add("-Dlog4j.configurationFile=" + configuration().resolve("log4j.properties").toUri());
    OPENS.forEach(opened -> command.add("--add-opens=java.base/" + opened + "=ALL-UNNAMED"));
    for (String exported :
        List.of(
            "java.base/sun.net.util",
            "java.rmi/sun.rmi.registry",
            "java.security.jgss/sun.security.krb5")) {
      command.add("--add-exports=" + exported + "=ALL-UNNAMED");
    }
    command.addAll(List.of("-cp", FlinkProgram.classPath(progress), main));
    command.addAll(List.of("--configDir", configuration().toString()));
    command.addAll(arguments);
    return command;
  }

  @Override
  boolean writesRunFile() {
    return false;
  }

  @Override
  String reason(List<String> log) {
    String reason = "";
    for (String line : log) {
      Matcher said = ERROR.matcher(line);
      if (said.find()) {
        reason = said.group(1).strip();
      } else if (line.startsWith("Caused by: ")) {
        reason = line.replaceFirst("^Caused by: (?:[\\w.$]+: )?", "").strip();
      }
    }
    return reason.replaceFirst("\\.$", "");
  }

  static Optional<String> get(String address, String path, Duration patience) {
    try {
      HttpResponse<String> response =
          HttpClient.newBuilder()
              .connectTimeout(patience)
              .build()
              .send(
                  HttpRequest.newBuilder(URI.create("http://" + address + path))
                      .timeout(patience)
                      .build(),
                  HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
      return response.statusCode() == 200 ? Optional.of(response.body()) : Optional.empty();
    } catch (IOException silent) {
      return Optional.empty();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  /** The process that clients speak to. */
  static final class JobManager extends FlinkServer {

    private static final String LOGGING =
        """
        rootLogger.level = INFO
        rootLogger.appenderRef.console.ref = console
        appender.console.name = console
        appender.console.type = CONSOLE
        appender.console.layout.type = PatternLayout
        appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss.SSS} %-5p %-40c{1.} - %m%n
        logger.pekko.name = org.apache.pekko
        logger.pekko.level = WARN
        logger.kafka.name = org.apache.kafka
        logger.kafka.level = WARN
        logger.zookeeper.name = org.apache.zookeeper
        logger.zookeeper.level = WARN
        # It warns of each operator whose name is long, and Beam's are.
        logger.metrics.name = org.apache.flink.metrics.MetricGroup
        logger.metrics.level = ERROR
        """;

    private final FlinkSize size;

    JobManager(Path place, FlinkSize size, Consumer<String> progress) {
      super(LocalStack.FLINK, place, "jobmanager", progress);
      this.size = size;
    }

    /** Where Prometheus finds the metrics of the JobManager. */
    @Override
    String note() {
      return "metrics at " + metrics(place(), 0);
    }

    @Override
    List<String> java(int port) {
      try {
        Files.createDirectories(configuration());
        Files.writeString(
            configuration().resolve("config.yaml"),
            settings(port, Ports.besides(port)).entrySet().stream()
                .map(setting -> setting.getKey() + ": " + setting.getValue() + "\n")
                .collect(Collectors.joining()));
        Files.writeString(configuration().resolve("log4j.properties"), LOGGING);
        metricsPort(place(), 0, Ports.free(9249));
      } catch (IOException failed) {
        throw new UncheckedIOException(failed);
      }
      return java(
          List.of("-Xmx512m", "-XX:MaxMetaspaceSize=256m", "-XX:+UseSerialGC"),
          "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
          List.of("--executionMode", "cluster", "-D", metricsSetting(place(), 0)));
    }

    /** Flink's configuration, whole: YAML of which JSON texts are a part. */
    private Map<String, String> settings(int port, int rpcPort) {
      Map<String, String> settings = new LinkedHashMap<>();
      for (String host :
          List.of(
              "rest.address",
              "rest.bind-address",
              "jobmanager.rpc.address",
              "jobmanager.bind-host",
              "taskmanager.host",
              "taskmanager.bind-host")) {
        settings.put(host, "127.0.0.1");
      }
      settings.put("rest.port", Integer.toString(port));
      settings.put("jobmanager.rpc.port", Integer.toString(rpcPort));
      settings.put("io.tmp.dirs", quoted(place().resolve("tmp").toString()));

      // What a slot has is its own: JobManager and tasks of others don't matter to it.
      settings.put("taskmanager.numberOfTaskSlots", Integer.toString(size.slots()));
      settings.put("taskmanager.cpu.cores", Integer.toString(size.slots()));
      settings.put("taskmanager.memory.framework.heap.size", "128m");
      settings.put("taskmanager.memory.framework.off-heap.size", "128m");
      settings.put("taskmanager.memory.task.heap.size", size.heapMegabytes() + "m");
      settings.put("taskmanager.memory.task.off-heap.size", "0m");
      settings.put("taskmanager.memory.managed.size", size.managedMegabytes() + "m");
      // Of a hundred shuffles of a batch each wants 512 buffers by default, of 32 KB.
      settings.put("taskmanager.network.sort-shuffle.min-buffers", "64");
      settings.put("taskmanager.memory.network.min", "256m");
      settings.put("taskmanager.memory.network.max", "256m");
      settings.put("taskmanager.memory.jvm-metaspace.size", "512m");
      settings.put("taskmanager.memory.jvm-overhead.min", "192m");
      settings.put("taskmanager.memory.jvm-overhead.max", "192m");

      settings.put("state.backend.type", "rocksdb");
      settings.put("state.backend.incremental", "true");
      settings.put("state.checkpoints.dir", quoted(place().resolve("checkpoints").toUri()));
      settings.put("state.savepoints.dir", quoted(place().resolve("savepoints").toUri()));
      settings.put("state.checkpoints.num-retained", "3");
      settings.put("execution.checkpointing.interval", "10 s");
      settings.put(
          "execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION");
      settings.put("restart-strategy.type", "failure-rate");
      // Of one cause there can be several: each task of a process that died may tell of its own.
      settings.put("restart-strategy.failure-rate.max-failures-per-interval", "10");
      settings.put("restart-strategy.failure-rate.failure-rate-interval", "5 min");
      settings.put("restart-strategy.failure-rate.delay", "2 s");
      // A process that is gone is noticed when it is spoken to. One that is only slow, on a machine
      // that has other things to do, has Flink's usual 50 s to answer.
      settings.put("heartbeat.interval", "2000");
      // Blocks of records are larger than the little that each of many sorts of a batch has.
      settings.put("taskmanager.runtime.large-record-handler", "true");
      settings.put("classloader.resolve-order", "child-first");
      settings.put(
          "metrics.reporter.prom.factory.class",
          "org.apache.flink.metrics.prometheus.LoopbackReporter$Factory");
      return settings;
    }

    private static String quoted(Object text) {
      return "'" + text.toString().replace("'", "''") + "'";
    }

    /** Whether it says how the cluster is. */
    @Override
    boolean answers(Run run, Duration patience) {
      return get(run.address(), "/overview", patience).isPresent();
    }
  }

  /** A process that runs tasks. */
  static final class TaskManager extends FlinkServer {

    private final JobManager jobManager;
    private final FlinkSize size;
    private final int number;

    /**
     * @param number from 1
     */
    TaskManager(JobManager jobManager, FlinkSize size, int number, Consumer<String> progress) {
      super("TaskManager " + number, jobManager.place(), "taskmanager-" + number, progress);
      this.jobManager = jobManager;
      this.size = size;
      this.number = number;
    }

    /** Where Prometheus finds its metrics, among them what pipelines count. */
    @Override
    String note() {
      return "metrics at " + metrics(place(), number);
    }

    @Override
    List<String> java(int port) {
      try {
        metricsPort(place(), number, Ports.free(9249 + number));
      } catch (IOException failed) {
        throw new UncheckedIOException(failed);
      }
      return java(
          List.of(
              "-Xmx" + (128 + size.heapMegabytes()) + "m",
              "-XX:MaxDirectMemorySize=384m",
              "-XX:MaxMetaspaceSize=512m",
              "-XX:+UseG1GC"),
          "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
          List.of(
              "-D",
              "taskmanager.resource-id=" + id(port),
              "-D",
              "taskmanager.data.port=" + port,
              "-D",
              metricsSetting(place(), number)));
    }

    /** Another one for each start: a dead one is still known for some seconds. */
    private String id(int port) {
      return "taskmanager-" + number + "-" + port;
    }

    /** Whether the JobManager knows it. */
    @Override
    boolean answers(Run run, Duration patience) {
      try {
        return jobManager
            .lastRun()
            .flatMap(manager -> get(manager.address(), "/taskmanagers", patience))
            .filter(known -> known.contains('"' + id(run.port()) + '"'))
            .isPresent();
      } catch (IOException unreadable) {
        throw new UncheckedIOException(unreadable);
      }
    }
  }

  // A port that a process was given besides its own, by the number of the process: 0 is the
  // JobManager.

  private static Path metricsFile(Path place, int number) {
    return place.resolve("metrics-" + number + ".port");
  }

  private static void metricsPort(Path place, int number, int port) throws IOException {
    Files.writeString(metricsFile(place, number), Integer.toString(port));
  }

  private static String metrics(Path place, int number) {
    try {
      return "http://127.0.0.1:" + Files.readString(metricsFile(place, number)) + "/metrics";
    } catch (IOException unknown) {
      return "no known port";
    }
  }

  private static String metricsSetting(Path place, int number) {
    String address = metrics(place, number);
    return "metrics.reporter.prom.port=" + address.replaceAll(".*:(\\d+)/.*", "$1");
  }

  /** All TaskManagers that were ever started here, by the files they left. */
  static List<TaskManager> taskManagers(JobManager jobManager, FlinkSize size) {
    String[] left =
        Objects.requireNonNullElse(
            jobManager.place().toFile().list((in, name) -> name.matches("taskmanager-\\d+\\.run")),
            new String[0]);
    return Arrays.stream(left)
        .map(name -> Integer.parseInt(name.replaceAll("\\D", "")))
        .sorted()
        .map(number -> new TaskManager(jobManager, size, number, phase -> {}))
        .toList();
  }
}

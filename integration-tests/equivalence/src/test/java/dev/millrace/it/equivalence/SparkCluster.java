package dev.millrace.it.equivalence;

import static org.awaitility.Awaitility.await;

import dev.millrace.it.equivalence.Program.Ended;
import dev.millrace.it.programs.JavaInHaste;
import dev.millrace.local.FreePorts;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** A standalone cluster of Spark: a master and a worker, processes of their own. */
final class SparkCluster implements AutoCloseable {

  /** What Spark reaches into; its own start scripts say it too. */
  private static final List<String> OPENS =
      List.of(
          "java.lang",
          "java.lang.invoke",
          "java.lang.reflect",
          "java.io",
          "java.net",
          "java.nio",
          "java.util",
          "java.util.concurrent",
          "java.util.concurrent.atomic",
          "jdk.internal.ref",
          "sun.nio.ch",
          "sun.nio.cs",
          "sun.security.action",
          "sun.util.calendar");

  private final Path home;
  private final int port;
  private final List<Process> processes = new ArrayList<>();

  private SparkCluster(Path home, int port) {
    this.home = home;
    this.port = port;
  }

  /** Starts one with two cores. */
  static SparkCluster start(Path home) throws Exception {
    Files.createDirectories(home);
    // What it starts itself has the jars of this directory.
    Files.createSymbolicLink(
        home.resolve("jars"), Path.of(property("millrace.spark.jars")).toRealPath());
    SparkCluster cluster = new SparkCluster(home, FreePorts.find().one());
    try {
      String deploy = "org.apache.spark.deploy.";
      cluster.server(
          "master",
          "I have been elected leader",
          List.of(
              deploy + "master.Master",
              "--host",
              "127.0.0.1",
              "--port",
              String.valueOf(cluster.port),
              "--webui-port",
              "0"));
      cluster.server(
          "worker",
          "Successfully registered with master",
          List.of(
              deploy + "worker.Worker",
              "--host",
              "127.0.0.1",
              "--webui-port",
              "0",
              "--cores",
              "2",
              "--memory",
              "1g",
              "--work-dir",
              home.resolve("work").toString(),
              cluster.master()));
    } catch (Throwable failed) {
      cluster.close();
      throw failed;
    }
    return cluster;
  }

  private String master() {
    return "spark://127.0.0.1:" + port;
  }

  private void server(String name, String ready, List<String> arguments) throws IOException {
    Path log = home.resolve(name + ".log");
    Process process = java("256m", home, log, log, arguments);
    processes.add(process);
    await()
        .atMost(Duration.ofMinutes(2))
        .pollInterval(Duration.ofMillis(200))
        .failFast(name + " ended; see " + log, () -> !process.isAlive())
        .until(() -> Files.readString(log).contains(ready));
  }

  /** What {@code spark-submit} is, with the bundle: to its end. */
  Ended submit(Path directory, List<String> arguments) throws Exception {
    Path err = Files.createTempFile(directory, "err", ".txt");
    List<String> command =
        new ArrayList<>(
            List.of(
                "org.apache.spark.deploy.SparkSubmit",
                "--master",
                master(),
                "--conf",
                "spark.driver.host=127.0.0.1",
                "--conf",
                "spark.ui.enabled=false",
                "--conf",
                "spark.executor.memory=768m",
                "--conf",
                "spark.executor.extraJavaOptions=" + String.join(" ", JavaInHaste.OPTIONS),
                property("millrace.spark.bundle")));
    command.addAll(arguments);
    Process process = java("768m", directory, home.resolve("submit.out"), err, command);
    if (!process.waitFor(8, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new AssertionError("did not end: " + arguments + "\n" + Files.readString(err));
    }
    return new Ended(process.exitValue(), Files.readAllLines(err));
  }

  private Process java(String heap, Path directory, Path out, Path err, List<String> arguments)
      throws IOException {
    List<String> command = JavaInHaste.command(heap);
    OPENS.forEach(opened -> command.add("--add-opens=java.base/" + opened + "=ALL-UNNAMED"));
    command.addAll(List.of("-cp", home.resolve("jars") + "/*"));
    command.addAll(arguments);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectOutput(out.toFile())
            .redirectError(ProcessBuilder.Redirect.appendTo(err.toFile()));
    builder.environment().put("SPARK_HOME", home.toString());
    builder.environment().put("SPARK_SCALA_VERSION", "2.12");
    builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    return builder.start();
  }

  private static String property(String name) {
    return Objects.requireNonNull(System.getProperty(name), name);
  }

  /** The worker ends what it has started. */
  @Override
  public void close() {
    Collections.reverse(processes);
    for (Process process : processes) {
      process.destroy();
      try {
        if (process.waitFor(30, TimeUnit.SECONDS)) {
          continue;
        }
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
      }
      process.destroyForcibly();
    }
  }
}

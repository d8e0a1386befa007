package dev.millrace.local;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A Kafka broker in a process of its own that keeps its data in a directory, listens on 127.0.0.1
 * only, and ends with this process at the latest.
 *
 * <pre>{@code
 * try (LocalKafka kafka = LocalKafka.start(directory)) {
 *   new KafkaProducer<>(Map.of("bootstrap.servers", kafka.bootstrapServers(), …));
 * }
 * }</pre>
 *
 * <p>Topics are made by whoever needs them, not by their first use, and keep their records whatever
 * their age.
 */
public final class LocalKafka implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int PORT_TRIES = 3;

  private final KafkaServer server;
  private final Process process;
  private final KafkaServer.Run run;

  private LocalKafka(KafkaServer server, Process process, KafkaServer.Run run) {
    this.server = server;
    this.process = process;
    this.run = run;
  }

  /**
   * Starts a broker at any free port.
   *
   * @param directory made on first use; holds data and log
   * @throws LocalServerException if the broker cannot be had
   */
  public static LocalKafka start(Path directory) {
    return start(directory, 0);
  }

  /**
   * Starts a broker at this port, where clients may be waiting for it to come back.
   *
   * @param port 0 for any free one
   * @throws LocalServerException if the broker cannot be had
   */
  public static LocalKafka start(Path directory, int port) {
    KafkaServer server = new KafkaServer(directory.toAbsolutePath().normalize());
    try {
      requireStopped(server);
      for (int attempt = 1; ; attempt++) {
        int candidate = port == 0 ? Ports.free(0) : port;
        if (!Ports.isFree(candidate)) {
          throw new LocalServerException(
              "Port " + candidate + " on 127.0.0.1 is taken by another program.", null);
        }
        Process process = server.launch(candidate, true);
        try {
          return new LocalKafka(server, process, server.awaitReady(process.toHandle(), PATIENCE));
        } catch (LocalServerException failed) {
          process.destroyForcibly();
          // Between finding a free port and using it, another program can take it.
          if (port != 0 || attempt == PORT_TRIES || Ports.isFree(candidate)) {
            throw failed;
          }
        }
      }
    } catch (IOException failed) {
      throw new LocalServerException(
          "Kafka cannot be kept in " + server.place() + ": " + failed.getMessage() + ".", failed);
    }
  }

  private static void requireStopped(KafkaServer server) throws IOException {
    KafkaServer.Run running =
        server.lastRun().filter(run -> run.process().isPresent()).orElse(null);
    if (running != null) {
      throw new LocalServerException(
          "A Kafka broker uses "
              + server.place()
              + " already (process "
              + running.pid()
              + "); use another directory, or stop that one.",
          null);
    }
  }

  /** The address for {@code bootstrap.servers}. */
  public String bootstrapServers() {
    return run.address();
  }

  /** The port on 127.0.0.1. */
  public int port() {
    return run.port();
  }

  /** The number of the broker's process. */
  public long pid() {
    return run.pid();
  }

  /** Stops the broker and waits for its end. */
  @Override
  public void close() {
    try {
      process.getOutputStream().close();
      if (!Processes.awaitEnd(process.toHandle(), PATIENCE)) {
        process.destroyForcibly();
        throw server.failure("Kafka did not stop within " + PATIENCE.toSeconds() + " s", null);
      }
    } catch (IOException failed) {
      process.destroyForcibly();
      throw new LocalServerException(
          "Kafka in " + server.place() + " could not be stopped: " + failed.getMessage() + ".",
          failed);
    }
  }
}

package dev.millrace.local;

import java.nio.file.Path;

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

  private final AttachedServer attached;

  private LocalKafka(AttachedServer attached) {
    this.attached = attached;
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
    return new LocalKafka(
        AttachedServer.start(
            new KafkaServer(directory.toAbsolutePath().normalize()), "A Kafka broker", port));
  }

  /** The address for {@code bootstrap.servers}. */
  public String bootstrapServers() {
    return attached.run().address();
  }

  /** The port on 127.0.0.1. */
  public int port() {
    return attached.run().port();
  }

  /** The number of the broker's process. */
  public long pid() {
    return attached.run().pid();
  }

  /** Stops the broker and waits for its end. */
  @Override
  public void close() {
    attached.close();
  }
}

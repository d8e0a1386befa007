package dev.millrace.local;

import java.nio.file.Path;

/**
 * A schema registry in a process of its own that keeps its schemas in a directory, listens on
 * 127.0.0.1 only, and ends with this process at the latest.
 *
 * <pre>{@code
 * try (LocalRegistry registry = LocalRegistry.start(directory)) {
 *   … registry.url() …
 * }
 * }</pre>
 *
 * <p>The program, 142 MB, is fetched on first use.
 */
public final class LocalRegistry implements AutoCloseable {

  private final AttachedServer attached;

  private LocalRegistry(AttachedServer attached) {
    this.attached = attached;
  }

  /**
   * Starts a registry at any free port.
   *
   * @param directory made on first use; holds schemas and log
   * @throws LocalServerException if the registry cannot be had
   */
  public static LocalRegistry start(Path directory) {
    return start(directory, 0);
  }

  /**
   * Starts a registry at this port, where clients may be waiting for it to come back.
   *
   * @param port 0 for any free one
   * @throws LocalServerException if the registry cannot be had
   */
  public static LocalRegistry start(Path directory, int port) {
    return new LocalRegistry(
        AttachedServer.start(
            new RegistryServer(directory.toAbsolutePath().normalize()), "A schema registry", port));
  }

  /** The address that clients of Confluent's registry are given. */
  public String url() {
    return "http://" + attached.run().address() + RegistryServer.PATH;
  }

  /** The port on 127.0.0.1. */
  public int port() {
    return attached.run().port();
  }

  /** The number of the registry's process. */
  public long pid() {
    return attached.run().pid();
  }

  /** Stops the registry and waits for its end. */
  @Override
  public void close() {
    attached.close();
  }
}

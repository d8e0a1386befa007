package dev.millrace.local;

import java.io.IOException;
import java.time.Duration;

/** A server in a process of its own that ends with this process at the latest. */
final class AttachedServer implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int PORT_TRIES = 3;

  private final JavaServer server;
  private final Process process;
  private final JavaServer.Run run;

  private AttachedServer(JavaServer server, Process process, JavaServer.Run run) {
    this.server = server;
    this.process = process;
    this.run = run;
  }

  /**
   * Starts a server.
   *
   * @param what the server is, for a message
   * @param port 0 for any free one
   */
  static AttachedServer start(JavaServer server, String what, int port) {
    try {
      requireStopped(server, what);
      for (int attempt = 1; ; attempt++) {
        int candidate = port == 0 ? Ports.free(0) : port;
        if (!Ports.isFree(candidate)) {
          throw new LocalServerException(
              "Port " + candidate + " on 127.0.0.1 is taken by another program.", null);
        }
        Process process = server.launch(candidate, true);
        try {
          return new AttachedServer(
              server, process, server.awaitReady(process.toHandle(), PATIENCE));
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
          server.name() + " cannot be kept in " + server.place() + ": " + failed.getMessage() + ".",
          failed);
    }
  }

  private static void requireStopped(JavaServer server, String what) throws IOException {
    JavaServer.Run running = server.lastRun().filter(run -> run.process().isPresent()).orElse(null);
    if (running != null) {
      throw new LocalServerException(
          what
              + " uses "
              + server.place()
              + " already (process "
              + running.pid()
              + "); use another directory, or stop that one.",
          null);
    }
  }

  JavaServer.Run run() {
    return run;
  }

  /** Stops the server and waits for its end. */
  @Override
  public void close() {
    try {
      process.getOutputStream().close();
      if (!Processes.awaitEnd(process.toHandle(), PATIENCE)) {
        process.destroyForcibly();
        throw server.failure(
            server.name() + " did not stop within " + PATIENCE.toSeconds() + " s", null);
      }
      server.forget();
    } catch (IOException failed) {
      process.destroyForcibly();
      throw new LocalServerException(
          server.name()
              + " in "
              + server.place()
              + " could not be stopped: "
              + failed.getMessage()
              + ".",
          failed);
    }
  }
}

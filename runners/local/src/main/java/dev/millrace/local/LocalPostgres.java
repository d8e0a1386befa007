package dev.millrace.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A PostgreSQL that is kept in a directory and runs while somebody uses it.
 *
 * <p>The first user starts it, users after that join it, in this process or another, and the last
 * one stops it. Who uses it is known by a shared lock on a file, which the operating system takes
 * back from a killed process; so nothing that dies, on either side, has to be tidied up by hand. It
 * listens on 127.0.0.1 only and trusts who connects from there.
 *
 * <pre>{@code
 * try (LocalPostgres postgres = LocalPostgres.in(Path.of(".millrace/postgres"))) {
 *   DriverManager.getConnection(postgres.jdbcUrl());
 * }
 * }</pre>
 */
public final class LocalPostgres implements AutoCloseable {

  /** Database and user that are made with the server. */
  static final String NAME = "millrace";

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int PORT_TRIES = 3;

  /**
   * Servers this process uses. POSIX locks belong to a process, so it must hold each of them once
   * only.
   */
  private static final Map<Path, Shared> SHARED = new HashMap<>();

  static {
    Runtime.getRuntime().addShutdownHook(new Thread(LocalPostgres::closeAll, "local-postgres"));
  }

  private final Shared shared;
  private boolean closed;

  private LocalPostgres(Shared shared) {
    this.shared = shared;
  }

  /**
   * Starts the server of a directory, or joins it where it runs.
   *
   * @param directory made on first use; holds program, data and log
   * @throws LocalServerException if the server cannot be had
   */
  public static LocalPostgres in(Path directory) {
    Path place = directory.toAbsolutePath().normalize();
    try {
      Files.createDirectories(place);
      place = place.toRealPath();
      synchronized (SHARED) {
        Shared shared = SHARED.get(place);
        if (shared == null) {
          shared = new Shared(place);
        }
        shared.join();
        SHARED.put(place, shared);
        return new LocalPostgres(shared);
      }
    } catch (AccessDeniedException denied) {
      throw new LocalServerException(
          "PostgreSQL cannot be kept in "
              + place
              + ": no permission for "
              + denied.getFile()
              + "; use a directory that you may write.",
          denied);
    } catch (IOException | UncheckedIOException failed) {
      throw new LocalServerException(
          "PostgreSQL cannot be kept in " + place + ": " + failed.getMessage() + ".", failed);
    }
  }

  /** Whether the directory holds the data of a server. */
  public static boolean existsIn(Path directory) {
    return Files.exists(directory.resolve(PostgresServer.DATA).resolve("PG_VERSION"));
  }

  /** JDBC URL of the database {@code millrace}, user included. */
  public String jdbcUrl() {
    return "jdbc:postgresql://127.0.0.1:" + port() + "/" + NAME + "?user=" + NAME;
  }

  /** The port on 127.0.0.1. */
  public int port() {
    synchronized (SHARED) {
      return shared.port;
    }
  }

  /** Stops the server if nobody else uses it. */
  @Override
  public void close() {
    synchronized (SHARED) {
      if (!closed) {
        closed = true;
        shared.leave();
      }
    }
  }

  private static void closeAll() {
    synchronized (SHARED) {
      for (Shared shared : List.copyOf(SHARED.values())) {
        shared.users = 1;
        shared.leave();
      }
    }
  }

  /** This process's share of one server. */
  private static final class Shared {
    private final PostgresServer server;
    private int users;
    private int port;
    private @Nullable FileChannel usersFile;
    private @Nullable FileLock use;

    Shared(Path place) {
      this.server = new PostgresServer(place);
    }

    @SuppressWarnings("try") // a lock is held, not used
    void join() throws IOException {
      try (FileChannel starting = open("start.lock");
          FileLock turn = turnOf(starting)) {
        port = server.runningPort(PATIENCE);
        if (port == 0) {
          port = start();
        }
        if (use == null) {
          usersFile = open("users.lock");
          use = usersFile.lock(0, Long.MAX_VALUE, true);
        }
        users++;
      }
    }

    @SuppressWarnings("try") // a lock is held, not used
    void leave() {
      if (--users > 0) {
        return;
      }
      SHARED.remove(server.place());
      try (FileChannel starting = open("start.lock");
          FileLock turn = turnOf(starting);
          FileChannel everyUser = usersFile) {
        if (use != null) {
          use.release();
          use = null;
        }
        if (everyUser != null) {
          try (FileLock last = everyUser.tryLock()) {
            if (last != null) {
              server.stop(PATIENCE);
            }
          }
        }
      } catch (NoSuchFileException removed) {
        // The directory was deleted while the server ran; without its files the server ends by
        // itself.
      } catch (IOException failed) {
        throw new LocalServerException(
            "PostgreSQL in "
                + server.place()
                + " could not be stopped: "
                + failed.getMessage()
                + ".",
            failed);
      }
    }

    private int start() throws IOException {
      server.prepare();
      for (int attempt = 1; ; attempt++) {
        int candidate = freePort(attempt == 1 ? server.lastPort() : 0);
        try {
          server.start(candidate, PATIENCE);
          return candidate;
        } catch (LocalServerException failed) {
          // Between finding a free port and using it, another program can take it.
          if (attempt == PORT_TRIES || isFree(candidate)) {
            throw failed;
          }
        }
      }
    }

    private FileChannel open(String name) throws IOException {
      return FileChannel.open(
          server.place().resolve(name),
          StandardOpenOption.CREATE,
          StandardOpenOption.READ,
          StandardOpenOption.WRITE);
    }

    private FileLock turnOf(FileChannel channel) throws IOException {
      long end = System.nanoTime() + PATIENCE.toNanos();
      while (true) {
        FileLock lock = channel.tryLock();
        if (lock != null) {
          return lock;
        }
        if (System.nanoTime() > end) {
          throw new LocalServerException(
              "PostgreSQL in "
                  + server.place()
                  + " has been held by another process for "
                  + PATIENCE.toSeconds()
                  + " s; end that process and try again.",
              null);
        }
        PostgresServer.pause();
      }
    }
  }

  private static int freePort(int preferred) throws IOException {
    if (preferred != 0 && isFree(preferred)) {
      return preferred;
    }
    try (ServerSocket probe = new ServerSocket(0, 1, loopback())) {
      return probe.getLocalPort();
    }
  }

  private static boolean isFree(int port) {
    try (ServerSocket probe = new ServerSocket()) {
      // As PostgreSQL does it; otherwise a port in TIME_WAIT, such as that of a killed server,
      // counts as taken.
      probe.setReuseAddress(true);
      probe.bind(new InetSocketAddress(loopback(), port));
      return true;
    } catch (IOException taken) {
      return false;
    }
  }

  private static InetAddress loopback() throws IOException {
    return InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
  }
}

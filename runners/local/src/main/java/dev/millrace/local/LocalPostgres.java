package dev.millrace.local;

import java.io.IOException;
import java.io.UncheckedIOException;
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
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A PostgreSQL that is kept in a directory and runs while somebody uses it.
 *
 * <p>The first user starts it, users after that join it, in this process or another, and the last
 * one stops it, unless it is {@linkplain #keep kept}. Who uses it is known by a shared lock on a
 * file, which the operating system takes back from a killed process; so nothing that dies, on
 * either side, has to be tidied up by hand. It listens on 127.0.0.1 only and trusts who connects
 * from there.
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

  /** Lets the server live on when its last user has left, until {@link #stop} or its own end. */
  public void keep() {
    synchronized (SHARED) {
      try {
        shared.server.keep();
      } catch (IOException failed) {
        throw failed(shared.server, "kept", failed);
      }
    }
  }

  /**
   * What is known of the server of a directory, without starting, joining or changing it.
   *
   * @return empty if it was never started, or was stopped
   */
  static Optional<PostgresServer.Run> look(Path directory) throws IOException {
    return Files.isDirectory(directory)
        ? new PostgresServer(directory.toRealPath()).lastRun()
        : Optional.empty();
  }

  /**
   * Takes {@link #keep} back, and stops the server unless somebody uses it; then the last user
   * stops it.
   *
   * @return whether somebody uses it
   */
  static boolean stop(Path directory) throws IOException {
    return alone(
        directory,
        (server, used) -> {
          server.forgetKept();
          if (!used) {
            server.stop(PATIENCE);
          }
        });
  }

  /**
   * Stops the server and removes its data; nothing happens if somebody uses it.
   *
   * @return whether somebody uses it
   */
  static boolean remove(Path directory) throws IOException {
    return alone(
        directory,
        (server, used) -> {
          if (!used) {
            server.forgetKept();
            server.stop(PATIENCE);
            server.removeData();
          }
        });
  }

  private interface Action {
    void on(PostgresServer server, boolean used) throws IOException;
  }

  /** Acts while nobody can join; returns whether somebody uses the server. */
  @SuppressWarnings("try") // locks are held, not used
  private static boolean alone(Path directory, Action action) throws IOException {
    if (!Files.isDirectory(directory)) {
      return false;
    }
    synchronized (SHARED) {
      Shared server = new Shared(directory.toRealPath());
      try (FileChannel starting = server.open("start.lock");
          FileLock turn = server.turnOf(starting)) {
        if (SHARED.containsKey(server.server.place())) {
          action.on(server.server, true);
          return true;
        }
        try (FileChannel users = server.open("users.lock");
            FileLock last = users.tryLock()) {
          action.on(server.server, last == null);
          return last == null;
        }
      }
    }
  }

  private static LocalServerException failed(
      PostgresServer server, String what, IOException failed) {
    return new LocalServerException(
        "PostgreSQL in "
            + server.place()
            + " could not be "
            + what
            + ": "
            + failed.getMessage()
            + ".",
        failed);
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
            if (last != null && !server.isKept()) {
              server.stop(PATIENCE);
            }
          }
        }
      } catch (NoSuchFileException removed) {
        // The directory was deleted while the server ran; without its files the server ends by
        // itself.
      } catch (IOException failed) {
        throw failed(server, "stopped", failed);
      }
    }

    private int start() throws IOException {
      server.prepare();
      for (int attempt = 1; ; attempt++) {
        int candidate = Ports.free(attempt == 1 ? server.lastPort() : 0);
        try {
          server.start(candidate, PATIENCE);
          return candidate;
        } catch (LocalServerException failed) {
          // Between finding a free port and using it, another program can take it.
          if (attempt == PORT_TRIES || Ports.isFree(candidate)) {
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
}

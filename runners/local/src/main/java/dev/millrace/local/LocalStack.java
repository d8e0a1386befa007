package dev.millrace.local;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The servers that streaming pipelines need, on this machine: Kafka, the PostgreSQL that the
 * embedded warehouse is in, and, if they are asked for, a schema registry and a Flink cluster; from
 * then on they belong to the stack, until a reset. Started, they live on when the process that
 * started them has ended.
 */
public final class LocalStack {

  /** Where Kafka listens unless told otherwise. */
  public static final int KAFKA_PORT = 9092;

  /** Where the schema registry listens unless told otherwise. */
  public static final int REGISTRY_PORT = 8081;

  /** Where Flink's REST interface and web pages are unless told otherwise. */
  public static final int FLINK_PORT = 8081;

  /** What the JobManager of the Flink cluster is called. */
  public static final String FLINK = "Flink";

  /** What the schema registry is called. */
  public static final String REGISTRY = "Apicurio";

  /** Where the registry's REST interface is, below its address. */
  public static final String REGISTRY_PATH = RegistryServer.PATH;

  /** What the database is called. */
  public static final String POSTGRES = "PostgreSQL";

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Duration GLANCE = Duration.ofSeconds(5);
  private static final Duration STOP = Duration.ofSeconds(30);

  private final Path directory;
  private final Path postgres;
  private final KafkaServer kafka;
  private final RegistryServer registry;
  private final Path flink;
  private final Duration stop;

  /**
   * The stack of a working directory.
   *
   * @param directory {@code .millrace}: Kafka is kept in its {@code stack/kafka}, the registry in
   *     its {@code stack/registry}, Flink in its {@code stack/flink}, PostgreSQL in its {@code
   *     postgres}
   */
  public LocalStack(Path directory) {
    this(directory, STOP);
  }

  /** The same, with another time for the broker to stop in before it is killed. */
  LocalStack(Path directory, Duration stop) {
    this.stop = stop;
    Path place = directory.toAbsolutePath().normalize();
    this.directory = place.resolve("stack");
    this.postgres = place.resolve("postgres");
    this.kafka = new KafkaServer(this.directory.resolve("kafka"));
    this.registry = new RegistryServer(this.directory.resolve("registry"));
    this.flink = this.directory.resolve("flink");
  }

  /** How a server is. */
  public enum State {
    /** It runs and answers. */
    UP,
    /** It was never started, or was stopped. */
    DOWN,
    /** It is about to run. */
    STARTING,
    /** It runs and does not answer. */
    SILENT,
    /** It ended without being stopped. */
    DEAD
  }

  /**
   * One server.
   *
   * @param address host and port; empty where it is down
   * @param pid the number of its process; 0 where it is down
   * @param since when it was started
   * @param note what else is to be known; may be empty
   */
  public record Server(
      String name, State state, String address, long pid, @Nullable Instant since, String note) {
    static Server down(String name) {
      return new Server(name, State.DOWN, "", 0, null, "");
    }
  }

  /**
   * What is asked of {@link #up}.
   *
   * @param kafkaPort where Kafka is wanted; empty for where it is, else {@link #KAFKA_PORT}
   * @param registry whether the schema registry is wanted; if not, it is started only if it belongs
   *     to the stack already
   * @param registryPort where it is wanted; empty for where it is, else {@link #REGISTRY_PORT}
   * @param flink whether a Flink cluster is wanted; if not, the same holds
   * @param flinkPort where its JobManager is wanted; empty for where it is, else {@link
   *     #FLINK_PORT}
   */
  public record Wanted(
      Optional<Integer> kafkaPort,
      boolean registry,
      Optional<Integer> registryPort,
      boolean flink,
      Optional<Integer> flinkPort) {

    /** What belongs to the stack, with Kafka at this port. */
    public static Wanted kafkaAt(Optional<Integer> port) {
      return new Wanted(port, false, Optional.empty(), false, Optional.empty());
    }

    /** The same with the schema registry. */
    public Wanted withRegistryAt(Optional<Integer> port) {
      return new Wanted(kafkaPort, true, port, flink, flinkPort);
    }

    /** The same with a Flink cluster. */
    public Wanted withFlinkAt(Optional<Integer> port) {
      return new Wanted(kafkaPort, registry, registryPort, true, port);
    }
  }

  /**
   * Starts what does not run, and waits until it answers.
   *
   * @param progress is told what is started
   * @return names of what was started
   * @throws LocalServerException if a server cannot be had
   */
  public List<String> up(Wanted wanted, Consumer<String> progress) {
    return alone(
        true,
        () -> {
          List<String> started = new ArrayList<>();
          if (isUp(kafka, wanted.kafkaPort(), KAFKA_PORT, "--kafka-port", progress)) {
            started.add(kafka.name());
          }
          if (postgresUp(progress)) {
            started.add(POSTGRES);
          }
          if ((wanted.registry() || hasRegistry())
              && isUp(
                  registry.telling(progress),
                  wanted.registryPort(),
                  REGISTRY_PORT,
                  "--registry-port",
                  progress)) {
            started.add(registry.name());
          }
          if (wanted.flink() || hasFlink()) {
            started.addAll(flinkUp(wanted.flinkPort(), progress));
          }
          return started;
        });
  }

  private List<String> flinkUp(Optional<Integer> port, Consumer<String> progress)
      throws IOException {
    List<String> started = new ArrayList<>();
    FlinkServer.JobManager manager = new FlinkServer.JobManager(flink, FlinkSize.SMALL, progress);
    if (manager.lastRun().flatMap(JavaServer.Run::process).isEmpty()) {
      // They look for the JobManager where it was.
      for (JavaServer left : FlinkServer.taskManagers(manager, FlinkSize.SMALL)) {
        left.stop(stop);
      }
    }
    if (isUp(manager, port, FLINK_PORT, "--flink-port", progress)) {
      started.add(manager.name());
    }
    for (int number = 1; number <= FlinkSize.SMALL.taskManagers(); number++) {
      JavaServer worker = new FlinkServer.TaskManager(manager, FlinkSize.SMALL, number, progress);
      if (isUp(worker, Optional.empty(), Ports.free(0), "--flink-port", progress)) {
        started.add(worker.name());
      }
    }
    return started;
  }

  private boolean hasFlink() {
    return Files.exists(flink);
  }

  /** The processes of the Flink cluster, the JobManager first. */
  private List<JavaServer> flink() {
    FlinkServer.JobManager manager =
        new FlinkServer.JobManager(flink, FlinkSize.SMALL, phase -> {});
    List<JavaServer> servers = new ArrayList<>(List.of(manager));
    servers.addAll(FlinkServer.taskManagers(manager, FlinkSize.SMALL));
    return servers;
  }

  private boolean hasRegistry() {
    return Files.exists(registry.place());
  }

  /** Brings a server up; returns whether that was needed. */
  private static boolean isUp(
      JavaServer server,
      Optional<Integer> wanted,
      int usual,
      String option,
      Consumer<String> progress)
      throws IOException {
    JavaServer.Run running = server.lastRun().filter(run -> run.process().isPresent()).orElse(null);
    if (running == null) {
      int port = wanted.orElse(usual);
      if (!Ports.isFree(port)) {
        throw new LocalServerException(
            "Port "
                + port
                + " on 127.0.0.1 is taken by another program; end that one, or choose another port: millrace stack up "
                + option
                + "=…",
            null);
      }
      progress.accept("Starting " + server.name());
      server.awaitReady(server.launch(port, false).toHandle(), PATIENCE);
      return true;
    }
    if (wanted.isPresent() && wanted.get() != running.port()) {
      throw new LocalServerException(
          server.name()
              + " is up at "
              + running.address()
              + "; to have it at another port, stop it first: millrace stack down.",
          null);
    }
    if (!running.ready()) {
      server.awaitReady(running.process().orElseThrow(), PATIENCE);
    } else if (!server.answers(running, GLANCE)) {
      throw server.failure(
          server.name()
              + " runs (process "
              + running.pid()
              + ") and does not answer at "
              + running.address()
              + "; stop it and start it again: millrace stack down, millrace stack up",
          null);
    }
    return false;
  }

  private boolean postgresUp(Consumer<String> progress) throws IOException {
    PostgresServer.Run before = LocalPostgres.look(postgres).orElse(null);
    boolean up = before != null && before.ready() && before.kept();
    if (!up) {
      progress.accept("Starting PostgreSQL");
    }
    try (LocalPostgres joined = LocalPostgres.in(postgres)) {
      joined.keep();
      if (!answers(joined.port())) {
        throw new LocalServerException(
            "PostgreSQL runs and does not answer at 127.0.0.1:"
                + joined.port()
                + "; stop it and start it again: millrace stack down, millrace stack up.",
            null);
      }
    }
    return !up;
  }

  /** How each server is; changes nothing. */
  public List<Server> status() {
    try {
      List<Server> servers = new ArrayList<>(List.of(kafka.status(GLANCE), postgresStatus()));
      if (hasRegistry()) {
        servers.add(registry.status(GLANCE));
      }
      if (hasFlink()) {
        for (JavaServer server : flink()) {
          servers.add(server.status(GLANCE));
        }
      }
      return List.copyOf(servers);
    } catch (IOException failed) {
      throw failed(failed);
    }
  }

  private Server postgresStatus() throws IOException {
    PostgresServer.Run run = LocalPostgres.look(postgres).orElse(null);
    if (run == null) {
      return Server.down(POSTGRES);
    }
    if (!run.alive()) {
      return new Server(
          POSTGRES,
          State.DEAD,
          "",
          0,
          null,
          "it was not stopped; its log is " + postgres.resolve("postgres.log"));
    }
    if (!run.kept()) {
      return new Server(
          POSTGRES,
          State.DOWN,
          "",
          0,
          null,
          "another command uses it at 127.0.0.1:" + run.port() + " and will stop it");
    }
    State state = !run.ready() ? State.STARTING : answers(run.port()) ? State.UP : State.SILENT;
    return new Server(POSTGRES, state, "127.0.0.1:" + run.port(), run.pid(), run.start(), "");
  }

  /**
   * Stops what runs.
   *
   * @return one sentence for each server
   */
  public List<String> down() {
    return alone(
        false,
        () -> {
          List<String> said = new ArrayList<>();
          said.add(stopped(kafka));
          if (hasRegistry()) {
            said.add(stopped(registry));
          }
          if (hasFlink()) {
            // The JobManager first: it would take the end of the others for a failure.
            for (JavaServer server : flink()) {
              said.add(stopped(server));
            }
          }
          boolean ran = LocalPostgres.look(postgres).filter(PostgresServer.Run::alive).isPresent();
          boolean used = LocalPostgres.stop(postgres);
          said.add(
              used
                  ? "PostgreSQL is used by another command, and stops when that one ends."
                  : ran ? "PostgreSQL is stopped." : "PostgreSQL was not up.");
          return said;
        });
  }

  private String stopped(JavaServer server) throws IOException {
    return server.name() + (server.stop(stop) ? " is stopped." : " was not up.");
  }

  /**
   * Stops what runs and removes the data.
   *
   * @return what was removed
   */
  public List<Path> reset() {
    return alone(
        false,
        () -> {
          Path warehouse = postgres.resolve(PostgresServer.DATA);
          List<Path> there =
              new ArrayList<>(List.of(kafka.place(), registry.place(), flink, warehouse));
          there.removeIf(path -> !Files.exists(path));
          if (LocalPostgres.remove(postgres)) {
            throw new LocalServerException(
                "PostgreSQL is used by another command, so nothing was removed; wait for its end and try again.",
                null);
          }
          // What uses the others first.
          List<JavaServer> servers = new ArrayList<>(flink());
          servers.addAll(List.of(kafka, registry));
          for (JavaServer server : servers) {
            server.stop(stop);
          }
          for (Path place : List.of(flink, kafka.place(), registry.place())) {
            PostgresProgram.delete(place);
          }
          return there;
        });
  }

  private static boolean answers(int port) {
    long seconds = GLANCE.toSeconds();
    try (Connection connection =
            DriverManager.getConnection(
                "jdbc:postgresql://127.0.0.1:"
                    + port
                    + "/"
                    + LocalPostgres.NAME
                    + "?user="
                    + LocalPostgres.NAME
                    + "&connectTimeout="
                    + seconds
                    + "&socketTimeout="
                    + seconds);
        Statement statement = connection.createStatement()) {
      return statement.execute("SELECT 1");
    } catch (SQLException silent) {
      return false;
    }
  }

  private interface Work<T> {
    T run() throws IOException;
  }

  /** One at a time acts on a stack; the second waits. */
  @SuppressWarnings("try") // a lock is held, not used
  private <T> T alone(boolean make, Work<T> work) {
    try {
      if (make) {
        Files.createDirectories(directory);
      } else if (!Files.isDirectory(directory)) {
        return work.run();
      }
      synchronized (LocalStack.class) {
        try (FileChannel channel =
                FileChannel.open(
                    directory.resolve("stack.lock"),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE);
            FileLock turn = channel.lock()) {
          return work.run();
        }
      }
    } catch (IOException failed) {
      throw failed(failed);
    }
  }

  private LocalServerException failed(IOException failed) {
    return new LocalServerException(
        "The stack cannot be kept in "
            + directory
            + ": "
            + (failed instanceof AccessDeniedException denied
                ? "no permission for "
                    + denied.getFile()
                    + "; change its permissions, or use another directory."
                : failed.getMessage() + "."),
        failed);
  }
}

package dev.millrace.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Files and process of one PostgreSQL. Callers make sure that only one of them acts on a directory
 * at a time.
 */
final class PostgresServer {

  static final String DATA = "data";

  /**
   * Read by the server at every start, so that it follows this class and not the day it was made.
   */
  private static final String SETTINGS = "millrace.conf";

  private static final Pattern FAILURE = Pattern.compile("(?:FATAL|PANIC|error): *(.*)");

  private final Path place;
  private final Path data;
  private final Path log;
  private final Path pidFile;
  private final Path kept;

  PostgresServer(Path place) {
    this.place = place;
    this.data = place.resolve(DATA);
    this.log = place.resolve("postgres.log");
    this.pidFile = data.resolve("postmaster.pid");
    this.kept = place.resolve("kept");
  }

  Path place() {
    return place;
  }

  /** The port of the server if it runs, else 0; waits for one that is starting or stopping. */
  int runningPort(Duration patience) throws IOException {
    long end = System.nanoTime() + patience.toNanos();
    while (true) {
      List<String> lines = pidFileLines();
      if (lines.isEmpty()) {
        return 0;
      }
      if (!isOurs(Long.parseLong(lines.get(0).strip()))) {
        // Left by a server that was killed. It must go: a new process may have got its number, and
        // PostgreSQL then takes that for itself. But not before those that the server began have
        // ended, which without the file nobody waits for: until then they write to the same log.
        List<Long> left = orphans();
        if (left.isEmpty()) {
          Files.deleteIfExists(pidFile);
          return 0;
        }
        if (System.nanoTime() > end) {
          throw failure("was killed, and processes of it still run: " + left + "; end them");
        }
        pause();
        continue;
      }
      if (lines.size() >= 8 && lines.get(7).strip().equals("ready")) {
        return Integer.parseInt(lines.get(3).strip());
      }
      if (System.nanoTime() > end) {
        throw failure("has been starting or stopping for " + patience.toSeconds() + " s");
      }
      pause();
    }
  }

  /**
   * What the server wrote about itself.
   *
   * @param alive whether it runs; false for one that was killed
   * @param ready whether it takes connections
   * @param kept whether it lives on without users
   */
  record Run(long pid, Instant start, int port, boolean alive, boolean ready, boolean kept) {}

  /** The last run, unless it was stopped. */
  Optional<Run> lastRun() throws IOException {
    List<String> lines = pidFileLines();
    if (lines.size() < 4) {
      return Optional.empty();
    }
    long pid = Long.parseLong(lines.get(0).strip());
    boolean alive = isOurs(pid);
    return Optional.of(
        new Run(
            pid,
            Instant.ofEpochSecond(Long.parseLong(lines.get(2).strip())),
            Integer.parseInt(lines.get(3).strip()),
            alive,
            alive && lines.size() >= 8 && lines.get(7).strip().equals("ready"),
            isKept()));
  }

  /** Says that the server is to live on without users. It holds for this run of it only. */
  void keep() throws IOException {
    Files.writeString(kept, identity());
  }

  boolean isKept() throws IOException {
    String now = identity();
    return !now.isEmpty() && Files.exists(kept) && Files.readString(kept).equals(now);
  }

  void forgetKept() throws IOException {
    Files.deleteIfExists(kept);
  }

  /** Removes the data of a stopped server. */
  void removeData() throws IOException {
    PostgresProgram.delete(data);
    Files.deleteIfExists(log);
  }

  /** Tells one run of the server from another: number and start of its process. */
  private String identity() throws IOException {
    List<String> lines = pidFileLines();
    return lines.size() < 3 ? "" : lines.get(0).strip() + " " + lines.get(2).strip();
  }

  /** The port of the last start, or 0. */
  int lastPort() throws IOException {
    try (Stream<String> lines = Files.lines(data.resolve(SETTINGS))) {
      return lines
          .filter(line -> line.startsWith("port = "))
          .mapToInt(line -> Integer.parseInt(line.substring("port = ".length())))
          .findFirst()
          .orElse(0);
    } catch (NoSuchFileException neverStarted) {
      return 0;
    }
  }

  /** Unpacks the program and makes the data directory, where they are missing. */
  void prepare() throws IOException {
    Path program = PostgresProgram.unpackedIn(place);
    if (Files.exists(data.resolve("PG_VERSION"))) {
      String written = Files.readString(data.resolve("PG_VERSION")).strip();
      String brought = PostgresProgram.version().replaceFirst("\\..*", "");
      if (!written.equals(brought)) {
        throw new LocalServerException(
            "The warehouse in "
                + data
                + " was written by PostgreSQL "
                + written
                + " and this Millrace brings "
                + brought
                + "; delete the directory and run the pipelines again.",
            null);
      }
      return;
    }
    // Made beside and moved at the end: a directory of this name is always whole.
    Path fresh = place.resolve("data.new");
    PostgresProgram.delete(fresh);
    Files.createDirectories(fresh);
    Account account = Account.forServer();
    account.own(fresh);
    run(
        account.command(
            program.resolve("bin/initdb"),
            "--pgdata=" + fresh,
            "--username=" + LocalPostgres.NAME,
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8"),
        "");
    run(
        account.command(
            program.resolve("bin/postgres"), "--single", "-D", fresh.toString(), "postgres"),
        "CREATE DATABASE " + LocalPostgres.NAME + ";\n");
    Files.writeString(fresh.resolve("postgresql.conf"), "include_if_exists = '" + SETTINGS + "'\n");
    account.own(fresh);
    Files.move(fresh, data, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Starts the server and waits until it takes connections. */
  void start(int port, Duration patience) throws IOException {
    Account account = Account.forServer();
    Files.writeString(data.resolve(SETTINGS), settings(port));
    Files.writeString(log, "");
    account.own(data);
    account.own(log);
    Path program = PostgresProgram.unpackedIn(place);
    // pg_ctl puts the server into a session of its own, out of reach of a Ctrl-C meant for its
    // user.
    Process starter =
        process(
                account.command(
                    program.resolve("bin/pg_ctl"),
                    "--pgdata=" + data,
                    "--log=" + log,
                    "--timeout=" + patience.toSeconds(),
                    "--wait",
                    "start"))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    while (!isReady()) {
      if (!starter.isAlive() && starter.exitValue() != 0) {
        throw failure("did not start");
      }
      pause();
    }
  }

  /** Stops the server if it runs: open transactions are rolled back, the data is left clean. */
  void stop(Duration patience) throws IOException {
    if (runningPort(patience) == 0) {
      return;
    }
    Optional<ProcessHandle> server = lastRun().map(Run::pid).flatMap(ProcessHandle::of);
    Process stopper =
        process(
                Account.forServer()
                    .command(
                        PostgresProgram.unpackedIn(place).resolve("bin/pg_ctl"),
                        "--pgdata=" + data,
                        "--mode=fast",
                        "--no-wait",
                        "stop"))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    long end = System.nanoTime() + patience.toNanos();
    while (!pidFileLines().isEmpty()) {
      if ((!stopper.isAlive() && stopper.exitValue() != 0) || System.nanoTime() > end) {
        throw failure("did not stop");
      }
      pause();
    }
    // The process ends a moment after its file.
    if (server.isPresent() && !Processes.awaitEnd(server.get(), patience)) {
      throw failure("did not stop");
    }
  }

  private static String settings(int port) {
    return """
        port = %d
        listen_addresses = '127.0.0.1'
        unix_socket_directories = ''
        max_connections = 50
        shared_buffers = 128MB
        work_mem = 16MB
        maintenance_work_mem = 128MB
        max_wal_size = 2GB
        wal_level = minimal
        max_wal_senders = 0
        jit = off
        timezone = 'UTC'
        log_timezone = 'UTC'
        # Statements and the details of errors hold values of records; neither belongs into a log.
        log_min_messages = log
        log_min_error_statement = panic
        log_error_verbosity = terse
        log_checkpoints = off
        """
        .formatted(port);
  }

  private boolean isReady() throws IOException {
    List<String> lines = pidFileLines();
    return lines.size() >= 8 && lines.get(7).strip().equals("ready");
  }

  private List<String> pidFileLines() throws IOException {
    try {
      List<String> lines = Files.readAllLines(pidFile);
      // An empty file is one being written.
      return lines.isEmpty() ? List.of("0") : lines;
    } catch (NoSuchFileException notRunning) {
      return List.of();
    }
  }

  /**
   * Whether a process is the server of this directory: it lives, and works in the data directory.
   */
  /** Processes of a server that was killed: each ends when it sees that, after its statement. */
  private List<Long> orphans() {
    return ProcessHandle.allProcesses()
        .filter(process -> process.info().command().orElse("").endsWith("postgres"))
        .map(ProcessHandle::pid)
        .filter(this::isOurs)
        .toList();
  }

  private boolean isOurs(long pid) {
    ProcessHandle process = ProcessHandle.of(pid).filter(ProcessHandle::isAlive).orElse(null);
    if (process == null) {
      return false;
    }
    Path home = Path.of("/proc", Long.toString(pid), "cwd");
    if (Files.isDirectory(Path.of("/proc/self"))) {
      try {
        return Files.readSymbolicLink(home).equals(data);
      } catch (IOException notReadable) {
        return false; // of another user, or a zombie
      }
    }
    return process.info().command().orElse("").toLowerCase(Locale.ROOT).contains("postgres");
  }

  private void run(List<String> command, String input) throws IOException {
    Process process =
        process(command).redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile())).start();
    try (var stdin = process.outputWriter()) {
      stdin.write(input);
    }
    try {
      if (process.waitFor() != 0) {
        throw failure("could not be made");
      }
    } catch (InterruptedException interrupted) {
      process.destroy();
      Thread.currentThread().interrupt();
      throw new LocalServerException("The start of PostgreSQL was interrupted.", interrupted);
    }
  }

  private static ProcessBuilder process(List<String> command) {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder
        .environment()
        .keySet()
        .removeIf(name -> name.startsWith("PG") || name.startsWith("LC_"));
    builder.environment().put("LC_ALL", "C");
    return builder;
  }

  private LocalServerException failure(String what) throws IOException {
    return new LocalServerException(
        "PostgreSQL in " + place + " " + what + ": " + lastWords() + " Its log is " + log + ".",
        null);
  }

  private String lastWords() throws IOException {
    String reason = "it gave no reason";
    String last = reason;
    if (Files.exists(log)) {
      for (String line : Files.readAllLines(log)) {
        Matcher failure = FAILURE.matcher(line);
        reason = failure.find() ? failure.group(1) : reason;
        last = line.isBlank() ? last : line.strip();
      }
    }
    return (reason.equals("it gave no reason") ? last : reason) + ".";
  }

  static void pause() {
    LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
  }

  /** The account the server runs under. PostgreSQL refuses to run as root. */
  private record Account(List<String> prefix, @Nullable String owner) {

    private static final String NOBODY = "65534";

    static Account forServer() {
      if (!Objects.equals(System.getProperty("user.name"), "root")) {
        return new Account(List.of(), null);
      }
      if (!Boolean.getBoolean("millrace.local.nobody") && succeeds("unshare", "--user", "true")) {
        // In a user namespace of its own the server is nobody, and the files still belong to root.
        return new Account(List.of("unshare", "--user"), "0");
      }
      // Containers often forbid namespaces.
      return new Account(
          List.of("setpriv", "--reuid=" + NOBODY, "--regid=" + NOBODY, "--clear-groups"), NOBODY);
    }

    List<String> command(Path program, String... arguments) {
      List<String> command = new ArrayList<>(prefix);
      command.add(program.toString());
      command.addAll(List.of(arguments));
      return command;
    }

    void own(Path tree) throws IOException {
      if (owner == null || Files.getAttribute(tree, "unix:uid").toString().equals(owner)) {
        return;
      }
      try (Stream<Path> files = Files.walk(tree)) {
        for (Path file : (Iterable<Path>) files::iterator) {
          Files.setAttribute(file, "unix:uid", Integer.valueOf(owner));
        }
      }
    }

    private static boolean succeeds(String... command) {
      try {
        return process(List.of(command))
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor()
            == 0;
      } catch (IOException notThere) {
        return false;
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
  }
}

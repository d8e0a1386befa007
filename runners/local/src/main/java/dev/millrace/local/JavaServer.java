package dev.millrace.local;

import java.io.File;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Files and process of one server that is a Java of its own with a class path of its own, keeps its
 * data in a directory and listens on 127.0.0.1.
 */
abstract class JavaServer {

  private static final Pattern FRAME = Pattern.compile("^\\s+(at |\\.\\.\\. )|^\\s*$");
  private static final int LAST_LINES = 5;

  /** Bytes below which a server can't be expected to say in its log why it ended. */
  private static final long ROOM = 1 << 20;

  private final String name;
  private final Path place;
  private final Path runFile;
  private final Path log;

  /**
   * @param name for messages
   * @param place its directory
   * @param files what its files are called, without their endings
   */
  JavaServer(String name, Path place, String files) {
    this.name = name;
    this.place = place;
    this.runFile = place.resolve(files + ".run");
    this.log = place.resolve(files + ".log");
  }

  /**
   * What was written down about a server.
   *
   * @param ready whether it had started by then
   */
  record Run(long pid, Instant start, int port, boolean ready) {

    /** The process, if it lives. */
    Optional<ProcessHandle> process() {
      return Processes.find(pid, start);
    }

    String address() {
      return "127.0.0.1:" + port;
    }
  }

  /** Options and arguments for Java. */
  abstract List<String> java(int port);

  /**
   * The command for a server that ends with the input it gets: a shell that becomes the server,
   * after it has left somebody to watch its input.
   */
  List<String> attached(List<String> command) {
    List<String> attached =
        new ArrayList<>(
            List.of(
                "sh",
                "-c",
                "exec 3<&0; (cat <&3 >/dev/null; kill $$) & exec \"$@\" 3<&- </dev/null",
                "sh"));
    attached.addAll(command);
    return attached;
  }

  /** Whether a server that runs answers. */
  abstract boolean answers(Run run, Duration patience);

  /** Why the server ended, if its log says so; else empty. */
  abstract String reason(List<String> log);

  /** Whether the server writes down itself who it is; else this does. */
  abstract boolean writesRunFile();

  /** What else is to be known of a server that runs. */
  String note() {
    return "";
  }

  final String name() {
    return name;
  }

  final Path log() {
    return log;
  }

  final Path place() {
    return place;
  }

  /** The last run, unless it was stopped. */
  final Optional<Run> lastRun() throws IOException {
    List<String> lines;
    try {
      lines = Files.readAllLines(runFile);
    } catch (NoSuchFileException stopped) {
      return Optional.empty();
    }
    if (lines.size() < 4) {
      return Optional.empty();
    }
    return Optional.of(
        new Run(
            Long.parseLong(lines.get(0)),
            Instant.ofEpochMilli(Long.parseLong(lines.get(1))),
            Integer.parseInt(lines.get(2)),
            lines.get(3).equals("ready")));
  }

  private void write(Run run) throws IOException {
    Path fresh = runFile.resolveSibling(runFile.getFileName() + ".new");
    Files.writeString(
        fresh,
        String.join(
            "\n",
            Long.toString(run.pid()),
            Long.toString(run.start().toEpochMilli()),
            Integer.toString(run.port()),
            run.ready() ? "ready" : "starting",
            ""));
    Files.move(fresh, runFile, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /**
   * Starts the server.
   *
   * @param attached whether it ends with the input that the process gets; else it lives on, out of
   *     reach of what happens to this process and its terminal
   */
  final Process launch(int port, boolean attached) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(java(port));
    if (attached) {
      command = attached(command);
    } else {
      command.add(0, onThePath("setsid") ? "setsid" : "nohup");
    }
    try {
      Files.createDirectories(place);
      if (Files.exists(log)) {
        Files.move(
            log,
            log.resolveSibling(log.getFileName() + ".old"),
            StandardCopyOption.REPLACE_EXISTING);
      }
      Files.createFile(log);
    } catch (AccessDeniedException denied) {
      throw new LocalServerException(
          name
              + " cannot be kept in "
              + place
              + ": no permission for "
              + denied.getFile()
              + "; use a directory that you may write.",
          denied);
    } catch (IOException failed) {
      throw new LocalServerException(
          name + " cannot be kept in " + place + ": " + failed.getMessage() + ".", failed);
    }
    Process process =
        new ProcessBuilder(command)
            .directory(place.toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .redirectInput(
                attached
                    ? ProcessBuilder.Redirect.PIPE
                    : ProcessBuilder.Redirect.from(new File("/dev/null")))
            .start();
    if (!writesRunFile()) {
      Instant start = process.info().startInstant().orElse(Instant.EPOCH);
      write(new Run(process.pid(), start, port, false));
    }
    return process;
  }

  /** Waits until the server of a process answers. */
  final Run awaitReady(ProcessHandle process, Duration patience) throws IOException {
    long end = System.nanoTime() + patience.toNanos();
    while (true) {
      Run run = lastRun().filter(last -> last.pid() == process.pid()).orElse(null);
      if (run != null && mayAnswer(run) && answers(run, Duration.ofSeconds(10))) {
        if (!run.ready()) {
          write(new Run(run.pid(), run.start(), run.port(), true));
        }
        return run;
      }
      if (!Processes.isAlive(process)) {
        throw failure(name + " did not start", null);
      }
      if (System.nanoTime() > end) {
        process.destroyForcibly();
        throw failure(name + " did not start within " + patience.toSeconds() + " s", null);
      }
      PostgresServer.pause();
    }
  }

  /**
   * Whether there is a point in asking: a server that tells when it is ready is not asked before.
   */
  private boolean mayAnswer(Run run) {
    return run.ready() || !writesRunFile();
  }

  /** How the server is. */
  final LocalStack.Server status(Duration patience) throws IOException {
    Run run = lastRun().orElse(null);
    if (run == null) {
      return LocalStack.Server.down(name);
    }
    if (run.process().isEmpty()) {
      return new LocalStack.Server(
          name, LocalStack.State.DEAD, "", 0, null, "it was not stopped; its log is " + log);
    }
    LocalStack.State state =
        mayAnswer(run) && answers(run, patience)
            ? LocalStack.State.UP
            : run.ready() ? LocalStack.State.SILENT : LocalStack.State.STARTING;
    return new LocalStack.Server(name, state, run.address(), run.pid(), run.start(), note());
  }

  /**
   * Stops the server if it runs.
   *
   * @return whether it ran
   */
  final boolean stop(Duration patience) throws IOException {
    ProcessHandle process = lastRun().flatMap(Run::process).orElse(null);
    if (process != null) {
      process.destroy();
      if (!Processes.awaitEnd(process, patience)) {
        process.destroyForcibly();
        if (!Processes.awaitEnd(process, patience)) {
          throw failure(name + " (process " + process.pid() + ") cannot be stopped", null);
        }
      }
    }
    Files.deleteIfExists(runFile);
    return process != null;
  }

  /** Forgets a run that has ended. */
  final void forget() throws IOException {
    Files.deleteIfExists(runFile);
  }

  /** An exception with what the log says. */
  final LocalServerException failure(String what, @Nullable Throwable cause) throws IOException {
    List<String> lines =
        Files.exists(log)
            ? Files.readAllLines(log).stream().filter(line -> !FRAME.matcher(line).find()).toList()
            : List.of();
    String reason = reason(lines);
    if (reason.isEmpty() && Disk.lacks(place, ROOM)) {
      reason = "the disk of " + place + " is full; free some space";
    }
    return new LocalServerException(
        what + (reason.isEmpty() ? "" : ": " + reason) + ". Its log is " + log + ".",
        lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size()),
        cause);
  }

  private static boolean onThePath(String program) {
    String path = Objects.requireNonNullElse(System.getenv("PATH"), "");
    for (String directory : path.split(File.pathSeparator, -1)) {
      if (!directory.isEmpty() && Files.isExecutable(Path.of(directory, program))) {
        return true;
      }
    }
    return false;
  }
}

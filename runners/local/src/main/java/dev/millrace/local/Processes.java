package dev.millrace.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.stream.Stream;

/** Processes that were written down, found again. */
final class Processes {

  /** The clock that start times are read from may be set a little. */
  private static final Duration TOLERANCE = Duration.ofSeconds(2);

  private Processes() {}

  /**
   * The process of this number, if it lives and is the one that began then: numbers are given to
   * others later.
   */
  static Optional<ProcessHandle> find(long pid, Instant start) {
    return ProcessHandle.of(pid)
        .filter(Processes::isAlive)
        .filter(
            process ->
                process
                    .info()
                    .startInstant()
                    .map(begin -> Duration.between(begin, start).abs())
                    .filter(distance -> distance.compareTo(TOLERANCE) <= 0)
                    .isPresent());
  }

  /**
   * A process that ended and that nobody has buried does not live; one whose first thread ended
   * does, and holds its ports, as long as it has others.
   */
  static boolean isAlive(ProcessHandle process) {
    if (!process.isAlive()) {
      return false;
    }
    if (!Files.exists(Path.of("/proc/self"))) {
      return true;
    }
    Path proc = Path.of("/proc", Long.toString(process.pid()));
    try (Stream<Path> threads = Files.list(proc.resolve("task"))) {
      return !Files.readString(proc.resolve("stat")).contains(") Z ") || threads.count() > 1;
    } catch (IOException | UncheckedIOException gone) {
      return false;
    }
  }

  /** Waits until a process has ended; false if it lives after that time. */
  static boolean awaitEnd(ProcessHandle process, Duration patience) {
    long end = System.nanoTime() + patience.toNanos();
    while (isAlive(process)) {
      if (System.nanoTime() > end) {
        return false;
      }
      PostgresServer.pause();
    }
    return true;
  }
}

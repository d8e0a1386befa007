package dev.millrace.runners;

import java.io.PrintStream;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.slf4j.event.Level;

/**
 * Tells how a command gets on: on a terminal by one line that is rewritten, elsewhere by one line
 * at the start and the end of each phase, or by JSON lines.
 */
final class Narrator implements AutoCloseable {

  /** What is told of a run that is interrupted, if nothing else was said. */
  static final String IN_A_RUN =
      "Interrupted. What was there before is still whole; run the same command again.";

  private static final String REWRITE = "\r\u001b[K";

  private final LogMode mode;
  private final PrintStream err;
  private final boolean terminal;
  private final String command;
  private volatile String interruption = IN_A_RUN;
  private @Nullable String phase;
  private long begin;
  private long records;
  private String stage = "";
  private Map<String, Long> before = Map.of();
  private volatile Map<String, String> about = Map.of();

  Narrator(LogMode mode, PrintStream err, boolean terminal, String command) {
    this.mode = mode;
    this.err = err;
    this.terminal = terminal && mode == LogMode.TEXT;
    this.command = command;
  }

  /** Ends the phase before and begins this one. */
  void phase(String name) {
    close();
    phase = name;
    begin = System.nanoTime();
    records = 0;
    stage = "";
    before = Map.of();
    if (terminal) {
      err.print(REWRITE + command + ": " + name + " …");
      err.flush();
    } else {
      line(name, name + " …", Map.of());
    }
  }

  /** Records per stage so far. */
  void progress(Map<String, Long> stages) {
    long most = 0;
    for (Map.Entry<String, Long> entry : stages.entrySet()) {
      long more = entry.getValue() - before.getOrDefault(entry.getKey(), 0L);
      if (more > most) {
        most = more;
        stage = entry.getKey();
        records = entry.getValue();
      }
    }
    before = Map.copyOf(stages);
    if (terminal && phase != null) {
      err.print(REWRITE + command + ": " + phase + "  " + counted() + elapsed());
      err.flush();
    }
  }

  private String counted() {
    if (stage.isEmpty()) {
      return "";
    }
    double seconds = Math.max(seconds(), 0.001);
    return String.format(
        Locale.ROOT, "%s  %,d records  %,d/s  ", stage, records, (long) (records / seconds));
  }

  private double seconds() {
    return (System.nanoTime() - begin) / 1e9;
  }

  private String elapsed() {
    return String.format(Locale.ROOT, "%.1f s", seconds());
  }

  /** What is told from now on is told of this run. */
  void about(String pipeline, String run) {
    about = Map.of("pipeline", pipeline, "run", run);
  }

  /** Tells something while the phase goes on; it stands in the log too. */
  void say(String event, String sentence) {
    if (mode == LogMode.TEXT) {
      err.println((terminal ? REWRITE : "") + command + ": " + sentence);
    }
    logged(Level.WARN, sentence, Map.of("event", event));
  }

  /** Notes in the log that something has happened to the run. */
  void event(String event, String sentence) {
    logged(Level.INFO, sentence, Map.of("event", event));
  }

  private void logged(Level level, String sentence, Map<String, String> data) {
    MDC.put("command", command);
    about.forEach(MDC::put);
    data.forEach(MDC::put);
    LoggerFactory.getLogger(Millrace.class).atLevel(level).log(sentence);
    MDC.clear();
  }

  /** Ends the phase. */
  @Override
  public void close() {
    if (phase == null) {
      return;
    }
    String ended = phase;
    phase = null;
    if (terminal) {
      err.print(REWRITE);
    }
    line(
        ended,
        ended + ": " + elapsed(),
        Map.of("millis", Long.toString((long) (seconds() * 1000))));
  }

  /** What is told when the program is ended from outside from now on. */
  void ifInterrupted(String sentence) {
    interruption = sentence;
  }

  /** The program is being ended from outside. */
  void interrupted() {
    error(interruption);
  }

  /** The phase has failed: what it showed goes away, and no end of it is told. */
  void abandon() {
    phase = null;
    if (terminal) {
      err.print(REWRITE);
      err.flush();
    }
  }

  /** Tells of an error. */
  void error(String sentence) {
    abandon();
    if (mode == LogMode.JSON) {
      LoggerFactory.getLogger(Millrace.class).error(sentence);
    } else {
      err.println("millrace: " + sentence);
    }
  }

  private void line(String name, String text, Map<String, String> data) {
    switch (mode) {
      case TEXT -> err.println(command + ": " + text);
      case JSON -> {
        Map<String, String> all = new HashMap<>(data);
        all.put("phase", name);
        logged(Level.INFO, (data.isEmpty() ? "begin " : "end ") + name, all);
      }
      case QUIET -> {}
    }
  }
}

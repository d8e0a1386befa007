package dev.millrace.benchmarks.flink;

import java.util.Arrays;
import java.util.concurrent.Callable;

/**
 * A process that works through events in one way, over and over, and measures itself once it is
 * warm.
 *
 * <p>Arguments: the way, the passes, a few events, and many that begin with those, each as {@link
 * EventsInput} takes them; {@code session} at the end sums by session instead of action. Each pass
 * is a job over the one and a job over the other. Its last line of output is a {@link Passes.Found}
 * as JSON. With {@code topics} before the arguments it is a {@link TopicsProcess} instead: a
 * program has one beginning. With {@code SQL}, a directory of tables and one to write to, it is
 * {@link FlinkSql}, once, to be measured from outside.
 */
public final class EventsProcess {

  private static final String SQL = "SQL";

  private EventsProcess() {}

  /** A way to work through events. */
  enum Way {
    PLAIN,
    TUNED,
    MILLRACE,
    MILLRACE_BATCH,
    MILLRACE_DIRECT,
    DUCKDB,
    LOOP,
    WHOLE_PLAIN,
    WHOLE_TUNED,
    WHOLE_MILLRACE;

    EventsAnswer run(EventsInput events) throws Exception {
      return switch (this) {
        case PLAIN -> PlainJob.run(events);
        case TUNED -> TunedJob.run(events);
        case MILLRACE -> MillraceJob.run(events, MillraceJob.Mode.STREAM);
        case MILLRACE_BATCH -> MillraceJob.run(events, MillraceJob.Mode.BATCH);
        case MILLRACE_DIRECT -> MillraceJob.run(events, MillraceJob.Mode.DIRECT);
        case DUCKDB -> DuckDbJob.run(events);
        case LOOP -> LoopJob.run(events);
        case WHOLE_PLAIN -> WholeNativeJob.plain(events);
        case WHOLE_TUNED -> WholeNativeJob.tuned(events);
        case WHOLE_MILLRACE -> WholeMillraceJob.run(events);
      };
    }
  }

  /** Measures. */
  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals(SQL)) {
      FlinkSql.run(arguments[1], arguments[2], arguments[3]);
      System.exit(0);
    }
    if (arguments[0].equals("topics")) {
      TopicsProcess.main(Arrays.copyOfRange(arguments, 1, arguments.length));
      return;
    }
    Way way = Way.valueOf(arguments[0]);
    boolean bySession = arguments.length > 4 && arguments[4].equals("session");
    EventsInput few = EventsInput.of(arguments[2], bySession);
    EventsInput many = EventsInput.of(arguments[3], bySession);
    Passes.report(Passes.measure(arguments[1], () -> job(way, few), () -> job(way, many)));
  }

  private static Callable<EventsAnswer> job(Way way, EventsInput events) throws Exception {
    EventsAnswer answer = way.run(events);
    return () -> answer;
  }
}

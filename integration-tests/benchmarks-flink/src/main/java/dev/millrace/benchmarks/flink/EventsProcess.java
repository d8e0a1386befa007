package dev.millrace.benchmarks.flink;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/**
 * A process that works through events in one way, over and over, and measures itself once it is
 * warm.
 *
 * <p>Arguments: the way, the passes, a few events, and many that begin with those, each as {@link
 * EventsInput} takes them. Each pass is a job over the one and a job over the other. What counts is
 * the difference: what the further events cost, without what any job costs to begin and end. Its
 * last line of output is a {@link Found} as JSON.
 *
 * <p>Or {@code SQL}, a directory of tables, and one to write to: then it is {@link FlinkSql}, once,
 * to be measured from outside.
 */
public final class EventsProcess {

  private static final String SQL = "SQL";

  private EventsProcess() {}

  /**
   * What a process reports: times per pass.
   *
   * @param answer to the many, which every pass gave
   */
  public record Found(double wallSeconds, double cpuSeconds, EventsAnswer answer) {}

  /** A way to work through events. */
  enum Way {
    PLAIN {
      @Override
      EventsAnswer run(EventsInput events) throws Exception {
        return PlainJob.run(events);
      }
    },
    TUNED {
      @Override
      EventsAnswer run(EventsInput events) throws Exception {
        return TunedJob.run(events);
      }
    },
    MILLRACE {
      @Override
      EventsAnswer run(EventsInput events) throws Exception {
        return MillraceJob.run(events);
      }
    },
    WHOLE_PLAIN {
      @Override
      EventsAnswer run(EventsInput events) throws Exception {
        return WholeNativeJob.plain(events);
      }
    },
    WHOLE_TUNED {
      @Override
      EventsAnswer run(EventsInput events) throws Exception {
        return WholeNativeJob.tuned(events);
      }
    },
    WHOLE_MILLRACE {
      @Override
      EventsAnswer run(EventsInput events) throws Exception {
        return WholeMillraceJob.run(events);
      }
    };

    abstract EventsAnswer run(EventsInput events) throws Exception;
  }

  /** Measures. */
  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals(SQL)) {
      FlinkSql.run(arguments[1], arguments[2]);
      System.exit(0);
    }
    Found found =
        measure(
            Way.valueOf(arguments[0]),
            Integer.parseInt(arguments[1]),
            EventsInput.of(arguments[2]),
            EventsInput.of(arguments[3]));
    System.out.println(new ObjectMapper().writeValueAsString(found));
    System.out.flush();
    // Threads of a cluster may still be there.
    System.exit(0);
  }

  private static Found measure(Way way, int passes, EventsInput few, EventsInput many)
      throws Exception {
    EventsAnswer answer = way.run(many);
    way.run(few);
    double wall = 0;
    double cpu = 0;
    for (int pass = 0; pass < passes; pass++) {
      Times before = Times.now();
      way.run(few);
      Times between = Times.now();
      EventsAnswer again = way.run(many);
      Times after = Times.now();
      if (!again.equals(answer)) {
        throw new IllegalStateException(
            way + " gave two answers to the same events. " + again.difference(answer));
      }
      wall += after.wall - between.wall - (between.wall - before.wall);
      cpu += after.cpu - between.cpu - (between.cpu - before.cpu);
    }
    return new Found(wall / passes, cpu / passes, answer);
  }

  private record Times(double wall, double cpu) {
    private static Times now() {
      double cpu =
          ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system
              ? system.getProcessCpuTime() / 1e9
              : Double.NaN;
      return new Times(System.nanoTime() / 1e9, cpu);
    }
  }
}

package dev.millrace.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** CPU seconds, of all cores together, as the system counts them. NaN where it does not tell. */
final class CpuTime {

  /** Of /proc/PID/stat: since when Linux has it, 100 in a second. */
  private static final double TICKS = 100;

  private static final int USER = 11;
  private static final int SYSTEM = 12;
  private static final int CHILDREN_USER = 13;
  private static final int CHILDREN_SYSTEM = 14;

  private CpuTime() {}

  /** Of this process. */
  static double ofThisProcess() {
    return ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system
        ? system.getProcessCpuTime() / 1e9
        : Double.NaN;
  }

  /** Of the processes this one started that have ended, and of those they waited for. */
  static double ofEndedChildren() {
    return sum("self", CHILDREN_USER, CHILDREN_SYSTEM);
  }

  /** Of a server: its process, the processes it has, and those it had. */
  static double ofServer(long pid) {
    double sum = sum(Long.toString(pid), USER, SYSTEM, CHILDREN_USER, CHILDREN_SYSTEM);
    for (ProcessHandle child :
        ProcessHandle.of(pid).stream().flatMap(ProcessHandle::children).toList()) {
      double own = sum(Long.toString(child.pid()), USER, SYSTEM, CHILDREN_USER, CHILDREN_SYSTEM);
      // One that has just ended is in the sum of its parent.
      sum += Double.isNaN(own) ? 0 : own;
    }
    return sum;
  }

  private static double sum(String process, int... fields) {
    try {
      return sumOf(Files.readString(Path.of("/proc", process, "stat")), fields);
    } catch (IOException notLinux) {
      return Double.NaN;
    }
  }

  /** The name of the program, in parentheses, may have spaces; fields are counted after it. */
  static double sumOf(String stat, int... fields) {
    List<String> values = List.of(stat.substring(stat.lastIndexOf(')') + 2).strip().split(" ", -1));
    double sum = 0;
    for (int field : fields) {
      sum += Long.parseLong(values.get(field)) / TICKS;
    }
    return sum;
  }
}

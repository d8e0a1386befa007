package dev.millrace.benchmarks.flink;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * Measures jobs in this process, once it is warm: a small one and a large one in turn. What counts
 * is the difference: what the further records cost, without what any job costs to begin and end.
 */
final class Passes {

  private Passes() {}

  /** A job over some input. */
  @FunctionalInterface
  interface Job<A> {
    /** Runs it; what is returned looks at what it has left, and is not measured. */
    Callable<A> run() throws Exception;
  }

  /**
   * What a process reports: times per pass.
   *
   * @param answer to the many, which every pass gave
   */
  record Found<A>(double wallSeconds, double cpuSeconds, A answer) {}

  /**
   * Measures.
   *
   * @param passes how many are measured, after as many that are not; or {@code PASSES+SMALL}, after
   *     so many small jobs, for a large one that takes long
   */
  static <A> Found<A> measure(String passes, Job<A> few, Job<A> many) throws Exception {
    String[] counts = passes.split("\\+", -1);
    return counts.length == 1
        ? measure(Integer.parseInt(passes), Integer.parseInt(passes), 0, few, many)
        : measure(Integer.parseInt(counts[0]), 0, Integer.parseInt(counts[1]), few, many);
  }

  private static <A> Found<A> measure(
      int passes, int warmUps, int smallOnes, Job<A> few, Job<A> many) throws Exception {
    A answer = null;
    for (int warmUp = 0; warmUp < warmUps; warmUp++) {
      answer = same(answer, many.run().call());
      few.run().call();
    }
    for (int warmUp = 0; warmUp < smallOnes; warmUp++) {
      few.run().call();
    }
    double wall = 0;
    double cpu = 0;
    for (int pass = 0; pass < passes; pass++) {
      Times before = Times.now();
      Callable<A> small = few.run();
      Times between = Times.now();
      small.call();
      Times begun = Times.now();
      Callable<A> large = many.run();
      Times after = Times.now();
      answer = same(answer, large.call());
      wall += after.wall - begun.wall - (between.wall - before.wall);
      cpu += after.cpu - begun.cpu - (between.cpu - before.cpu);
    }
    if (answer == null) {
      throw new IllegalArgumentException("no pass");
    }
    return new Found<>(wall / passes, cpu / passes, answer);
  }

  /** Tells who has started the process, in its last line of output, and ends it. */
  static void report(Found<?> found) throws Exception {
    System.out.println(new ObjectMapper().writeValueAsString(found));
    System.out.flush();
    // Threads of a cluster may still be there.
    System.exit(0);
  }

  private static <A> A same(@Nullable A before, A now) {
    if (before != null && !now.equals(before)) {
      throw new IllegalStateException("two answers to the same input: " + before + ", " + now);
    }
    return now;
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

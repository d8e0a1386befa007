package dev.millrace.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * A process that refines sales over and over in one way, and measures itself once it is warm.
 *
 * <p>Arguments: the way, the passes, the files. As many passes before those are not measured. Its
 * one line of output is a {@link Found} as JSON.
 */
public final class RefineProcess {

  static final ObjectMapper JSON = new ObjectMapper();

  private RefineProcess() {}

  /**
   * What a process reports: times per pass.
   *
   * @param refined what every pass found
   */
  public record Found(double wallSeconds, double cpuSeconds, Refined refined) {}

  /** A way to refine. */
  enum Way {
    LOOP {
      @Override
      Refined refine(List<Path> files) throws IOException {
        return PlainSalesLoop.run(files);
      }
    },
    PASS {
      @Override
      Refined refine(List<Path> files) throws IOException {
        return RefinePass.run(files);
      }
    },
    DIRECT {
      @Override
      Refined refine(List<Path> files) {
        return RefineSales.onDirect(files);
      }
    };

    abstract Refined refine(List<Path> files) throws IOException;
  }

  /** Measures. */
  public static void main(String[] arguments) throws IOException {
    List<Path> files = Arrays.stream(arguments).skip(2).map(Path::of).toList();
    Found found = measure(Way.valueOf(arguments[0]), Integer.parseInt(arguments[1]), files);
    System.out.println(JSON.writeValueAsString(found));
    System.out.flush();
    // Threads of the runner may still wait for more work.
    System.exit(0);
  }

  private static Found measure(Way way, int passes, List<Path> files) throws IOException {
    Refined refined = way.refine(files);
    for (int i = 1; i < passes; i++) {
      same(refined, way.refine(files));
    }
    double cpu = CpuTime.ofThisProcess();
    long begun = System.nanoTime();
    for (int i = 0; i < passes; i++) {
      same(refined, way.refine(files));
    }
    double wall = (System.nanoTime() - begun) / 1e9;
    return new Found(wall / passes, (CpuTime.ofThisProcess() - cpu) / passes, refined);
  }

  private static void same(Refined before, Refined now) {
    if (!now.equals(before)) {
      throw new WrongAnswer("One pass found " + before + ", and the next " + now + ".");
    }
  }
}

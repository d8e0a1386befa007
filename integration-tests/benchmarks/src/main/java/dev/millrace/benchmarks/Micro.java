package dev.millrace.benchmarks;

import java.io.IOException;
import java.nio.file.Path;

/** Parts by themselves: JMH, as a process that says itself what it does. */
final class Micro {

  private Micro() {}

  /**
   * Runs all of them.
   *
   * @param heap of each process that is measured
   */
  static void run(Path program, String heap) throws IOException, InterruptedException {
    int status =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-jar",
                program.toString(),
                "-jvmArgs",
                "-Xmx" + heap)
            .inheritIO()
            .start()
            .waitFor();
    if (status != 0) {
      throw new IllegalStateException("JMH ended with status " + status + "; see above");
    }
  }
}

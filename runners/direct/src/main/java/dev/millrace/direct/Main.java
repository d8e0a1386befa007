package dev.millrace.direct;

import dev.millrace.runners.Engine;
import dev.millrace.runners.Millrace;
import java.util.List;
import org.apache.beam.runners.direct.DirectOptions;

/**
 * The command line on the Direct runner: one process, for development and for batches that one
 * machine can carry.
 */
public final class Main {

  private Main() {}

  /**
   * {@link DirectJobRunner}, tuned for runs: its checks of user code cost far more than the work,
   * and belong into tests.
   */
  public static Engine engine() {
    return new Engine(
        DirectJobRunner.class,
        DirectOptions.class,
        List.of(
            "--blockOnRun=false",
            "--enforceImmutability=false",
            "--enforceEncodability=false",
            "--targetParallelism=" + Runtime.getRuntime().availableProcessors()));
  }

  /** Carries out one command and ends with its exit status. */
  public static void main(String[] arguments) {
    System.exit(Millrace.on(engine()).run(arguments));
  }
}

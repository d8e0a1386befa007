package dev.millrace.spark;

import dev.millrace.runners.Engine;
import dev.millrace.runners.Millrace;
import java.util.List;
import org.apache.beam.runners.spark.SparkPipelineOptions;
import org.apache.beam.runners.spark.SparkRunner;

/** The command line on the Spark runner, with Spark inside the process. */
public final class Main {

  /**
   * What several steps read, each output of Refine above all, is kept encoded. Beam keeps it as
   * objects: Spark measures their graphs, throws them out when memory is short, and does all that
   * led to them again.
   */
  static final String KEPT = "--storageLevel=DISK_ONLY";

  private Main() {}

  /** Beam's Spark runner, on all cores of this machine. */
  public static Engine engine() {
    FusedSteps.install();
    // A command has no use for a web page that goes with it.
    System.setProperty("spark.ui.enabled", System.getProperty("spark.ui.enabled", "false"));
    System.setProperty("spark.driver.bindAddress", "127.0.0.1");
    System.setProperty("spark.driver.host", "127.0.0.1");
    return new Engine(
        SparkRunner.class,
        SparkPipelineOptions.class,
        List.of(
            // Beam looks for a runner before the command line can name its own.
            "--runner=SparkRunner",
            "--sparkMaster=local[" + Runtime.getRuntime().availableProcessors() + "]",
            KEPT),
        SparkLimits.ALL);
  }

  /** Carries out one command and ends with its exit status. */
  public static void main(String[] arguments) {
    System.exit(Millrace.on(engine()).run(arguments));
  }
}

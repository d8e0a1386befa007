package dev.millrace.flink;

import dev.millrace.runners.Engine;
import dev.millrace.runners.Millrace;
import java.nio.file.Path;
import java.util.List;
import org.apache.beam.runners.flink.FlinkPipelineOptions;

/** The command line on the Flink runner, with a cluster of its own inside the process. */
public final class Main {

  private Main() {}

  /**
   * Beam's Flink runner, so that nothing a stream needs is missing: checkpoints that outlive the
   * run, a state backend, a fixed number of key groups.
   *
   * @param directory what {@code .millrace} is below of
   */
  public static Engine engine(Path directory) {
    return new Engine(
        FlinkJobRunner.class,
        FlinkPipelineOptions.class,
        List.of(
            // Beam looks for a runner before the command line can name its own.
            "--runner=FlinkRunner",
            "--flinkMaster=[local]",
            "--parallelism=" + Runtime.getRuntime().availableProcessors(),
            "--maxParallelism=128",
            // Steps change no element: to copy it between steps of one chain is wasted. fasterCopy
            // would also skip the copies that keep a snapshot apart from the state that goes on.
            "--objectReuse=true",
            // Grouped blocks are gone through more than once: to cut them into steps, and by steps.
            "--reIterableGroupByKeyResult=true",
            // A stream's steps hand on what they hold at the end of a bundle: tallies, sums, rows.
            "--maxBundleTimeMills=100",
            // What has an end, such as dimensions, ends. Its tasks would wait on for ever, each
            // with threads that look ten times a second whether there is something to do.
            "--shutdownSourcesAfterIdleMs=0",
            // What a failure makes the stream repeat, against the cost of a snapshot.
            "--checkpointingInterval=10000",
            "--externalizedCheckpointsEnabled=true",
            "--retainExternalizedCheckpointsOnCancellation=true",
            "--stateBackend=filesystem",
            "--stateBackendStoragePath="
                + directory.resolve(".millrace/flink/checkpoints").toUri()));
  }

  /** Carries out one command and ends with its exit status. */
  public static void main(String[] arguments) {
    System.exit(Millrace.on(engine(Path.of("").toAbsolutePath())).run(arguments));
  }
}

package dev.millrace.flink;

import dev.millrace.runners.Engine;
import dev.millrace.runners.Millrace;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.beam.runners.flink.FlinkPipelineOptions;

/** The command line on the Flink runner: with a cluster inside the process, or with another. */
public final class Main {

  /** The number of key groups is part of a savepoint: it must not follow the parallelism. */
  static final int MAX_PARALLELISM = 128;

  /**
   * So that nothing a stream needs is missing: checkpoints that outlive the run, a fixed number of
   * key groups. The cluster has the state backend.
   */
  static final List<String> STREAMS =
      List.of(
          // Beam looks for a runner before the command line can name its own.
          "--runner=FlinkRunner",
          "--maxParallelism=" + MAX_PARALLELISM,
          // Steps change no element: to copy it between steps of one chain is wasted. fasterCopy
          // would also skip the copies that keep a snapshot apart from the state that goes on.
          "--objectReuse=true",
          // Grouped blocks are gone through more than once: to cut them into steps, and by steps.
          "--reIterableGroupByKeyResult=true",
          // A stream's steps hand on what they hold at the end of a bundle: tallies, sums, rows.
          "--maxBundleTimeMills=100",
          // Many records in that time are one bundle: what is summed up per bundle is more.
          "--maxBundleSize=10000",
          // What has an end, such as dimensions, ends. Its tasks would wait on for ever, each
          // with threads that look ten times a second whether there is something to do.
          "--shutdownSourcesAfterIdleMs=0",
          // What a failure makes the stream repeat, against the cost of a snapshot.
          "--checkpointingInterval=10000",
          // A disk that is full for a while costs checkpoints, which a later one makes up for. To
          // begin again from the last one would bring no room, and end the stream in the end.
          "--failOnCheckpointingErrors=false",
          "--externalizedCheckpointsEnabled=true",
          "--retainExternalizedCheckpointsOnCancellation=true");

  private Main() {}

  /**
   * Beam's Flink runner, with a cluster of its own and a state backend.
   *
   * @param directory what {@code .millrace} is below of
   */
  public static Engine engine(Path directory) {
    List<String> defaults = new ArrayList<>(STREAMS);
    defaults.add("--flinkMaster=" + FlinkJobRunner.OWN_CLUSTER);
    defaults.add("--parallelism=" + Runtime.getRuntime().availableProcessors());
    defaults.add("--stateBackend=filesystem");
    defaults.add(
        "--stateBackendStoragePath=" + directory.resolve(".millrace/flink/checkpoints").toUri());
    return new Engine(
        FlinkJobRunner.class,
        FlinkPipelineOptions.class,
        defaults,
        List.of(),
        Optional.of(new FlinkCluster()));
  }

  /** The same in the working directory. */
  public static Engine engine() {
    return engine(Path.of("").toAbsolutePath());
  }

  /** Carries out one command and ends with its exit status. */
  public static void main(String[] arguments) {
    System.exit(Millrace.on(engine()).run(arguments));
  }
}

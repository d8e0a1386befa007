package dev.millrace.flink;

import dev.millrace.runners.Engine;
import dev.millrace.runners.JobState;
import dev.millrace.runners.Submission;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.beam.runners.flink.FlinkPipelineOptions;

/**
 * Writes for each pipeline that runs live what a savepoint of its job holds, when the bundle is
 * made.
 */
public final class StateWriter {

  private StateWriter() {}

  /** The directory that becomes the jar. */
  public static void main(String[] arguments) throws Exception {
    Path directory = Files.createDirectories(Path.of(arguments[0], JobState.DIRECTORY));
    FlinkCluster cluster = new FlinkCluster();
    Engine engine =
        new Engine(
            FlinkJobRunner.class,
            FlinkPipelineOptions.class,
            cluster.defaults(FlinkCluster.SURROUNDING, 2),
            List.of(),
            Optional.of(cluster));
    Submission.outlines(
        engine,
        (pipeline, graph) -> {
          try (OutputStream out = Files.newOutputStream(directory.resolve(pipeline + ".json"))) {
            StateReader.of(graph, arguments[1]).write(out);
          }
        });
  }
}

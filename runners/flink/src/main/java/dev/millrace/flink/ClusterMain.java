package dev.millrace.flink;

import dev.millrace.runners.Engine;
import dev.millrace.runners.Submission;
import java.util.List;
import java.util.Optional;
import org.apache.beam.runners.flink.FlinkPipelineOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Where the bundle begins: {@code flink run -d bundle.jar clickstream --events=…}, and the one job
 * of a cluster in application mode.
 */
public final class ClusterMain {

  private ClusterMain() {}

  /** Hands the named pipeline to the cluster that surrounds this. */
  public static void main(String[] arguments) throws Exception {
    FlinkCluster cluster = new FlinkCluster();
    Submission.of(
        new Engine(
            FlinkJobRunner.class,
            FlinkPipelineOptions.class,
            cluster.defaults(FlinkCluster.SURROUNDING, 0),
            List.of(),
            Optional.of(cluster)),
        List.of(arguments),
        StreamExecutionEnvironment.getExecutionEnvironment().getConfiguration().toMap());
  }
}

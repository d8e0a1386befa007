package dev.millrace.flink;

import dev.millrace.pipelines.UserError;
import dev.millrace.runners.CapabilityGate;
import java.net.URI;
import java.nio.file.Path;
import org.apache.beam.runners.flink.FlinkPipelineOptions;
import org.apache.beam.runners.flink.FlinkRunner;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineRunner;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.runners.TransformHierarchy.Node;
import org.apache.commons.io.FileUtils;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.runtime.jobgraph.SavepointRestoreSettings;
import org.apache.flink.streaming.api.environment.RemoteStreamEnvironment;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Beam's Flink runner, with a result that can be watched and asked why it failed: Beam's own either
 * comes when all is over, or knows no cause.
 */
public final class FlinkJobRunner extends PipelineRunner<FlinkJob> {

  /** The cluster inside the process. */
  static final String OWN_CLUSTER = "[local]";

  /** It cannot be seen from here. */
  private static final String EXACTLY_ONCE_SINK =
      "org.apache.beam.sdk.io.kafka.KafkaExactlyOnceSink";

  private final FlinkPipelineOptions options;

  private FlinkJobRunner(FlinkPipelineOptions options) {
    this.options = options;
  }

  /**
   * The runner for these options; Beam calls it when a pipeline is made, and when it is run. It
   * puts Flink's own runner in its place in the options: so it is to be set there again before the
   * pipeline is run.
   */
  public static FlinkJobRunner fromOptions(PipelineOptions options) {
    // The name that reports show, and that Beam's exactly-once sinks ask for before the run.
    options.setRunner(FlinkRunner.class);
    return new FlinkJobRunner(options.as(FlinkPipelineOptions.class));
  }

  @Override
  public FlinkJob run(Pipeline pipeline) {
    options.setAttachedMode(false);
    String given = options.getFlinkConfDir();
    boolean stream = options.isStreaming() || CapabilityGate.isStream(pipeline);
    boolean own = options.getFlinkMaster().equals(OWN_CLUSTER);
    Path config = ClusterConfig.write(given == null ? null : Path.of(given), stream, own);
    try {
      options.setFlinkConfDir(config.toString());
      if (!stream) {
        FusedBatch.run(pipeline, options, config.toString());
      } else if (own) {
        FlinkRunner.fromOptions(options).run(pipeline);
      } else {
        StreamExecutionEnvironment cluster = cluster(pipeline, config);
        NamedOperators.translate(
            pipeline, options, (Configuration) cluster.getConfiguration(), cluster::executeAsync);
      }
      return new FlinkJob(SubmittedJob.take());
    } finally {
      options.setFlinkConfDir(given);
      if (!own) {
        FileUtils.deleteQuietly(config.toFile());
      }
    }
  }

  /**
   * The sink's transactions are known to the broker under a name of one run, and Beam fails in each
   * attempt to go on under another.
   *
   * @throws UserError if the pipeline has such a sink
   */
  static void refuseToGoOnExactlyOnce(Pipeline pipeline) {
    pipeline.traverseTopologically(
        new Pipeline.PipelineVisitor.Defaults() {
          @Override
          public CompositeBehavior enterCompositeTransform(Node node) {
            if (node.getTransform() != null
                && node.getTransform().getClass().getName().equals(EXACTLY_ONCE_SINK)) {
              throw new UserError(
                  node.getEnclosingNode().getFullName()
                      + " writes exactly once, which no savepoint can be resumed with: its transactions belong"
                      + " to the run that began them. Begin anew, millrace submit, or let it deliver at least"
                      + " once: then submit, stop and resume go together.");
            }
            return CompositeBehavior.ENTER_TRANSFORM;
          }
        });
  }

  private StreamExecutionEnvironment cluster(Pipeline pipeline, Path config) {
    URI address = URI.create("http://" + options.getFlinkMaster());
    String savepoint = options.getSavepointPath();
    if (savepoint != null) {
      refuseToGoOnExactlyOnce(pipeline);
    }
    return new RemoteStreamEnvironment(
        address.getHost(),
        address.getPort(),
        GlobalConfiguration.loadConfiguration(config.toString()),
        options.getFilesToStage().toArray(String[]::new),
        null,
        savepoint == null
            ? SavepointRestoreSettings.none()
            : SavepointRestoreSettings.forPath(savepoint, options.getAllowNonRestoredState()));
  }
}

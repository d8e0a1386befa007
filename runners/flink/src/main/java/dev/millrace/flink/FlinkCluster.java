package dev.millrace.flink;

import dev.millrace.local.House;
import dev.millrace.pipelines.UserError;
import dev.millrace.runners.ClusterEngine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.beam.runners.flink.FlinkPipelineOptions;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.runtime.jobgraph.SavepointConfigOptions;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/** Hands pipelines to a Flink cluster. */
final class FlinkCluster implements ClusterEngine {

  /** The cluster that Flink's own command line, or a cluster for one job, is about. */
  static final String SURROUNDING = "[auto]";

  @Override
  public String version() {
    return EnvironmentInformation.getVersion();
  }

  @Override
  public List<String> defaults(String address, int slots) {
    List<String> defaults = new ArrayList<>(Main.STREAMS);
    defaults.add("--flinkMaster=" + address);
    if (slots > 0) {
      defaults.add("--parallelism=" + Math.min(slots, Main.MAX_PARALLELISM));
    }
    return defaults;
  }

  @Override
  public void check(PipelineOptions given, Map<String, String> configuration) {
    FlinkPipelineOptions options = given.as(FlinkPipelineOptions.class);
    List<String> missing = new ArrayList<>();
    if (options.getCheckpointingInterval() < 1) {
      missing.add("checkpoints (--checkpointing-interval=10000)");
    }
    if (!options.isExternalizedCheckpointsEnabled()
        || !options.getRetainExternalizedCheckpointsOnCancellation()) {
      missing.add(
          "checkpoints that stay when it ends (--externalized-checkpoints-enabled=true"
              + " --retain-externalized-checkpoints-on-cancellation=true)");
    }
    if (options.getMaxParallelism() < 1) {
      missing.add(
          "a number of key groups that does not follow the parallelism (--max-parallelism="
              + Main.MAX_PARALLELISM
              + ")");
    }
    if (options.getStateBackend() == null
        && !has(configuration, StateBackendOptions.STATE_BACKEND.key(), "state.backend")) {
      missing.add(
          "a state backend ("
              + StateBackendOptions.STATE_BACKEND.key()
              + ": rocksdb in the cluster's configuration, or --state-backend)");
    }
    if (options.getStateBackendStoragePath() == null
        && !has(configuration, CheckpointingOptions.CHECKPOINTS_DIRECTORY.key())) {
      missing.add(
          "a place for checkpoints ("
              + CheckpointingOptions.CHECKPOINTS_DIRECTORY.key()
              + " in the cluster's configuration, or --state-backend-storage-path)");
    }
    if (!missing.isEmpty()) {
      throw new UserError(
          "A live run on a cluster must be able to go on after a failure, and this one lacks "
              + String.join(", ", missing)
              + ".");
    }
  }

  @Override
  public void stage(PipelineOptions given) {
    FlinkPipelineOptions options = given.as(FlinkPipelineOptions.class);
    if (!options.getFlinkMaster().equals(SURROUNDING)) {
      options.setFilesToStage(List.of(bundle().toString()));
    }
  }

  private static boolean has(Map<String, String> configuration, String... keys) {
    return List.of(keys).stream().anyMatch(key -> !configuration.getOrDefault(key, "").isBlank());
  }

  @Override
  public String submit(Pipeline pipeline) {
    FlinkPipelineOptions options = pipeline.getOptions().as(FlinkPipelineOptions.class);
    if (options.getFlinkMaster().equals(SURROUNDING)) {
      StreamExecutionEnvironment cluster = StreamExecutionEnvironment.getExecutionEnvironment();
      if (cluster.getConfiguration().get(SavepointConfigOptions.SAVEPOINT_PATH) != null) {
        FlinkJobRunner.refuseToGoOnExactlyOnce(pipeline);
      }
      NamedOperators.translate(
          pipeline, options, (Configuration) cluster.getConfiguration(), cluster::executeAsync);
      return "";
    }
    try {
      return FlinkJobRunner.fromOptions(options).run(pipeline).id();
    } catch (RuntimeException failed) {
      throw explained(failed, options.getSavepointPath());
    }
  }

  /** What a user can mend about a savepoint, in a sentence. */
  private static RuntimeException explained(RuntimeException failed, @Nullable String savepoint) {
    for (Throwable cause = failed; cause != null; cause = cause.getCause()) {
      String message = String.valueOf(cause.getMessage());
      if (message.contains("Cannot find checkpoint or savepoint")) {
        return new UserError(
            "There is no savepoint at " + savepoint + " that the cluster can read; check the path.",
            failed);
      }
      if (message.contains("Cannot map checkpoint/savepoint state")) {
        return new UserError(
            "The savepoint at "
                + savepoint
                + " holds the state of steps that this pipeline does not have; resume with the jar and the"
                + " options that made it, or leave that state behind: --allow-non-restored-state=true.",
            failed);
      }
      if (message.contains("mixed operator finished state")
          || message.contains("Illegal JobGraph modification")) {
        return new UserError(
            "The savepoint at "
                + savepoint
                + " was made when inputs had been read to their end, and this version has more steps"
                + " there; resume with the jar that made it, or begin anew: millrace submit. What"
                + " millrace compat says of two jars tells that before.",
            failed);
      }
    }
    return failed;
  }

  /** The jar with all that a job needs and the cluster does not have: of the house this is in. */
  private static Path bundle() {
    return House.jar("flink-bundle")
        .orElseThrow(
            () ->
                new UserError(
                    "The bundle for clusters is not built; use the script, or build it: ./mvnw -pl"
                        + " runners/flink-bundle -am package."));
  }
}

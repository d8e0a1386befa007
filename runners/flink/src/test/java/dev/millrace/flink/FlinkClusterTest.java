package dev.millrace.flink;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.pipelines.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.beam.runners.flink.FlinkPipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a live run on a cluster must have. */
class FlinkClusterTest {

  private static final Map<String, String> ROCKSDB =
      Map.of("state.backend.type", "rocksdb", "state.checkpoints.dir", "s3://bucket/checkpoints");

  private final FlinkCluster cluster = new FlinkCluster();

  @Test
  void defaultsAndAClusterThatKeepsStateAreEnough() {
    // When
    FlinkPipelineOptions options = options();
    cluster.check(options, ROCKSDB);

    // Then
    assertThat(options.getMaxParallelism(), equalTo(128));
    assertThat(options.getCheckpointingInterval(), equalTo(10_000L));
    assertThat(
        "a checkpoint that fails is made up for by the next",
        options.getFailOnCheckpointingErrors(),
        equalTo(false));
  }

  @ParameterizedTest
  @CsvSource({
    "--checkpointingInterval=-1, lacks checkpoints (--checkpointing-interval=10000).",
    "--externalizedCheckpointsEnabled=false, lacks checkpoints that stay when it ends",
    "--retainExternalizedCheckpointsOnCancellation=false, lacks checkpoints that stay when it ends",
    "--maxParallelism=-1, lacks a number of key groups that does not follow the parallelism",
  })
  void whatIsMissingInTheOptionsIsNamed(String option, String sentence) {
    // When
    UserError refused =
        assertThrows(UserError.class, () -> cluster.check(options(option), ROCKSDB));

    // Then
    assertThat(refused.getMessage(), containsString(sentence));
  }

  @Test
  void aClusterThatKeepsNoStateIsRefused() {
    // When
    UserError refused =
        assertThrows(UserError.class, () -> cluster.check(options(), Map.of("rest.port", "8081")));

    // Then
    assertThat(
        refused.getMessage(),
        startsWith(
            "A live run on a cluster must be able to go on after a failure, and this one lacks a"
                + " state backend (state.backend.type: rocksdb in the cluster's configuration, or"
                + " --state-backend), a place for checkpoints (state.checkpoints.dir "));
  }

  @Test
  void aJobHasAsManySlicesAsTheClusterHasRoomFor() {
    assertThat(parallelism(6), equalTo(6));
    assertThat("never more than it has key groups", parallelism(500), equalTo(128));
  }

  private int parallelism(int slots) {
    return PipelineOptionsFactory.fromArgs(
            cluster.defaults("127.0.0.1:8081", slots).toArray(String[]::new))
        .as(FlinkPipelineOptions.class)
        .getParallelism();
  }

  private FlinkPipelineOptions options(String... given) {
    List<String> arguments = new ArrayList<>(cluster.defaults(FlinkCluster.SURROUNDING, 2));
    for (String option : given) {
      String name = option.replaceFirst("=.*", "=");
      arguments.removeIf(argument -> argument.startsWith(name));
      arguments.add(option);
    }
    return PipelineOptionsFactory.fromArgs(arguments.toArray(String[]::new))
        .as(FlinkPipelineOptions.class);
  }
}

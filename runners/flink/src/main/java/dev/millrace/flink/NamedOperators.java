package dev.millrace.flink;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.beam.runners.flink.FlinkPipelineOptions;
import org.apache.beam.runners.flink.FlinkRunner;
import org.apache.beam.sdk.Pipeline;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamEdge;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.apache.flink.streaming.api.graph.StreamNode;

/**
 * Gives each operator that Beam left without a name one that stays. Flink would number it by its
 * place in the whole job, and a job with one step more could not take up a savepoint: Flink wants
 * to find each operator of a task that is over.
 */
@SuppressWarnings("try") // Flink's environment can be closed; nothing here is
final class NamedOperators extends StreamExecutionEnvironment {

  /** What becomes of the job that Beam has made. */
  interface Submitter {
    JobClient submit(StreamGraph job) throws Exception;
  }

  private final Submitter submitter;

  private NamedOperators(Configuration configuration, Submitter submitter) {
    super(configuration);
    this.submitter = submitter;
  }

  /**
   * Has Beam translate a pipeline, and hands its job on.
   *
   * @param configuration of the cluster and the job
   */
  static void translate(
      Pipeline pipeline,
      FlinkPipelineOptions options,
      Configuration configuration,
      Submitter submitter) {
    String master = options.getFlinkMaster();
    initializeContextEnvironment(
        more -> {
          Configuration all = new Configuration(configuration);
          all.addAll(more);
          return new NamedOperators(all, submitter);
        });
    try {
      options.setRunner(FlinkRunner.class);
      options.setFlinkMaster(FlinkCluster.SURROUNDING);
      options.setAttachedMode(false);
      FlinkRunner.fromOptions(options).run(pipeline);
    } finally {
      options.setFlinkMaster(master);
      resetContextEnvironment();
    }
  }

  @Override
  public JobClient executeAsync(StreamGraph job) throws Exception {
    name(job);
    return submitter.submit(job);
  }

  /** By what it does, and its neighbours. */
  private static void name(StreamGraph job) {
    Set<String> names = new HashSet<>();
    List<StreamNode> unnamed = new ArrayList<>();
    for (StreamNode node : job.getStreamNodes()) {
      if (node.getTransformationUID() == null) {
        unnamed.add(node);
      } else {
        names.add(node.getTransformationUID());
      }
    }
    for (StreamNode node : unnamed) {
      String name =
          node.getOperatorName()
              + neighbours(job, " of ", node.getInEdges(), StreamEdge::getSourceId)
              + neighbours(job, " for ", node.getOutEdges(), StreamEdge::getTargetId);
      String unique = name;
      for (int i = 2; !names.add(unique); i++) {
        unique = name + " " + i;
      }
      job.setTransformationUID(node.getId(), unique);
    }
  }

  /** Those that have names; others have theirs from the same. */
  private static String neighbours(
      StreamGraph job, String word, List<StreamEdge> edges, Function<StreamEdge, Integer> other) {
    String names =
        edges.stream()
            .map(edge -> job.getStreamNode(other.apply(edge)).getTransformationUID())
            .filter(Objects::nonNull)
            .distinct()
            .sorted()
            .collect(Collectors.joining(", "));
    return names.isEmpty() ? "" : word + names;
  }
}

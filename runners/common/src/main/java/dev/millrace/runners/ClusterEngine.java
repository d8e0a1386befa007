package dev.millrace.runners;

import java.util.List;
import java.util.Map;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptions;

/** A runner whose pipelines can be handed to a cluster of Flink, as the command line needs it. */
public interface ClusterEngine {

  /** The version of Flink that jobs are made for. */
  String version();

  /**
   * Options of a job there, as on the command line; what the user gives overrides them.
   *
   * @param address host and port of the cluster's REST interface
   * @param slots how many slices of a pipeline the cluster has room for
   */
  List<String> defaults(String address, int slots);

  /**
   * Refuses a live run that could not go on after a failure, or from a savepoint.
   *
   * @param configuration of the cluster
   * @throws dev.millrace.pipelines.UserError that says what is missing
   */
  void check(PipelineOptions options, Map<String, String> configuration);

  /** Has a job bring along what it is made of. */
  void stage(PipelineOptions options);

  /** Hands a pipeline over, does not wait for its end, and returns the job's id. */
  String submit(Pipeline pipeline);
}

package dev.millrace.runners;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.beam.sdk.PipelineRunner;
import org.apache.beam.sdk.options.PipelineOptions;

/**
 * A runner, as the command line needs it.
 *
 * @param runner runs the pipelines; its {@code run} returns before the pipeline has ended
 * @param optionsClass the runner's own options
 * @param defaults options as on the command line; what the user gives overrides them
 * @param limits what it cannot do: pipelines with such steps are refused
 * @param cluster how its pipelines are handed to a cluster, if they can be
 * @param elsewhere whether records are read and written by other processes, maybe of other machines
 */
public record Engine(
    Class<? extends PipelineRunner<?>> runner,
    Class<? extends PipelineOptions> optionsClass,
    List<String> defaults,
    List<Limit> limits,
    Optional<ClusterEngine> cluster,
    boolean elsewhere) {

  /** Keeps copies of the lists. */
  public Engine {
    defaults = List.copyOf(defaults);
    limits = List.copyOf(limits);
  }

  /** A runner inside this process, whose pipelines can also be handed to a cluster. */
  public Engine(
      Class<? extends PipelineRunner<?>> runner,
      Class<? extends PipelineOptions> optionsClass,
      List<String> defaults,
      List<Limit> limits,
      Optional<ClusterEngine> cluster) {
    this(runner, optionsClass, defaults, limits, cluster, false);
  }

  /** A runner inside this process. */
  public Engine(
      Class<? extends PipelineRunner<?>> runner,
      Class<? extends PipelineOptions> optionsClass,
      List<String> defaults,
      List<Limit> limits) {
    this(runner, optionsClass, defaults, limits, Optional.empty());
  }

  /** A runner that runs every pipeline. */
  public Engine(
      Class<? extends PipelineRunner<?>> runner,
      Class<? extends PipelineOptions> optionsClass,
      List<String> defaults) {
    this(runner, optionsClass, defaults, List.of());
  }

  /** The defaults by property. */
  Map<String, String> defaultValues() {
    return new Arguments(runner.getSimpleName(), List.of(optionsClass)).values(defaults);
  }
}

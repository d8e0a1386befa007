package dev.millrace.runners;

import java.util.List;
import java.util.Map;
import org.apache.beam.sdk.PipelineRunner;
import org.apache.beam.sdk.options.PipelineOptions;

/**
 * A runner, as the command line needs it.
 *
 * @param runner runs the pipelines; its {@code run} returns before the pipeline has ended
 * @param optionsClass the runner's own options
 * @param defaults options as on the command line; what the user gives overrides them
 * @param limits what it cannot do: pipelines with such steps are refused
 */
public record Engine(
    Class<? extends PipelineRunner<?>> runner,
    Class<? extends PipelineOptions> optionsClass,
    List<String> defaults,
    List<Limit> limits) {

  /** Keeps copies of the lists. */
  public Engine {
    defaults = List.copyOf(defaults);
    limits = List.copyOf(limits);
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

package dev.millrace.direct;

import org.apache.beam.runners.direct.DirectRunner;
import org.apache.beam.runners.direct.DirectRunner.DirectPipelineResult;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineRunner;
import org.apache.beam.sdk.options.PipelineOptions;

/**
 * Beam's Direct runner, for runs: steps of a batch that work on single elements and follow each
 * other are one function ({@link Joining}). Tests use Beam's own, which runs step by step and
 * checks each.
 */
public final class DirectJobRunner extends PipelineRunner<DirectPipelineResult> {

  private final PipelineOptions options;

  private DirectJobRunner(PipelineOptions options) {
    this.options = options;
  }

  /** The runner for these options; Beam calls it when a pipeline is made, and when it is run. */
  public static DirectJobRunner fromOptions(PipelineOptions options) {
    return new DirectJobRunner(options);
  }

  @Override
  public DirectPipelineResult run(Pipeline pipeline) {
    Joining.join(pipeline);
    options.setRunner(DirectRunner.class);
    return DirectRunner.fromOptions(options).run(pipeline);
  }
}

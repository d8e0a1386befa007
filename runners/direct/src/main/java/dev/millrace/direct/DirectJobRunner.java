package dev.millrace.direct;

import java.io.IOException;
import java.util.Objects;
import java.util.UUID;
import org.apache.beam.runners.core.metrics.MetricsContainerStepMap;
import org.apache.beam.runners.direct.DirectRunner;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.PipelineRunner;
import org.apache.beam.sdk.metrics.MetricResults;
import org.apache.beam.sdk.options.PipelineOptions;
import org.joda.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Beam's Direct runner, for runs: steps of a batch that work on single elements and follow each
 * other are one function ({@link Joining}). Tests use Beam's own, which runs step by step and
 * checks each.
 */
public final class DirectJobRunner extends PipelineRunner<PipelineResult> {

  private final PipelineOptions options;

  private DirectJobRunner(PipelineOptions options) {
    this.options = options;
  }

  /** The runner for these options; Beam calls it when a pipeline is made, and when it is run. */
  public static DirectJobRunner fromOptions(PipelineOptions options) {
    return new DirectJobRunner(options);
  }

  @Override
  public PipelineResult run(Pipeline pipeline) {
    String run = UUID.randomUUID().toString();
    MetricsContainerStepMap metrics = JoinedMetrics.of(run);
    boolean started = false;
    try {
      Joining.join(pipeline, run);
      options.setRunner(DirectRunner.class);
      PipelineResult result = DirectRunner.fromOptions(options).run(pipeline);
      started = true;
      return new Result(result, run, new JoinedMetrics(metrics, result.metrics()));
    } finally {
      if (!started) {
        JoinedMetrics.end(run);
      }
    }
  }

  /** What Beam's runner says, with the metrics of joined steps. */
  private record Result(PipelineResult ofBeam, String run, MetricResults metrics)
      implements PipelineResult {
    @Override
    public State getState() {
      return ofBeam.getState();
    }

    @Override
    public State cancel() throws IOException {
      return ofBeam.cancel();
    }

    @Override
    public State waitUntilFinish() {
      return Objects.requireNonNull(waitUntilFinish(Duration.ZERO));
    }

    @Override
    public @Nullable State waitUntilFinish(Duration duration) {
      try {
        return ofBeam.waitUntilFinish(duration);
      } finally {
        if (ofBeam.getState().isTerminal()) {
          JoinedMetrics.end(run);
        }
      }
    }
  }
}

package dev.millrace.flink;

import java.io.IOException;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.beam.runners.core.metrics.MetricsContainerStepMap;
import org.apache.beam.runners.flink.metrics.FlinkMetricContainer;
import org.apache.beam.sdk.Pipeline.PipelineExecutionException;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.metrics.MetricResults;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.core.execution.JobClient;
import org.joda.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A job of Flink that runs or has ended, with its cause of failure.
 *
 * <p>Beam hands the counters of a step over when the step ends: while a job runs, {@link #metrics}
 * tells of the steps that are through, and of none of a stream.
 */
public final class FlinkJob implements PipelineResult {

  /** The share of the time in which a job is asked for its counters: one in so many. */
  private static final int SELDOM = 50;

  private final JobClient client;
  private final CompletableFuture<JobExecutionResult> ended;
  private MetricsContainerStepMap lastMetrics = new MetricsContainerStepMap();
  private long nextLook = System.nanoTime();
  private volatile boolean cancelled;

  FlinkJob(JobClient client) {
    this.client = client;
    this.ended = client.getJobExecutionResult();
  }

  /** The id that the cluster knows it by. */
  String id() {
    return client.getJobID().toHexString();
  }

  @Override
  public State getState() {
    if (!ended.isDone()) {
      return State.RUNNING;
    }
    if (!ended.isCompletedExceptionally()) {
      return State.DONE;
    }
    return cancelled ? State.CANCELLED : State.FAILED;
  }

  @Override
  public State cancel() throws IOException {
    if (!ended.isDone()) {
      cancelled = true;
      client.cancel().exceptionally(over -> null).join();
      ended.exceptionally(stopped -> null).join();
    }
    return getState();
  }

  @Override
  public State waitUntilFinish() {
    return Objects.requireNonNull(await(null));
  }

  /** Not longer than {@code duration}, then null; below a millisecond is for ever. */
  @Override
  public @Nullable State waitUntilFinish(Duration duration) {
    return await(duration.getMillis() < 1 ? null : duration);
  }

  private @Nullable State await(@Nullable Duration atMost) {
    try {
      if (atMost == null) {
        ended.get();
      } else {
        ended.get(atMost.getMillis(), TimeUnit.MILLISECONDS);
      }
    } catch (TimeoutException runs) {
      return null;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while a job of Flink ran", interrupted);
    } catch (ExecutionException failed) {
      if (!cancelled) {
        throw new PipelineExecutionException(failed.getCause());
      }
    }
    return getState();
  }

  /**
   * So far, or at the end. What could not be had now is what was known last: to ask costs a job of
   * many steps so much that it is done the less often the longer it takes.
   */
  @Override
  public synchronized MetricResults metrics() {
    try {
      if (ended.isDone()) {
        take(ended.get().getAccumulatorResult(FlinkMetricContainer.ACCUMULATOR_NAME));
      } else if (System.nanoTime() - nextLook >= 0) {
        long asked = System.nanoTime();
        take(client.getAccumulators().get().get(FlinkMetricContainer.ACCUMULATOR_NAME));
        long answered = System.nanoTime();
        nextLook = answered + SELDOM * (answered - asked);
      }
    } catch (ExecutionException | IllegalStateException between) {
      // The cluster ends with its job, and may do so while it is asked.
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    return MetricsContainerStepMap.asAttemptedOnlyMetricResults(lastMetrics);
  }

  private void take(@Nullable Object found) {
    if (found instanceof MetricsContainerStepMap metrics) {
      lastMetrics = metrics;
    }
  }
}

package dev.millrace.direct;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.beam.runners.core.metrics.MetricsContainerStepMap;
import org.apache.beam.sdk.metrics.MetricQueryResults;
import org.apache.beam.sdk.metrics.MetricResults;
import org.apache.beam.sdk.metrics.MetricsFilter;
import org.apache.beam.vendor.guava.v32_1_2_jre.com.google.common.collect.Iterables;

/**
 * The metrics of a run: those of joined steps, each under its own name, beside the runner's, which
 * are by steps of the graph.
 */
final class JoinedMetrics extends MetricResults {

  /** Of the runs of this process: a function is sent as bytes, and finds its run's by name. */
  private static final Map<String, MetricsContainerStepMap> RUNS = new ConcurrentHashMap<>();

  private final MetricsContainerStepMap joined;
  private final MetricResults others;

  JoinedMetrics(MetricsContainerStepMap joined, MetricResults others) {
    this.joined = joined;
    this.others = others;
  }

  /** Those of a run, which are counted until {@link #end}. */
  static MetricsContainerStepMap of(String run) {
    return RUNS.computeIfAbsent(run, none -> new MetricsContainerStepMap());
  }

  /** What still counts for a run counts for itself. */
  static void end(String run) {
    RUNS.remove(run);
  }

  @Override
  public MetricQueryResults queryMetrics(MetricsFilter filter) {
    // As it is now, for steps go on counting; the runner repeats no element, so what was tried is
    // what counts.
    MetricsContainerStepMap now = new MetricsContainerStepMap();
    now.updateAll(joined);
    MetricQueryResults steps =
        MetricsContainerStepMap.asMetricResults(now, now).queryMetrics(filter);
    MetricQueryResults more = others.queryMetrics(filter);
    return MetricQueryResults.create(
        Iterables.concat(steps.getCounters(), more.getCounters()),
        Iterables.concat(steps.getDistributions(), more.getDistributions()),
        Iterables.concat(steps.getGauges(), more.getGauges()),
        Iterables.concat(steps.getStringSets(), more.getStringSets()),
        Iterables.concat(steps.getBoundedTries(), more.getBoundedTries()),
        Iterables.concat(steps.getHistograms(), more.getHistograms()));
  }
}

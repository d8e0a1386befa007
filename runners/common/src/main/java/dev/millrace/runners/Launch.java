package dev.millrace.runners;

import dev.millrace.local.LocalPostgres;
import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.CatalogueEntry.Job;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.PipelineResult.State;
import org.apache.beam.sdk.metrics.MetricNameFilter;
import org.apache.beam.sdk.metrics.MetricResult;
import org.apache.beam.sdk.metrics.MetricsFilter;
import org.apache.beam.sdk.options.PipelineOptions;
import org.joda.time.Duration;
import org.jspecify.annotations.Nullable;

/** One run of one pipeline, from its options to its summary. */
final class Launch {

  private static final Duration GLANCE = Duration.millis(250);
  private static final String SUFFIX = ".records";
  private static final MetricsFilter STAGES =
      MetricsFilter.builder().addNameFilter(MetricNameFilter.inNamespace("millrace")).build();

  private final Engine engine;
  private final Supplier<Warehouse> embedded;
  private final Narrator narrator;

  /**
   * @param embedded opens the warehouse of a run that names none
   */
  Launch(Engine engine, Supplier<Warehouse> embedded, Narrator narrator) {
    this.engine = engine;
    this.embedded = embedded;
    this.narrator = narrator;
  }

  /** A warehouse, as long as a run needs it. */
  interface Warehouse extends AutoCloseable {
    String jdbcUrl();

    @Override
    void close();

    /** A server of this process. */
    static Warehouse in(Path directory) {
      LocalPostgres postgres = LocalPostgres.in(directory);
      return new Warehouse() {
        @Override
        public String jdbcUrl() {
          return postgres.jdbcUrl();
        }

        @Override
        public void close() {
          postgres.close();
        }
      };
    }

    /** One that is there. */
    static Warehouse at(String jdbcUrl) {
      return new Warehouse() {
        @Override
        public String jdbcUrl() {
          return jdbcUrl;
        }

        @Override
        public void close() {}
      };
    }
  }

  /** Runs the pipeline to its end and returns its summary. */
  String run(CatalogueEntry entry, PipelineOptions options) throws Exception {
    return run(entry, options, job -> {});
  }

  /** The same for a run of which something is asked before it is prepared. */
  String run(CatalogueEntry entry, PipelineOptions options, Consumer<Job> asked) throws Exception {
    options.setRunner(engine.runner());
    try (Surroundings surroundings = new Surroundings()) {
      narrator.phase("Preparing");
      Job job = entry.job(options, surroundings);
      narrator.about(entry.name(), job.id());
      try {
        asked.accept(job);
        if (engine.elsewhere()) {
          Submission.refuseFilesFromHere(job, options);
        }
        job.prepare();
        Pipeline pipeline = Pipeline.create(options);
        job.build(pipeline);
        CapabilityGate.check(
            pipeline, engine.runner().getSimpleName().replace("Runner", ""), engine.limits());
        if (job.isLive()) {
          narrator.ifInterrupted(
              "Stopped. The tables hold what was read; run the same command again to go on.");
        }
        narrator.phase(job.isLive() ? "Live, until stopped (Ctrl-C)" : "Running");
        // When the pipeline was made, the runner may have put a name in its place that Beam knows.
        options.setRunner(engine.runner());
        PipelineResult running = pipeline.run();
        narrator.event(
            "started", entry.name() + (job.isLive() ? " runs, until it is stopped." : " runs."));
        Lookout lookout = Lookout.over(job, narrator);
        PipelineResult result;
        try {
          result = await(running, job);
        } finally {
          lookout.close();
        }
        narrator.phase("Finishing");
        String summary = job.finish(result);
        narrator.event(
            job.isLive() ? "stopped" : "published",
            entry.name() + (job.isLive() ? " was stopped." : " is published."));
        narrator.close();
        return summary;
      } catch (Throwable failed) {
        narrator.event("failed", Failure.of(failed).sentence());
        abandon(job, failed);
        throw failed;
      }
    }
  }

  private PipelineResult await(PipelineResult result, Job job) throws IOException {
    HeapWatch heap = new HeapWatch();
    State state = null;
    long end = job.runFor().map(time -> System.nanoTime() + time.toNanos()).orElse(Long.MAX_VALUE);
    try {
      while (state == null || !state.isTerminal()) {
        state = result.waitUntilFinish(GLANCE);
        heap.look();
        narrator.progress(stages(result));
        if (job.runFor().isPresent() && System.nanoTime() - end > 0) {
          result.cancel();
          return result;
        }
      }
    } catch (RuntimeException | OutOfMemoryError failed) {
      stop(result, failed);
      throw failed;
    }
    if (state != State.DONE) {
      throw new IllegalStateException("the runner ended the pipeline in the state " + state);
    }
    return result;
  }

  /** Steps that still run would write on while the run is tidied up. */
  private static void stop(PipelineResult result, Throwable failed) {
    try {
      if (!result.getState().isTerminal()) {
        result.cancel();
      }
    } catch (IOException | RuntimeException alsoFailed) {
      // The Direct runner may be stopping already, and stopping twice at once fails.
      failed.addSuppressed(alsoFailed);
    }
  }

  private static Map<String, Long> stages(PipelineResult result) {
    Map<String, Long> stages = new TreeMap<>();
    for (MetricResult<Long> counter : result.metrics().queryMetrics(STAGES).getCounters()) {
      String name = counter.getName().getName();
      if (name.endsWith(SUFFIX)) {
        stages.merge(
            name.substring(0, name.length() - SUFFIX.length()), counter.getAttempted(), Long::sum);
      }
    }
    return stages;
  }

  private static void abandon(Job job, Throwable failed) {
    try {
      job.abandon(failed);
    } catch (Exception alsoFailed) {
      failed.addSuppressed(alsoFailed);
    }
  }

  private final class Surroundings implements CatalogueEntry.Surroundings, AutoCloseable {
    private @Nullable Warehouse warehouse;

    @Override
    public synchronized String embeddedWarehouse() {
      if (engine.elsewhere()) {
        throw Submission.noWarehouse();
      }
      if (warehouse == null) {
        warehouse = embedded.get();
      }
      return warehouse.jdbcUrl();
    }

    @Override
    public void phase(String name) {
      narrator.phase(name);
    }

    @Override
    public synchronized void close() {
      if (warehouse != null) {
        warehouse.close();
      }
    }
  }
}

package dev.millrace.it.equivalence;

import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.CatalogueEntry.Job;
import dev.millrace.transforms.Tallies;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.ServiceLoader;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.PipelineRunner;
import org.apache.beam.sdk.metrics.MetricNameFilter;
import org.apache.beam.sdk.metrics.MetricQueryResults;
import org.apache.beam.sdk.metrics.MetricResult;
import org.apache.beam.sdk.metrics.MetricsFilter;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;

/** The metrics that a run of a pipeline leaves, in a process that has the runner's libraries. */
final class MetricNames {

  private MetricNames() {}

  /**
   * Prints kind, step and name of each metric of Millrace, and of a counter how much it counted.
   *
   * @param arguments the runner, then {@code run}, a pipeline and its options
   */
  public static void main(String[] arguments) throws Exception {
    PrintStream out = System.out;
    // What libraries print is no answer.
    System.setOut(System.err);
    CatalogueEntry entry =
        ServiceLoader.load(CatalogueEntry.class).stream()
            .map(ServiceLoader.Provider::get)
            .filter(candidate -> candidate.name().equals(arguments[2]))
            .findFirst()
            .orElseThrow();
    PipelineOptionsFactory.register(entry.optionsClass());
    List<String> given = Arrays.stream(arguments).skip(3).map(MetricNames::asBeamSpells).toList();
    PipelineOptions options =
        PipelineOptionsFactory.fromArgs(Probes.options(arguments[0], given).toArray(String[]::new))
            .as(entry.optionsClass());
    Class<? extends PipelineRunner<?>> runner = options.getRunner();
    Job job = entry.job(options, new Surroundings());
    job.prepare();
    Pipeline pipeline = Pipeline.create(options);
    job.build(pipeline);
    // When the pipeline was made, the runner may have put a name in its place that Beam knows.
    options.setRunner(runner);
    PipelineResult result = pipeline.run();
    result.waitUntilFinish();
    MetricQueryResults metrics =
        result
            .metrics()
            .queryMetrics(
                MetricsFilter.builder()
                    .addNameFilter(MetricNameFilter.inNamespace(Tallies.NAMESPACE))
                    .build());
    TreeSet<String> lines = new TreeSet<>();
    for (MetricResult<Long> counter : metrics.getCounters()) {
      lines.add("counter " + told(counter) + " " + counter.getAttempted());
    }
    metrics.getGauges().forEach(gauge -> lines.add("gauge " + told(gauge)));
    metrics.getDistributions().forEach(one -> lines.add("distribution " + told(one)));
    lines.forEach(out::println);
    out.flush();
    job.finish(result);
    System.exit(0);
  }

  private static String told(MetricResult<?> metric) {
    return metric.getKey().stepName() + " " + metric.getName().getName();
  }

  private static String asBeamSpells(String option) {
    String[] parts = option.split("=", 2);
    return Pattern.compile("(?<=\\w)-(\\w)")
            .matcher(parts[0])
            .replaceAll(found -> found.group(1).toUpperCase(Locale.ROOT))
        + "="
        + parts[1];
  }

  private static final class Surroundings implements CatalogueEntry.Surroundings {
    @Override
    public String embeddedWarehouse() {
      throw new IllegalStateException("a warehouse is given");
    }

    @Override
    public void phase(String name) {}
  }
}

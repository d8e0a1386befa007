package dev.millrace.benchmarks;

import dev.millrace.contract.Contract;
import dev.millrace.direct.Main;
import dev.millrace.pipelines.io.RecordFiles;
import dev.millrace.pipelines.sales.SalesConfig;
import dev.millrace.pipelines.sales.SalesOptions;
import dev.millrace.schemas.retail.Sale;
import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.Outcome;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.Tally;
import dev.millrace.transforms.refine.Refine;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.PipelineResult.State;
import org.apache.beam.sdk.metrics.Counter;
import org.apache.beam.sdk.metrics.MetricNameFilter;
import org.apache.beam.sdk.metrics.MetricResult;
import org.apache.beam.sdk.metrics.Metrics;
import org.apache.beam.sdk.metrics.MetricsFilter;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.PCollection;

/**
 * The refining of sales by Millrace: a pipeline that reads files, refines as {@code sales} does,
 * and counts, on the Direct runner with the settings of {@code millrace run}.
 */
final class RefineSales {

  private static final String METRICS = "benchmark";

  private RefineSales() {}

  /** Runs the pipeline to its end. */
  static Refined onDirect(List<Path> files) {
    Pipeline pipeline =
        Pipeline.create(
            PipelineOptionsFactory.fromArgs(Main.engine().defaults().toArray(String[]::new))
                .create());
    String all = files.stream().map(Path::toString).collect(Collectors.joining(","));
    PCollection<RawRecord> raw =
        pipeline.apply("Read", RecordFiles.read("--sales", all, Contract.of(Sale.class)));
    Accounted<Sale> refined = raw.apply("Refine", refine());
    refined.good().apply("CountGood", ParDo.of(new CountGood()));
    refined.tallies().apply("CountOutcomes", ParDo.of(new CountOutcomes()));
    pipeline.getOptions().setRunner(Main.engine().runner());
    PipelineResult result = pipeline.run();
    State state = result.waitUntilFinish();
    if (state != State.DONE) {
      throw new IllegalStateException("the pipeline ended in the state " + state);
    }
    return found(counters(result));
  }

  /** The pass, with the options {@code sales} has if none are given. */
  static Refine<Sale> refine() {
    SalesConfig config = SalesConfig.from(PipelineOptionsFactory.as(SalesOptions.class));
    return Refine.json(Sale.class)
        .as("RefineSales")
        .lateAfter(config.maxLateness())
        .futureAfter(config.maxSkew());
  }

  private static Map<String, Long> counters(PipelineResult result) {
    MetricsFilter ours =
        MetricsFilter.builder().addNameFilter(MetricNameFilter.inNamespace(METRICS)).build();
    return StreamSupport.stream(
            result.metrics().queryMetrics(ours).getCounters().spliterator(), false)
        .collect(
            Collectors.toMap(
                counter -> counter.getName().getName(), MetricResult::getCommitted, Long::sum));
  }

  private static Refined found(Map<String, Long> counters) {
    long good = counters.getOrDefault("good", 0L);
    long written = counters.getOrDefault(Outcome.WRITTEN.name(), 0L);
    if (good != written) {
      throw new WrongAnswer(
          "Millrace says it refined %d records, and handed on %d.".formatted(written, good));
    }
    long invalid = counters.getOrDefault(Outcome.INVALID.name(), 0L);
    long late = counters.getOrDefault(Outcome.LATE.name(), 0L);
    return new Refined(
        good + invalid + late,
        good,
        invalid,
        late,
        BigDecimal.valueOf(counters.getOrDefault("revenue", 0L), 4));
  }

  /** Counts records and revenue per bundle: a counter for each record would cost more than it. */
  private static final class CountGood extends DoFn<Sourced<Sale>, Void> {
    private final Counter good = Metrics.counter(METRICS, "good");
    private final Counter revenue = Metrics.counter(METRICS, "revenue");
    private long records;
    private BigDecimal sum = BigDecimal.ZERO;

    @StartBundle
    public void start() {
      records = 0;
      sum = BigDecimal.ZERO;
    }

    @ProcessElement
    public void process(@Element Sourced<Sale> sale) {
      records++;
      sum = sum.add(sale.value().getStoreSales());
    }

    @FinishBundle
    public void finish() {
      good.inc(records);
      revenue.inc(sum.movePointRight(4).longValueExact());
    }
  }

  private static final class CountOutcomes extends DoFn<Tally, Void> {
    @ProcessElement
    public void process(@Element Tally tally) {
      Metrics.counter(METRICS, tally.outcome().name()).inc(tally.count());
    }
  }
}

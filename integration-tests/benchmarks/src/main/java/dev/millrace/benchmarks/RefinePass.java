package dev.millrace.benchmarks;

import dev.millrace.schemas.retail.Sale;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.Outcome;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.Tally;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.runners.TransformHierarchy;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.reflect.DoFnInvoker;
import org.apache.beam.sdk.transforms.reflect.DoFnInvokers;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.values.OutputBuilder;
import org.apache.beam.sdk.values.Row;
import org.apache.beam.sdk.values.TupleTag;
import org.joda.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The refining pass alone: the function that {@code Refine} puts into a pipeline, called as a
 * runner calls it, on one thread, over lines from the reader of {@link PlainSalesLoop}. What is
 * left out, in comparison with {@link RefineSales}, is the runner and the file source.
 */
final class RefinePass {

  private static final int BUNDLE = 10_000;
  private static final int LONGEST = 1 << 20;

  private RefinePass() {}

  /** Runs over files of JSON lines. */
  static Refined run(List<Path> files) throws IOException {
    Caller caller = new Caller(pass());
    for (Path file : files) {
      String source = String.valueOf(file.getFileName());
      Lines.forEach(
          file,
          LONGEST,
          (bytes, start, end, position) ->
              caller.process(
                  new RawRecord(
                      Arrays.copyOfRange(bytes, start, end),
                      new Origin(source, position, Origin.NO_ARRIVAL))));
    }
    return caller.finish();
  }

  /** The function, taken out of a pipeline that is never run. */
  @SuppressWarnings("unchecked") // Refine has one function, from raw records to records with source
  private static DoFn<RawRecord, Sourced<Sale>> pass() {
    Pipeline pipeline = Pipeline.create();
    pipeline.apply("None", Create.empty(RawRecord.coder())).apply("Refine", RefineSales.refine());
    Finder finder = new Finder();
    pipeline.traverseTopologically(finder);
    if (finder.found == null) {
      throw new IllegalStateException("Refine has no function of the name Decide");
    }
    return (DoFn<RawRecord, Sourced<Sale>>) finder.found;
  }

  private static final class Finder extends Pipeline.PipelineVisitor.Defaults {
    private @Nullable DoFn<?, ?> found;

    @Override
    public void visitPrimitiveTransform(TransformHierarchy.Node node) {
      if (node.getFullName().startsWith("Refine/Decide")
          && node.getTransform() instanceof ParDo.MultiOutput<?, ?> step) {
        found = step.getFn();
      }
    }
  }

  /** Calls the function and takes what it puts out. */
  private static final class Caller
      extends DoFnInvoker.BaseArgumentProvider<RawRecord, Sourced<Sale>>
      implements DoFn.MultiOutputReceiver {

    private final DoFn<RawRecord, Sourced<Sale>> fn;
    private final DoFnInvoker<RawRecord, Sourced<Sale>> invoker;
    private final PipelineOptions options = PipelineOptionsFactory.create();
    private final Map<Outcome, Long> outcomes = new EnumMap<>(Outcome.class);
    private final Map<String, Receiver> receivers;
    private @Nullable RawRecord element;
    private int inBundle;
    private long good;
    private long rejected;
    private BigDecimal revenue = BigDecimal.ZERO;

    Caller(DoFn<RawRecord, Sourced<Sale>> fn) {
      this.fn = fn;
      this.invoker = DoFnInvokers.tryInvokeSetupFor(fn, options);
      this.receivers =
          Map.of(
              "good", new Receiver(this::good),
              "rejects", new Receiver(letter -> rejected++));
      invoker.invokeStartBundle(this);
    }

    void process(RawRecord record) {
      element = record;
      invoker.invokeProcessElement(this);
      if (++inBundle == BUNDLE) {
        invoker.invokeFinishBundle(this);
        invoker.invokeStartBundle(this);
        inBundle = 0;
      }
    }

    Refined finish() {
      invoker.invokeFinishBundle(this);
      invoker.invokeTeardown();
      long invalid = outcomes.getOrDefault(Outcome.INVALID, 0L);
      long late = outcomes.getOrDefault(Outcome.LATE, 0L);
      long written = outcomes.getOrDefault(Outcome.WRITTEN, 0L);
      if (written != good || invalid + late != rejected) {
        throw new WrongAnswer(
            "The pass counted %d good and %d refused records, and put out %d and %d."
                .formatted(written, invalid + late, good, rejected));
      }
      return new Refined(good + rejected, good, invalid, late, revenue);
    }

    private void good(Object record) {
      good++;
      revenue = revenue.add(((Sale) ((Sourced<?>) record).value()).getStoreSales());
    }

    @Override
    public RawRecord element(DoFn<RawRecord, Sourced<Sale>> of) {
      if (element == null) {
        throw new IllegalStateException("there is no element");
      }
      return element;
    }

    @Override
    public Instant timestamp(DoFn<RawRecord, Sourced<Sale>> of) {
      return BoundedWindow.TIMESTAMP_MIN_VALUE;
    }

    @Override
    public DoFn.MultiOutputReceiver taggedOutputReceiver(DoFn<RawRecord, Sourced<Sale>> of) {
      return this;
    }

    @Override
    @SuppressWarnings("unchecked") // a receiver takes anything
    public <T> DoFn.OutputReceiver<T> get(TupleTag<T> tag) {
      Receiver receiver = receivers.get(tag.getId());
      if (receiver == null) {
        throw new IllegalStateException("an output of the name " + tag.getId() + " is not known");
      }
      return (DoFn.OutputReceiver<T>) receiver;
    }

    @Override
    public <T> DoFn.OutputReceiver<Row> getRowReceiver(TupleTag<T> tag) {
      throw new UnsupportedOperationException("rows");
    }

    @Override
    public DoFn<RawRecord, Sourced<Sale>>.FinishBundleContext finishBundleContext(
        DoFn<RawRecord, Sourced<Sale>> of) {
      return fn.new FinishBundleContext() {
        @Override
        public PipelineOptions getPipelineOptions() {
          return options;
        }

        @Override
        public void output(Sourced<Sale> output, Instant timestamp, BoundedWindow window) {
          throw new UnsupportedOperationException("records at the end of a bundle");
        }

        @Override
        public <T> void output(TupleTag<T> tag, T output, Instant timestamp, BoundedWindow window) {
          Tally tally = (Tally) output;
          outcomes.merge(tally.outcome(), tally.count(), Long::sum);
        }
      };
    }

    @Override
    public String getErrorContext() {
      return "benchmark";
    }
  }

  private record Receiver(java.util.function.Consumer<Object> taker)
      implements DoFn.OutputReceiver<Object> {
    @Override
    public OutputBuilder<Object> builder(Object value) {
      throw new UnsupportedOperationException("output with more than a timestamp");
    }

    @Override
    public void output(Object value) {
      taker.accept(value);
    }

    @Override
    public void outputWithTimestamp(Object value, Instant timestamp) {
      taker.accept(value);
    }
  }
}

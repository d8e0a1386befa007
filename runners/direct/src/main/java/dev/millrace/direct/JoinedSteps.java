package dev.millrace.direct;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.apache.beam.runners.core.DoFnRunner;
import org.apache.beam.runners.core.DoFnRunners;
import org.apache.beam.runners.core.SideInputReader;
import org.apache.beam.runners.core.StateInternals;
import org.apache.beam.runners.core.StepContext;
import org.apache.beam.runners.core.TimerInternals;
import org.apache.beam.runners.core.metrics.MetricsContainerStepMap;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.metrics.MetricsContainer;
import org.apache.beam.sdk.metrics.MetricsEnvironment;
import org.apache.beam.sdk.metrics.MetricsEnvironment.MetricsEnvironmentState;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.DoFnSchemaInformation;
import org.apache.beam.sdk.transforms.reflect.DoFnInvoker;
import org.apache.beam.sdk.transforms.reflect.DoFnInvokers;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.util.WindowedValueMultiReceiver;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.WindowedValue;
import org.apache.beam.sdk.values.WindowingStrategy;
import org.jspecify.annotations.Nullable;

/**
 * Steps that hand elements to each other by a call: a tree of them.
 *
 * <p>A step's bundle begins with its first element and ends when all elements of a bundle of the
 * tree are through, a step's before those of the steps it gives to.
 */
@SuppressWarnings({"unchecked", "rawtypes"}) // steps know no types
final class JoinedSteps implements Serializable {

  private static final long serialVersionUID = 1L;

  /**
   * Where an output of a step goes.
   *
   * @param next steps, by their places
   * @param leaves the output of the tree, if others read it too
   */
  record Way(List<Integer> next, @Nullable TupleTag<?> leaves) implements Serializable {}

  /** One of the steps. */
  record Step(
      String name,
      DoFn<?, ?> function,
      TupleTag<?> main,
      List<TupleTag<?>> more,
      Coder<?> input,
      Map<TupleTag<?>, Coder<?>> outputs,
      WindowingStrategy<?, ?> windows,
      DoFnSchemaInformation schema,
      Map<String, PCollectionView<?>> views,
      Map<TupleTag<?>, Way> ways)
      implements Serializable {}

  private final List<Step> steps;
  private final String run;

  /**
   * @param steps each before those it gives to
   * @param run by which their metrics are found
   */
  JoinedSteps(List<Step> steps, String run) {
    this.steps = new ArrayList<>(steps);
    this.run = run;
  }

  /** The function that elements enter by. */
  DoFn<?, ?> first() {
    return steps.get(0).function;
  }

  /** What leaves the tree goes there. */
  interface Exit {
    void leave(TupleTag<?> output, WindowedValue<?> element);
  }

  /** What steps read beside their input comes from there. */
  interface Beside {
    <T> T of(PCollectionView<T> view);
  }

  /** The steps, set up; of one thread. */
  final class Running {
    private final List<RunningStep> running = new ArrayList<>();
    private final MetricsContainerStepMap metrics = JoinedMetrics.of(run);
    private @Nullable MetricsEnvironmentState counting;
    private @Nullable Exit exit;
    private @Nullable Beside beside;

    /** Sets all steps up; if one fails, those before it are torn down. */
    Running(PipelineOptions options) {
      try {
        for (Step step : steps) {
          running.add(new RunningStep(step, options, this));
        }
      } catch (RuntimeException failed) {
        tearDown(failed);
        throw failed;
      }
    }

    /** The next elements belong to a new bundle, of this thread. */
    void begin() {
      running.forEach(step -> step.hasBegun = false);
      counting = MetricsEnvironment.getMetricsEnvironmentStateForCurrentThread();
    }

    /** Where what leaves goes from now on. */
    void leaveBy(Exit to) {
      exit = to;
    }

    /** Hands an element to the first step. */
    void process(WindowedValue<?> element, Beside views) {
      beside = views;
      running.get(0).process(element);
    }

    /** Takes what the first step, run by someone else, has put out. */
    void put(TupleTag<?> output, WindowedValue<?> element) {
      running.get(0).output((TupleTag) output, (WindowedValue) element);
    }

    /** Lets someone else run the first step, whose metrics count as its own. */
    void first(Consumer<DoFnInvoker<?, ?>> call) {
      RunningStep first = running.get(0);
      MetricsContainer before = first.counting().activate(first.container);
      try {
        call.accept(first.invoker);
      } finally {
        first.counting().activate(before);
      }
    }

    /** Ends the bundles. */
    void finish() {
      running.forEach(RunningStep::finish);
    }

    void tearDown() {
      RuntimeException failed = new IllegalStateException("a step could not be torn down");
      tearDown(failed);
      if (failed.getSuppressed().length > 0) {
        throw failed;
      }
    }

    /** A step that fails to let go keeps no other from it. */
    private void tearDown(RuntimeException failed) {
      for (RunningStep step : running) {
        try {
          step.invoker.invokeTeardown();
        } catch (RuntimeException alsoFailed) {
          failed.addSuppressed(alsoFailed);
        }
      }
    }
  }

  private static final class RunningStep implements WindowedValueMultiReceiver {
    private final Running all;
    private final DoFnInvoker<?, ?> invoker;
    private final DoFnRunner<Object, Object> runner;
    private final Map<TupleTag<?>, Way> ways;
    private final MetricsContainer container;
    private boolean hasBegun;

    private RunningStep(Step step, PipelineOptions options, Running all) {
      this.all = all;
      this.ways = new HashMap<>(step.ways);
      container = all.metrics.getContainer(step.name);
      invoker = DoFnInvokers.tryInvokeSetupFor(step.function, options);
      runner =
          DoFnRunners.simpleRunner(
              options,
              (DoFn) step.function,
              new Views(all),
              this,
              (TupleTag) step.main,
              step.more,
              new NoState(),
              (Coder) step.input,
              step.outputs,
              step.windows,
              step.schema,
              step.views);
    }

    private void process(WindowedValue<?> element) {
      MetricsContainer before = counting().activate(container);
      try {
        if (!hasBegun) {
          hasBegun = true;
          runner.startBundle();
        }
        runner.processElement((WindowedValue) element);
      } finally {
        counting().activate(before);
      }
    }

    private void finish() {
      if (hasBegun) {
        hasBegun = false;
        MetricsContainer before = counting().activate(container);
        try {
          runner.finishBundle();
        } finally {
          counting().activate(before);
        }
      }
    }

    private MetricsEnvironmentState counting() {
      return Objects.requireNonNull(all.counting, "a bundle that has not begun");
    }

    @Override
    public <OutputT> void output(TupleTag<OutputT> tag, WindowedValue<OutputT> element) {
      Way way = ways.get(tag);
      if (way == null) {
        return;
      }
      List<Integer> next = way.next;
      for (int i = 0; i < next.size(); i++) {
        all.running.get(next.get(i)).process(element);
      }
      if (way.leaves != null && all.exit != null) {
        all.exit.leave(way.leaves, element);
      }
    }
  }

  /** The views of all steps, in the window of the element that is being processed. */
  private record Views(Running all) implements SideInputReader {
    @Override
    public <T> T get(PCollectionView<T> view, BoundedWindow window) {
      return Objects.requireNonNull(all.beside, "a view outside of elements").of(view);
    }

    @Override
    public <T> boolean contains(PCollectionView<T> view) {
      return true;
    }

    @Override
    public boolean isEmpty() {
      return false;
    }
  }

  /** Steps that have state are Beam's. */
  private static final class NoState implements StepContext {
    @Override
    public StateInternals stateInternals() {
      throw new UnsupportedOperationException("a step without state asked for it");
    }

    @Override
    public TimerInternals timerInternals() {
      throw new UnsupportedOperationException("a step without timers asked for them");
    }
  }
}

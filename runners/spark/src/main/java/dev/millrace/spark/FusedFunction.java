package dev.millrace.spark;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Queue;
import org.apache.beam.runners.core.DoFnRunner;
import org.apache.beam.runners.core.DoFnRunners;
import org.apache.beam.runners.core.StateInternals;
import org.apache.beam.runners.core.StepContext;
import org.apache.beam.runners.core.TimerInternals;
import org.apache.beam.runners.core.construction.SerializablePipelineOptions;
import org.apache.beam.runners.spark.metrics.MetricsContainerStepMapAccumulator;
import org.apache.beam.runners.spark.util.CachedSideInputReader;
import org.apache.beam.runners.spark.util.SideInputBroadcast;
import org.apache.beam.runners.spark.util.SparkSideInputReader;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.metrics.MetricsContainer;
import org.apache.beam.sdk.metrics.MetricsEnvironment;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.DoFnSchemaInformation;
import org.apache.beam.sdk.transforms.reflect.DoFnInvoker;
import org.apache.beam.sdk.transforms.reflect.DoFnInvokers;
import org.apache.beam.sdk.util.VarInt;
import org.apache.beam.sdk.util.WindowedValueMultiReceiver;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.WindowedValue;
import org.apache.beam.sdk.values.WindowingStrategy;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.util.TaskCompletionListener;

/**
 * Steps that hand elements to each other by a call: a tree of them, whose root has the input.
 *
 * <p>Bundles are those the steps have by themselves: each begins with its first element and ends
 * when all elements are through, a step before those it gives to.
 *
 * @param <T> elements, if one output is read by one; else blocks of bytes: the output's number, and
 *     elements of it
 */
@SuppressWarnings({"unchecked", "rawtypes", "try"}) // steps know no types; a scope is only closed
final class FusedFunction<T> implements FlatMapFunction<Iterator<WindowedValue<?>>, T> {

  private static final long serialVersionUID = 1L;

  /** Of a block, at least, but for the last of its output. */
  private static final int BYTES = 1 << 16;

  /**
   * Where an output of a step goes.
   *
   * @param next steps, by their places
   * @param output its number, if it is read by others too; else negative
   */
  record Way(List<Integer> next, int output) implements Serializable {}

  /** One of the steps. */
  record Step(
      String name,
      DoFn<?, ?> function,
      TupleTag<?> main,
      List<TupleTag<?>> more,
      Coder<?> input,
      Map<TupleTag<?>, Coder<?>> outputs,
      Map<TupleTag<?>, KV<WindowingStrategy<?, ?>, SideInputBroadcast<?>>> sideInputs,
      WindowingStrategy<?, ?> windows,
      DoFnSchemaInformation schema,
      Map<String, PCollectionView<?>> views,
      Map<TupleTag<?>, Way> ways)
      implements Serializable {}

  private final List<Step> steps;
  private final List<Coder<WindowedValue<?>>> coders;
  private final SerializablePipelineOptions options;
  private final MetricsContainerStepMapAccumulator metrics;

  /**
   * @param steps each before those it gives to
   * @param coders of the outputs, if what leaves are blocks; else none
   */
  FusedFunction(
      List<Step> steps,
      List<Coder<WindowedValue<?>>> coders,
      SerializablePipelineOptions options,
      MetricsContainerStepMapAccumulator metrics) {
    this.steps = new ArrayList<>(steps);
    this.coders = new ArrayList<>(coders);
    this.options = options;
    this.metrics = metrics;
  }

  @Override
  public Iterator<T> call(Iterator<WindowedValue<?>> elements) {
    return elements.hasNext() ? new Run(elements) : Collections.emptyIterator();
  }

  /** Over one partition. */
  private final class Run implements Iterator<T> {
    private final Iterator<WindowedValue<?>> elements;
    private final List<Running> running = new ArrayList<>();
    private final List<ByteArrayOutputStream> blocks = new ArrayList<>();
    private final Queue<T> ready = new ArrayDeque<>();
    private boolean through;

    private Run(Iterator<WindowedValue<?>> elements) {
      this.elements = elements;
      coders.forEach(coder -> blocks.add(new ByteArrayOutputStream()));
      steps.forEach(this::open);
      running.forEach(Running::connect);
    }

    /** However the task ends, the step is torn down, and whatever another throws then. */
    private void open(Step step) {
      Running opened = new Running(step, this);
      running.add(opened);
      TaskContext.get()
          .addTaskCompletionListener(
              (TaskCompletionListener) context -> opened.invoker.invokeTeardown());
    }

    @Override
    public boolean hasNext() {
      while (ready.isEmpty() && !through) {
        if (elements.hasNext()) {
          running.get(0).process(elements.next());
        } else {
          running.forEach(Running::finish);
          for (int output = 0; output < blocks.size(); output++) {
            flush(output);
          }
          through = true;
        }
      }
      return !ready.isEmpty();
    }

    @Override
    public T next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      return ready.remove();
    }

    private void leave(int output, WindowedValue<?> element) {
      if (blocks.isEmpty()) {
        ready.add((T) element);
        return;
      }
      ByteArrayOutputStream block = blocks.get(output);
      try {
        if (block.size() == 0) {
          VarInt.encode(output, block);
        }
        coders.get(output).encode(element, block);
      } catch (IOException failed) {
        throw new UncheckedIOException(failed);
      }
      if (block.size() >= BYTES) {
        flush(output);
      }
    }

    private void flush(int output) {
      ByteArrayOutputStream block = blocks.get(output);
      if (block.size() > 0) {
        ready.add((T) block.toByteArray());
        block.reset();
      }
    }
  }

  /** A step in a run. */
  private final class Running implements WindowedValueMultiReceiver {
    private final Step step;
    private final FusedFunction<T>.Run run;
    private final DoFnInvoker<?, ?> invoker;
    private final DoFnRunner<Object, Object> runner;
    private final MetricsContainer container;
    private final Map<TupleTag<?>, Exit<T>> exits = new HashMap<>();
    private boolean hasBegun;

    private Running(Step step, FusedFunction<T>.Run run) {
      this.step = step;
      this.run = run;
      PipelineOptions given = options.get();
      invoker = DoFnInvokers.tryInvokeSetupFor(step.function, given);
      container = metrics.value().getContainer(step.name);
      runner =
          DoFnRunners.simpleRunner(
              given,
              (DoFn) step.function,
              CachedSideInputReader.of(new SparkSideInputReader(step.sideInputs)),
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

    private void connect() {
      step.ways.forEach(
          (tag, way) ->
              exits.put(
                  tag, new Exit<>(way.next.stream().map(run.running::get).toList(), way.output)));
    }

    private void process(WindowedValue<?> element) {
      try (Closeable counted = MetricsEnvironment.scopedMetricsContainer(container)) {
        if (!hasBegun) {
          hasBegun = true;
          runner.startBundle();
        }
        runner.processElement((WindowedValue) element);
      } catch (IOException never) {
        throw new UncheckedIOException(never);
      }
    }

    private void finish() {
      if (hasBegun) {
        try (Closeable counted = MetricsEnvironment.scopedMetricsContainer(container)) {
          runner.finishBundle();
        } catch (IOException never) {
          throw new UncheckedIOException(never);
        }
      }
    }

    @Override
    public <OutputT> void output(TupleTag<OutputT> tag, WindowedValue<OutputT> element) {
      Exit<T> exit = exits.get(tag);
      if (exit == null) {
        return;
      }
      for (FusedFunction<T>.Running reader : exit.readers) {
        reader.process(element);
      }
      if (exit.output >= 0) {
        run.leave(exit.output, element);
      }
    }
  }

  /** A way in a run. */
  private record Exit<T>(List<FusedFunction<T>.Running> readers, int output) {}

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

  /** What blocks are made elements of again: those of one output. */
  static final class Output implements FlatMapFunction<byte[], WindowedValue<?>> {
    private static final long serialVersionUID = 1L;

    private final int number;
    private final Coder<WindowedValue<?>> coder;

    Output(int number, Coder<WindowedValue<?>> coder) {
      this.number = number;
      this.coder = coder;
    }

    @Override
    public Iterator<WindowedValue<?>> call(byte[] block) throws IOException {
      ByteArrayInputStream in = new ByteArrayInputStream(block);
      return VarInt.decodeInt(in) == number
          ? new Iterator<>() {
            @Override
            public boolean hasNext() {
              return in.available() > 0;
            }

            @Override
            public WindowedValue<?> next() {
              try {
                return coder.decode(in);
              } catch (IOException failed) {
                throw new UncheckedIOException(failed);
              }
            }
          }
          : Collections.emptyIterator();
    }
  }
}

package dev.millrace.flink;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.beam.sdk.transforms.join.RawUnionValue;
import org.apache.flink.api.common.functions.AbstractRichFunction;
import org.apache.flink.api.common.functions.DefaultOpenContext;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.functions.util.FunctionUtils;
import org.apache.flink.util.Collector;
import org.apache.flink.util.ExceptionUtils;
import org.jspecify.annotations.Nullable;

/**
 * Steps that hand elements to each other by a call: a tree of them, whose root has the input.
 *
 * <p>Bundles are those the steps have by themselves: each begins with its first element and ends
 * when all elements are through, a step before those it gives to.
 */
final class FusedFlatMap extends AbstractRichFunction implements FlatMapFunction<Object, Object> {

  private static final long serialVersionUID = 1L;

  /**
   * One of the steps.
   *
   * @param next steps that take what it gives, by their places
   * @param output number of the output that what it gives also leaves by; none if negative
   */
  record Step(FlatMapFunction<Object, Object> function, List<Integer> next, int output)
      implements java.io.Serializable {}

  private final List<Step> steps;
  private final boolean tagged;
  private transient List<Collector<Object>> handOvers = List.of();
  private transient @Nullable Collector<Object> out;

  /**
   * @param steps each before those it gives to
   * @param tagged whether what leaves tells by a {@link RawUnionValue} which output it is of
   */
  FusedFlatMap(List<Step> steps, boolean tagged) {
    this.steps = new ArrayList<>(steps);
    this.tagged = tagged;
  }

  @Override
  public void setRuntimeContext(RuntimeContext context) {
    super.setRuntimeContext(context);
    steps.forEach(step -> FunctionUtils.setFunctionRuntimeContext(step.function, context));
  }

  @Override
  public void open(OpenContext context) throws Exception {
    handOvers =
        IntStream.range(0, steps.size())
            .<Collector<Object>>mapToObj(i -> new HandOver(steps.get(i)))
            .toList();
    for (Step step : steps) {
      FunctionUtils.openFunction(step.function, DefaultOpenContext.INSTANCE);
    }
  }

  @Override
  public void flatMap(Object element, Collector<Object> collector) throws Exception {
    out = collector;
    steps.get(0).function.flatMap(element, handOvers.get(0));
  }

  /**
   * Ends the bundles. A step that fails does not keep the others from letting go of what is theirs.
   */
  @Override
  public void close() throws Exception {
    Exception first = null;
    for (Step step : steps) {
      try {
        FunctionUtils.closeFunction(step.function);
      } catch (Exception failed) {
        first = ExceptionUtils.firstOrSuppressed(failed, first);
      }
    }
    if (first != null) {
      throw first;
    }
  }

  private final class HandOver implements Collector<Object> {
    private final Step step;
    private final int[] next;

    private HandOver(Step step) {
      this.step = step;
      this.next = step.next.stream().mapToInt(Integer::intValue).toArray();
    }

    @Override
    public void collect(Object element) {
      for (int place : next) {
        try {
          steps.get(place).function.flatMap(element, handOvers.get(place));
        } catch (Exception failed) {
          ExceptionUtils.rethrow(failed);
        }
      }
      if (step.output >= 0 && out != null) {
        out.collect(tagged ? new RawUnionValue(step.output, element) : element);
      }
    }

    @Override
    public void close() {}
  }

  /** What one output is made of again. */
  static final class Output implements FlatMapFunction<Object, Object> {
    private static final long serialVersionUID = 1L;

    private final int number;

    Output(int number) {
      this.number = number;
    }

    @Override
    public void flatMap(Object element, Collector<Object> collector) {
      RawUnionValue tagged = (RawUnionValue) element;
      if (tagged.getUnionTag() == number) {
        collector.collect(tagged.getValue());
      }
    }
  }
}

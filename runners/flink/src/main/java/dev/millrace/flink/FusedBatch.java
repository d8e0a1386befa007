package dev.millrace.flink;

import java.net.URI;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.beam.runners.flink.FlinkPipelineOptions;
import org.apache.beam.runners.flink.FlinkRunner;
import org.apache.beam.runners.flink.translation.types.CoderTypeInformation;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.transforms.join.UnionCoder;
import org.apache.flink.api.common.Plan;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.operators.AbstractUdfOperator;
import org.apache.flink.api.common.operators.DualInputOperator;
import org.apache.flink.api.common.operators.GenericDataSinkBase;
import org.apache.flink.api.common.operators.Operator;
import org.apache.flink.api.common.operators.SingleInputOperator;
import org.apache.flink.api.common.operators.UnaryOperatorInformation;
import org.apache.flink.api.common.operators.base.FilterOperatorBase;
import org.apache.flink.api.common.operators.base.FlatMapOperatorBase;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.ExecutionEnvironment;
import org.apache.flink.api.java.LocalEnvironment;
import org.apache.flink.api.java.RemoteEnvironment;
import org.apache.flink.api.java.io.DiscardingOutputFormat;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.DeploymentOptions;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.core.execution.DefaultExecutorServiceLoader;
import org.apache.flink.runtime.util.EnvironmentInformation;

/**
 * Makes one task of the steps of a batch that work on single elements and follow each other.
 *
 * <p>Flink chains two operators of a batch if the first has no other consumer. A step of Beam with
 * several outputs has one for each, and what several steps read has several too: each consumer is a
 * task of its own then, to which everything is encoded, and decoded, most of it to be thrown away.
 */
@SuppressWarnings("deprecation") // Beam's batches are of Flink's older API
final class FusedBatch extends ExecutionEnvironment {

  /**
   * Memory beside the heap that each slot has at least: each sort of a plan takes its part, Flink
   * refuses one of less than 12 pages of 32 KiB, and a batch of sales needs more than 150 MB.
   */
  private static final long SLOT_BYTES = 256L << 20;

  private final FlinkPipelineOptions options;

  private FusedBatch(ExecutionEnvironment like, FlinkPipelineOptions options) {
    super(
        new DefaultExecutorServiceLoader(), like.getConfiguration(), like.getUserCodeClassLoader());
    this.options = options;
  }

  /**
   * Has Beam translate a pipeline, and submits its job.
   *
   * @param configuration directory of the cluster's and the job's
   */
  static void run(Pipeline pipeline, FlinkPipelineOptions options, String configuration) {
    String master = options.getFlinkMaster();
    ExecutionEnvironment target =
        environment(options, GlobalConfiguration.loadConfiguration(configuration));
    initializeContextEnvironment(() -> new FusedBatch(target, options));
    try {
      options.setRunner(FlinkRunner.class);
      options.setFlinkMaster(FlinkCluster.SURROUNDING);
      FlinkRunner.fromOptions(options).run(pipeline);
    } finally {
      options.setFlinkMaster(master);
      resetContextEnvironment();
    }
  }

  /** As Beam has them, but with memory for the sorts of many cores. */
  private static ExecutionEnvironment environment(
      FlinkPipelineOptions options, Configuration configuration) {
    configuration.set(DeploymentOptions.ATTACHED, false);
    if (!options.getFlinkMaster().equals(FlinkJobRunner.OWN_CLUSTER)) {
      URI address = URI.create("http://" + options.getFlinkMaster());
      return new RemoteEnvironment(
          address.getHost(),
          address.getPort(),
          configuration,
          options.getFilesToStage().toArray(String[]::new));
    }
    if (!configuration.contains(TaskManagerOptions.MANAGED_MEMORY_SIZE)) {
      double bytes =
          configuration.get(TaskManagerOptions.MANAGED_MEMORY_FRACTION)
              * (double) EnvironmentInformation.getSizeOfFreeHeapMemoryWithDefrag();
      configuration.set(
          TaskManagerOptions.MANAGED_MEMORY_SIZE,
          new MemorySize(Math.max((long) bytes, options.getParallelism() * SLOT_BYTES)));
    }
    configuration.set(CoreOptions.CHECK_LEAKED_CLASSLOADER, false);
    return new LocalEnvironment(configuration);
  }

  @Override
  public Plan createProgramPlan(String jobName, boolean clearSinks) {
    Plan plan = super.createProgramPlan(jobName, clearSinks);
    new Fusion(plan, options).fuse();
    return plan;
  }

  /** Of one plan. */
  static final class Fusion {
    private final FlinkPipelineOptions options;
    private final Collection<? extends GenericDataSinkBase<?>> sinks;
    private final Map<Operator<?>, List<Consumer>> consumers = new LinkedHashMap<>();
    private final Map<Operator<?>, Set<Operator<?>>> trees = new LinkedHashMap<>();

    /** Who reads what an operator gives. */
    private record Consumer(Operator<?> operator, String broadcast) {
      private static final String NO = "";
    }

    Fusion(Plan plan, FlinkPipelineOptions options) {
      this.options = options;
      sinks = plan.getDataSinks();
      sinks.forEach(this::visit);
    }

    void fuse() {
      consumers.keySet().forEach(this::plant);
      Map<FlatMapOperatorBase<?, ?, ?>, List<Operator<?>>> fused = new LinkedHashMap<>();
      for (Set<Operator<?>> tree : new LinkedHashSet<>(trees.values())) {
        if (tree.stream().anyMatch(step -> consumers(step).size() > 1)) {
          List<Operator<?>> steps = new ArrayList<>(tree);
          fused.put(fuse(steps), steps);
        }
      }
      // What the steps read may be of a tree that was fused after theirs: they know it by now.
      fused.forEach(Fusion::connect);
    }

    /** All operators, each after those it reads from. */
    private void visit(Operator<?> operator) {
      if (consumers.containsKey(operator)) {
        return;
      }
      Map<Operator<?>, List<String>> inputs = inputs(operator);
      inputs.keySet().forEach(this::visit);
      inputs.forEach(
          (input, ways) -> ways.forEach(way -> consumers(input).add(new Consumer(operator, way))));
      consumers.put(operator, new ArrayList<>());
    }

    private List<Consumer> consumers(Operator<?> operator) {
      List<Consumer> found = consumers.get(operator);
      if (found == null) {
        throw new IllegalStateException(operator + " was not visited");
      }
      return found;
    }

    private static Map<Operator<?>, List<String>> inputs(Operator<?> operator) {
      Map<Operator<?>, List<String>> inputs = new LinkedHashMap<>();
      if (operator instanceof GenericDataSinkBase<?> sink) {
        add(inputs, sink.getInput(), Consumer.NO);
      } else if (operator instanceof SingleInputOperator<?, ?, ?> single) {
        add(inputs, single.getInput(), Consumer.NO);
      } else if (operator instanceof DualInputOperator<?, ?, ?, ?> two) {
        add(inputs, two.getFirstInput(), Consumer.NO);
        add(inputs, two.getSecondInput(), Consumer.NO);
      }
      if (operator instanceof AbstractUdfOperator<?, ?> user) {
        user.getBroadcastInputs().forEach((name, input) -> add(inputs, input, name));
      }
      return inputs;
    }

    private static void add(
        Map<Operator<?>, List<String>> inputs, Operator<?> input, String broadcast) {
      inputs.computeIfAbsent(input, none -> new ArrayList<>()).add(broadcast);
    }

    /** Lets a step join the tree of the one it reads from, or begin one. */
    private void plant(Operator<?> operator) {
      if (!isStep(operator)) {
        return;
      }
      SingleInputOperator<?, ?, ?> step = (SingleInputOperator<?, ?, ?>) operator;
      Set<Operator<?>> tree = trees.get(step.getInput());
      if (tree == null
          || step.getInput().getParallelism() != step.getParallelism()
          || isBehind(tree, step.getBroadcastInputs().values())) {
        tree = new LinkedHashSet<>();
      }
      tree.add(step);
      trees.put(step, tree);
    }

    private static boolean isStep(Operator<?> operator) {
      return (operator instanceof FlatMapOperatorBase<?, ?, ?>
              || operator instanceof FilterOperatorBase<?, ?>)
          && operator.getOperatorInfo().getOutputType() instanceof CoderTypeInformation<?>;
    }

    /** Whether something comes from a tree: it is there when the tree is through. */
    private boolean isBehind(Set<Operator<?>> tree, Collection<Operator<?>> side) {
      Set<Operator<?>> seen = new HashSet<>();
      List<Operator<?>> left = new ArrayList<>(side);
      while (!left.isEmpty()) {
        Operator<?> operator = left.remove(left.size() - 1);
        if (tree.contains(operator)) {
          return true;
        }
        if (seen.add(operator)) {
          left.addAll(inputs(operator).keySet());
          // A tree is there as a whole: its other steps have to be there too.
          left.addAll(trees.getOrDefault(operator, Set.of()));
        }
      }
      return false;
    }

    /** The operator in whose place a tree is; it reads nothing yet. */
    @SuppressWarnings({"unchecked", "rawtypes"}) // a plan knows no types of Java
    private FlatMapOperatorBase<?, ?, ?> fuse(List<Operator<?>> tree) {
      List<Operator<?>> outputs = outputs(tree);
      TypeInformation<?> type = type(outputs);
      boolean tagged = outputs.size() > 1;
      List<FusedFlatMap.Step> steps = new ArrayList<>();
      for (Operator<?> operator : tree) {
        AbstractUdfOperator<?, ?> step = (AbstractUdfOperator<?, ?>) operator;
        List<Integer> next =
            consumers(step).stream()
                .filter(consumer -> isWithin(tree, consumer))
                .map(consumer -> tree.indexOf(consumer.operator))
                .toList();
        FlatMapFunction<Object, Object> function =
            (FlatMapFunction<Object, Object>)
                ((AbstractUdfOperator) step)
                    .getUserCodeWrapper()
                    .getUserCodeObject(FlatMapFunction.class, getClass().getClassLoader());
        steps.add(
            new FusedFlatMap.Step(function, new ArrayList<>(next), outputs.indexOf(operator)));
      }
      SingleInputOperator<?, ?, ?> root = (SingleInputOperator<?, ?, ?>) tree.get(0);
      FlatMapOperatorBase fused =
          new FlatMapOperatorBase(
              new FusedFlatMap(steps, tagged),
              new UnaryOperatorInformation(root.getInput().getOperatorInfo().getOutputType(), type),
              root.getName() + ", and what follows");
      fused.setParallelism(root.getParallelism());
      for (int i = 0; i < outputs.size(); i++) {
        Operator<?> output = outputs.get(i);
        Operator<?> source = fused;
        if (tagged) {
          FlatMapOperatorBase one =
              new FlatMapOperatorBase(
                  new FusedFlatMap.Output(i),
                  new UnaryOperatorInformation(type, output.getOperatorInfo().getOutputType()),
                  output.getName());
          one.setParallelism(root.getParallelism());
          one.setInput(fused);
          source = one;
        }
        for (Consumer consumer : consumers(output)) {
          if (!isWithin(tree, consumer)) {
            redirect(consumer, output, source);
          }
        }
      }
      return fused;
    }

    /** Lets a fused operator read what its steps read from others. */
    @SuppressWarnings({"unchecked", "rawtypes"}) // a plan knows no types of Java
    private static void connect(FlatMapOperatorBase fused, List<Operator<?>> tree) {
      fused.setInput(((SingleInputOperator<?, ?, ?>) tree.get(0)).getInput());
      for (Operator<?> step : tree) {
        ((AbstractUdfOperator<?, ?>) step)
            .getBroadcastInputs()
            .forEach(fused::setBroadcastVariable);
      }
    }

    private static boolean isWithin(List<Operator<?>> tree, Consumer consumer) {
      return consumer.broadcast.equals(Consumer.NO) && tree.contains(consumer.operator);
    }

    /** Steps that others than those of the tree read from. What all would throw away is none. */
    private List<Operator<?>> outputs(List<Operator<?>> tree) {
      List<Operator<?>> wanted = new ArrayList<>();
      List<Consumer> thrownAway = new ArrayList<>();
      Operator<?> last = tree.get(0);
      for (Operator<?> step : tree) {
        List<Consumer> outside =
            consumers(step).stream().filter(consumer -> !isWithin(tree, consumer)).toList();
        if (outside.stream().anyMatch(consumer -> !throwsAway(consumer))) {
          wanted.add(step);
        } else if (!outside.isEmpty()) {
          thrownAway.addAll(outside);
          last = step;
        }
      }
      if (wanted.isEmpty()) {
        // Something has to be there for the tree to be part of the plan.
        wanted.add(last);
      }
      for (Consumer consumer : thrownAway) {
        if (!consumers(wanted.get(0)).contains(consumer)) {
          sinks.removeIf(sink -> sink == consumer.operator);
        }
      }
      return wanted;
    }

    private static boolean throwsAway(Consumer consumer) {
      return consumer.operator instanceof GenericDataSinkBase<?> sink
          && sink.getFormatWrapper().getUserCodeObject() instanceof DiscardingOutputFormat<?>;
    }

    private TypeInformation<?> type(List<Operator<?>> outputs) {
      List<CoderTypeInformation<?>> types = new ArrayList<>();
      for (Operator<?> output : outputs) {
        types.add((CoderTypeInformation<?>) output.getOperatorInfo().getOutputType());
      }
      if (types.size() == 1) {
        return types.get(0);
      }
      List<Coder<?>> coders = new ArrayList<>();
      types.forEach(type -> coders.add(type.getCoder()));
      return new CoderTypeInformation<>(UnionCoder.of(coders), options);
    }

    @SuppressWarnings({"unchecked", "rawtypes"}) // a plan knows no types of Java
    private static void redirect(Consumer consumer, Operator<?> from, Operator<?> to) {
      Operator<?> operator = consumer.operator;
      if (!consumer.broadcast.equals(Consumer.NO)) {
        ((AbstractUdfOperator<?, ?>) operator).setBroadcastVariable(consumer.broadcast, to);
      } else if (operator instanceof GenericDataSinkBase sink) {
        sink.setInput(to);
      } else if (operator instanceof SingleInputOperator single) {
        single.setInput(to);
      } else if (operator instanceof DualInputOperator two) {
        if (two.getFirstInput() == from) {
          two.setFirstInput(to);
        }
        if (two.getSecondInput() == from) {
          two.setSecondInput(to);
        }
      }
    }
  }
}

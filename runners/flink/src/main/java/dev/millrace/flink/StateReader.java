package dev.millrace.flink;

import dev.millrace.runners.JobState;
import dev.millrace.runners.JobState.Encoding;
import dev.millrace.runners.JobState.Step;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.beam.runners.flink.FlinkPipelineOptions;
import org.apache.beam.runners.flink.translation.wrappers.streaming.DoFnOperator;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.coders.CannotProvideCoderException;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.io.UnboundedSource;
import org.apache.beam.sdk.runners.AppliedPTransform;
import org.apache.beam.sdk.runners.TransformHierarchy.Node;
import org.apache.beam.sdk.state.StateSpec;
import org.apache.beam.sdk.transforms.Combine;
import org.apache.beam.sdk.transforms.CombineFnBase.GlobalCombineFn;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.GroupByKey;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.display.DisplayData;
import org.apache.beam.sdk.transforms.reflect.DoFnSignature;
import org.apache.beam.sdk.transforms.reflect.DoFnSignatures;
import org.apache.beam.sdk.transforms.windowing.WindowFn;
import org.apache.beam.sdk.util.ReleaseInfo;
import org.apache.beam.sdk.util.construction.PTransformTranslation;
import org.apache.beam.sdk.util.construction.ReadTranslation;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.WindowingStrategy;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.client.program.ProgramAbortException;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.OperatorIDPair;
import org.apache.flink.runtime.jobgraph.JobVertex;
import org.apache.flink.runtime.jobgraph.OperatorID;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.apache.flink.streaming.api.graph.StreamEdge;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.apache.flink.streaming.api.graph.StreamGraphHasherV2;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.apache.flink.streaming.api.operators.SimpleOperatorFactory;
import org.apache.flink.streaming.api.operators.SourceOperatorFactory;
import org.jspecify.annotations.Nullable;

/** Tells what a savepoint of a pipeline's job holds, by the job that Beam makes of it. */
final class StateReader {

  private final EncodedTypes encoded = new EncodedTypes();
  private final Map<String, Node> nodes = new HashMap<>();
  private final Pipeline pipeline;

  private StateReader(Pipeline pipeline) {
    this.pipeline = pipeline;
  }

  /** Of a pipeline that was built; it can't be run any more. */
  static JobState of(Pipeline pipeline, String version) {
    FlinkPipelineOptions options = pipeline.getOptions().as(FlinkPipelineOptions.class);
    List<StreamGraph> jobs = new ArrayList<>();
    try {
      NamedOperators.translate(
          pipeline,
          options,
          new Configuration(),
          job -> {
            jobs.add(job);
            throw new ProgramAbortException();
          });
    } catch (ProgramAbortException seen) {
      // that is all that is wanted of it
    }
    return new StateReader(pipeline).read(options, jobs.get(0), version);
  }

  private JobState read(FlinkPipelineOptions options, StreamGraph job, String version) {
    pipeline.traverseTopologically(
        new Pipeline.PipelineVisitor.Defaults() {
          @Override
          public CompositeBehavior enterCompositeTransform(Node node) {
            nodes.put(node.getFullName(), node);
            return CompositeBehavior.ENTER_TRANSFORM;
          }

          @Override
          public void visitPrimitiveTransform(Node node) {
            nodes.put(node.getFullName(), node);
          }
        });
    Map<Integer, byte[]> ids = new StreamGraphHasherV2().traverseStreamGraphAndGenerateHashes(job);
    Map<OperatorID, Integer> tasks = new HashMap<>();
    int number = 0;
    for (JobVertex vertex : job.getJobGraph().getVerticesSortedTopologicallyFromSources()) {
      for (OperatorIDPair operator : vertex.getOperatorIDs()) {
        tasks.put(operator.getGeneratedOperatorID(), number);
      }
      number++;
    }
    Map<Integer, Boolean> ends = new HashMap<>();
    List<Step> steps = new ArrayList<>();
    for (StreamNode operator : job.getStreamNodes()) {
      OperatorID id = new OperatorID(ids.get(operator.getId()));
      steps.add(
          step(
              job,
              operator,
              id.toHexString(),
              ends(job, operator, ends),
              tasks.getOrDefault(id, -1)));
    }
    return new JobState(
        version,
        ReleaseInfo.getReleaseInfo().getVersion(),
        EnvironmentInformation.getVersion(),
        options.getMaxParallelism(),
        steps,
        encoded.types());
  }

  private static boolean ends(StreamGraph job, StreamNode operator, Map<Integer, Boolean> known) {
    Boolean before = known.get(operator.getId());
    if (before != null) {
      return before;
    }
    boolean ends =
        operator.getInEdges().isEmpty()
            ? !(operator.getOperatorFactory() instanceof SourceOperatorFactory<?> source)
                || source.getBoundedness() == Boundedness.BOUNDED
            : operator.getInEdges().stream()
                .allMatch(edge -> ends(job, job.getStreamNode(edge.getSourceId()), known));
    known.put(operator.getId(), ends);
    return ends;
  }

  @SuppressWarnings("deprecation") // Beam's word for what is its own
  private Step step(StreamGraph job, StreamNode operator, String id, boolean ends, int task) {
    String name = operator.getTransformationUID();
    Map<String, Encoding> state = new TreeMap<>();
    Map<String, Encoding> buffers = new TreeMap<>();
    @Nullable String key = null;
    @Nullable String windows = null;
    Node node = nodes.get(name);
    if (node != null && node.getTransform() != null) {
      PTransform<?, ?> transform = node.getTransform();
      @Nullable PCollection<?> input = mainInput(node);
      if (isBeams(operator)) {
        int number = 1;
        for (PCollection<?> output : node.getOutputs().values()) {
          // Beam tells them apart by their numbers.
          buffers.put("out " + number++, encoded.of(output.getCoder()));
        }
        if (input != null) {
          buffers.put("in", encoded.of(input.getCoder()));
        }
      }
      boolean keyed = false;
      if (transform instanceof ParDo.MultiOutput<?, ?> parDo) {
        keyed = stateOf(parDo, state);
        for (PCollectionView<?> view : parDo.getSideInputs().values()) {
          state.put(
              "side input " + view.getTagInternal().getId(),
              encoded.of(((PCollection<?>) view.getPCollection()).getCoder()));
        }
      } else if (transform instanceof GroupByKey<?, ?> && input != null) {
        keyed = true;
        state.put("groups", encoded.of(((KvCoder<?, ?>) input.getCoder()).getValueCoder()));
      } else if (transform instanceof Combine.PerKey<?, ?, ?> combine && input != null) {
        keyed = true;
        state.put("sums", encoded.of(accumulators(combine.getFn(), input)));
      } else if (PTransformTranslation.READ_TRANSFORM_URN.equals(
              PTransformTranslation.urnForTransformOrNull(transform))
          && !ends) {
        UnboundedSource<?, ?> source = source(node, node.toAppliedPTransform(pipeline));
        state.put("position", encoded.of(source, source.getClass().getSimpleName()));
      }
      if (keyed && input != null) {
        key = EncodedTypes.words(((KvCoder<?, ?>) input.getCoder()).getKeyCoder());
        windows = words(input.getWindowingStrategy(), !(transform instanceof ParDo.MultiOutput));
      }
    }
    List<String> after =
        operator.getInEdges().stream()
            .map(StreamEdge::getSourceId)
            .map(before -> job.getStreamNode(before).getTransformationUID())
            .distinct()
            .toList();
    return new Step(name, id, ends, task, after, key, windows, state, buffers);
  }

  /** Whether it runs code of steps, and so has elements that wait. */
  private static boolean isBeams(StreamNode operator) {
    return operator.getOperatorFactory() instanceof SimpleOperatorFactory<?> simple
        && simple.getOperator() instanceof DoFnOperator;
  }

  private static @Nullable PCollection<?> mainInput(Node node) {
    Map<TupleTag<?>, PCollection<?>> inputs = new HashMap<>(node.getInputs());
    if (node.getTransform() != null) {
      inputs.keySet().removeAll(node.getTransform().getAdditionalInputs().keySet());
    }
    Collection<PCollection<?>> left = inputs.values();
    return left.isEmpty() ? null : left.iterator().next();
  }

  private static UnboundedSource<?, ?> source(Node node, AppliedPTransform<?, ?, ?> applied) {
    try {
      @SuppressWarnings({"unchecked", "rawtypes"})
      UnboundedSource<?, ?> source =
          ReadTranslation.unboundedSourceFromTransform((AppliedPTransform) applied);
      return source;
    } catch (IOException failed) {
      throw new UncheckedIOException(node.getFullName(), failed);
    }
  }

  /** Returns whether it has state by key. */
  private boolean stateOf(ParDo.MultiOutput<?, ?> parDo, Map<String, Encoding> state) {
    DoFn<?, ?> fn = parDo.getFn();
    DoFnSignature signature = DoFnSignatures.getSignature(fn.getClass());
    for (DoFnSignature.StateDeclaration declared : signature.stateDeclarations().values()) {
      StateSpec<?> spec = DoFnSignatures.getStateSpecOrThrow(declared, fn);
      state.put("state " + declared.id(), spec.match(new StateCoders(encoded)));
    }
    for (DoFnSignature.TimerDeclaration timer : signature.timerDeclarations().values()) {
      state.put(
          "timer " + timer.id().replaceFirst("^ts-", ""),
          new Encoding(
              DoFnSignatures.getTimerSpecOrThrow(timer, fn).getTimeDomain().toString(), List.of()));
    }
    return !signature.stateDeclarations().isEmpty() || !signature.timerDeclarations().isEmpty();
  }

  private static <K, V> Coder<?> accumulators(
      GlobalCombineFn<?, ?, ?> combine, PCollection<?> input) {
    @SuppressWarnings("unchecked")
    GlobalCombineFn<V, ?, ?> fn = (GlobalCombineFn<V, ?, ?>) combine;
    @SuppressWarnings("unchecked")
    KvCoder<K, V> coder = (KvCoder<K, V>) input.getCoder();
    try {
      return fn.getAccumulatorCoder(input.getPipeline().getCoderRegistry(), coder.getValueCoder());
    } catch (CannotProvideCoderException none) {
      throw new IllegalStateException(none);
    }
  }

  /** Without times: how long something waits is not part of what it is. */
  private static String words(WindowingStrategy<?, ?> windowing, boolean panes) {
    WindowFn<?, ?> fn = windowing.getWindowFn();
    String windows =
        fn.getClass().getSimpleName()
            + DisplayData.from(fn).items().stream()
                .map(item -> item.getKey() + " " + item.getValue())
                .sorted()
                .collect(Collectors.joining(", ", "(", ")"));
    return panes
        ? windows
            + ", "
            + windowing.getTrigger().toString().replaceAll("\\d[\\d.,]*", "…")
            + ", "
            + windowing.getMode()
        : windows;
  }

  /** How a state's values are encoded. */
  private record StateCoders(EncodedTypes encoded) implements StateSpec.Cases<Encoding> {

    private Encoding of(String kind, Coder<?>... coders) {
      List<String> types = new ArrayList<>();
      List<String> words = new ArrayList<>();
      for (Coder<?> coder : coders) {
        Encoding one = encoded.of(coder);
        words.add(one.as());
        types.addAll(one.types());
      }
      return new Encoding(kind + " of " + String.join(", ", words), types);
    }

    @Override
    public Encoding dispatchValue(Coder<?> coder) {
      return of("a value", coder);
    }

    @Override
    public Encoding dispatchBag(Coder<?> coder) {
      return of("a bag", coder);
    }

    @Override
    public Encoding dispatchOrderedList(Coder<?> coder) {
      return of("an ordered list", coder);
    }

    @Override
    public Encoding dispatchCombining(Combine.CombineFn<?, ?, ?> combine, Coder<?> coder) {
      return of("a sum", coder);
    }

    @Override
    public Encoding dispatchMap(Coder<?> keys, Coder<?> values) {
      return of("a map", keys, values);
    }

    @Override
    public Encoding dispatchMultimap(Coder<?> keys, Coder<?> values) {
      return of("a multimap", keys, values);
    }

    @Override
    public Encoding dispatchSet(Coder<?> coder) {
      return of("a set", coder);
    }
  }
}

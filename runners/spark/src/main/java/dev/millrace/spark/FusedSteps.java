package dev.millrace.spark;

import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import org.apache.beam.runners.core.construction.SerializablePipelineOptions;
import org.apache.beam.runners.spark.SparkRunner;
import org.apache.beam.runners.spark.metrics.MetricsAccumulator;
import org.apache.beam.runners.spark.translation.BoundedDataset;
import org.apache.beam.runners.spark.translation.EvaluationContext;
import org.apache.beam.runners.spark.translation.TransformEvaluator;
import org.apache.beam.runners.spark.translation.TransformTranslator;
import org.apache.beam.runners.spark.translation.TranslationUtils;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.runners.AppliedPTransform;
import org.apache.beam.sdk.runners.TransformHierarchy.Node;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.View.CreatePCollectionView;
import org.apache.beam.sdk.transforms.reflect.DoFnSignature;
import org.apache.beam.sdk.transforms.reflect.DoFnSignatures;
import org.apache.beam.sdk.util.construction.PTransformTranslation;
import org.apache.beam.sdk.util.construction.ParDoTranslation;
import org.apache.beam.sdk.util.construction.TransformInputs;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollection.IsBounded;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.PValue;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.WindowedValue;
import org.apache.beam.sdk.values.WindowedValues;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.storage.StorageLevel;

/**
 * Makes one function of the steps of a batch that work on single elements and follow each other.
 *
 * <p>Beam makes a function of each step, and keeps the outputs of a step that has several as one
 * collection, all of which is decoded again for each of them. Here a tree of steps hands elements
 * on by a call; what leaves a tree by several ways is kept as blocks of bytes, of which a reader
 * decodes its own.
 *
 * <p>Beam has no place to say this: it is put where Beam's translation of a step is found.
 */
@SuppressWarnings({"unchecked", "rawtypes", "deprecation"}) // a graph knows no types; Beam's views
final class FusedSteps implements TransformEvaluator<ParDo.MultiOutput<?, ?>> {

  private static final long serialVersionUID = 1L;

  private static final String STEP = PTransformTranslation.PAR_DO_TRANSFORM_URN;

  /** What is to become of the steps of a run. */
  private static final Map<EvaluationContext, Map<String, Tree>> PLANS =
      Collections.synchronizedMap(new WeakHashMap<>());

  private final transient TransformEvaluator<PTransform<?, ?>> ofBeam;

  private FusedSteps(TransformEvaluator<PTransform<?, ?>> ofBeam) {
    this.ofBeam = ofBeam;
  }

  /** For all pipelines of this process from now on. */
  static synchronized void install() {
    try {
      Field field = TransformTranslator.class.getDeclaredField("EVALUATORS");
      field.setAccessible(true);
      Map<String, TransformEvaluator<?>> evaluators =
          (Map<String, TransformEvaluator<?>>) field.get(null);
      TransformEvaluator<?> ofBeam = evaluators.get(STEP);
      if (ofBeam != null && !(ofBeam instanceof FusedSteps)) {
        evaluators.put(STEP, new FusedSteps((TransformEvaluator<PTransform<?, ?>>) ofBeam));
      }
    } catch (ReflectiveOperationException another) {
      throw new IllegalStateException("Beam's Spark runner is another than expected", another);
    }
  }

  @Override
  public void evaluate(ParDo.MultiOutput<?, ?> transform, EvaluationContext context) {
    Tree tree =
        PLANS
            .computeIfAbsent(context, FusedSteps::plan)
            .get(context.getCurrentTransform().getFullName());
    if (tree == null) {
      ofBeam.evaluate(transform, context);
    } else if (tree.steps.get(0).name().equals(context.getCurrentTransform().getFullName())) {
      translate(tree, context);
    }
  }

  @Override
  public String toNativeString() {
    return "mapPartitions(new FusedFunction())";
  }

  // ---------------------------------------------------------------------------------------- plan

  /** A step as the graph has it. */
  private record Step(
      String name, int place, ParDo.MultiOutput<?, ?> transform, AppliedPTransform<?, ?, ?> node) {

    private PCollection<?> input() {
      return (PCollection<?>) TransformInputs.nonAdditionalInputs(node).iterator().next();
    }
  }

  /** Steps, each before those it gives to. */
  private record Tree(List<Step> steps, Map<PCollection<?>, Integer> readers) {
    private int readersElsewhere(PCollection<?> output) {
      int within = 0;
      for (Step step : steps) {
        within += step.input().equals(output) ? 1 : 0;
      }
      return readers.getOrDefault(output, 0) - within;
    }
  }

  private static Map<String, Tree> plan(EvaluationContext context) {
    Planner planner = new Planner(context);
    context.getPipeline().traverseTopologically(planner);
    return planner.trees();
  }

  /** Goes where Beam's evaluation goes, and only looks. */
  private static final class Planner extends SparkRunner.Evaluator {
    private final List<Step> steps = new ArrayList<>();
    private final Map<TupleTag<?>, Integer> views = new HashMap<>();
    private final Map<PCollection<?>, Integer> readers = new HashMap<>();
    private int place;

    private Planner(EvaluationContext context) {
      super(new TransformTranslator.Translator(), context);
    }

    @Override
    public CompositeBehavior enterCompositeTransform(Node node) {
      PTransform<?, ?> transform = node.getTransform();
      if (transform == null || !translator.hasTranslation(transform) || shouldDefer(node)) {
        return CompositeBehavior.ENTER_TRANSFORM;
      }
      visitPrimitiveTransform(node);
      return CompositeBehavior.DO_NOT_ENTER_TRANSFORM;
    }

    @Override
    public void visitPrimitiveTransform(Node node) {
      place++;
      AppliedPTransform<?, ?, ?> applied = node.toAppliedPTransform(ctxt.getPipeline());
      for (PValue input : TransformInputs.nonAdditionalInputs(applied)) {
        readers.merge((PCollection<?>) input, 1, Integer::sum);
      }
      if (node.getTransform() instanceof CreatePCollectionView<?, ?> view) {
        views.put(view.getView().getTagInternal(), place);
      } else if (node.getTransform() instanceof ParDo.MultiOutput<?, ?> step && isSimple(step)) {
        Step simple = new Step(node.getFullName(), place, step, applied);
        if (simple.input().isBounded() == IsBounded.BOUNDED) {
          steps.add(simple);
        }
      }
    }

    private static boolean isSimple(ParDo.MultiOutput<?, ?> step) {
      DoFnSignature signature = DoFnSignatures.signatureForDoFn(step.getFn());
      return !signature.usesState()
          && !signature.usesTimers()
          && !signature.processElement().isSplittable()
          && !signature.processElement().requiresTimeSortedInput();
    }

    private Map<String, Tree> trees() {
      Map<String, Tree> trees = new HashMap<>();
      Map<PCollection<?>, Tree> makers = new HashMap<>();
      for (Step step : steps) {
        Tree tree = makers.get(step.input());
        if (tree == null || !isReady(step, tree.steps.get(0).place)) {
          tree = new Tree(new ArrayList<>(), readers);
        }
        tree.steps.add(step);
        trees.put(step.name, tree);
        for (PCollection<?> output : step.node.getOutputs().values()) {
          makers.put(output, tree);
        }
      }
      return trees;
    }

    /**
     * Whether all that a step reads beside its input is there when the evaluation is at a place.
     */
    private boolean isReady(Step step, int place) {
      return step.transform.getSideInputs().values().stream()
          .allMatch(view -> views.getOrDefault(view.getTagInternal(), Integer.MAX_VALUE) < place);
    }
  }

  // --------------------------------------------------------------------------------- translation

  private static void translate(Tree tree, EvaluationContext context) {
    Map<PCollection<?>, Integer> outputs = new LinkedHashMap<>();
    boolean kept = false;
    for (Step step : tree.steps) {
      for (PCollection<?> output : step.node.getOutputs().values()) {
        int readers = tree.readersElsewhere(output);
        if (readers > 0) {
          outputs.put(output, outputs.size());
          kept |= readers > 1;
        }
      }
    }
    kept |= outputs.size() > 1;
    List<Coder<WindowedValue<?>>> coders = new ArrayList<>();
    outputs.keySet().forEach(output -> coders.add(coder(output)));
    List<FusedFunction.Step> steps = new ArrayList<>();
    for (Step step : tree.steps) {
      steps.add(step(step, tree.steps, outputs, context));
    }
    Step root = tree.steps.get(0);
    JavaRDD<WindowedValue<?>> input =
        ((BoundedDataset) context.borrowDataset((PValue) root.input())).getRDD();
    SerializablePipelineOptions options = context.getSerializableOptions();
    if (!kept) {
      // Something has to be there for the tree to be run.
      PCollection<?> only =
          outputs.isEmpty()
              ? root.node.getOutputs().values().iterator().next()
              : outputs.keySet().iterator().next();
      put(
          only,
          input.mapPartitions(
              new FusedFunction<WindowedValue<?>>(
                  steps, List.of(), options, MetricsAccumulator.getInstance())),
          context);
      return;
    }
    JavaRDD<byte[]> blocks =
        input
            .mapPartitions(
                new FusedFunction<byte[]>(steps, coders, options, MetricsAccumulator.getInstance()))
            .persist(StorageLevel.fromString(context.storageLevel()));
    outputs.forEach(
        (output, number) ->
            put(
                output,
                blocks.flatMap(new FusedFunction.Output(number, coders.get(number))),
                context));
  }

  private static FusedFunction.Step step(
      Step step, List<Step> tree, Map<PCollection<?>, Integer> outputs, EvaluationContext context) {
    Map<TupleTag<?>, Coder<?>> coders = new HashMap<>();
    Map<TupleTag<?>, FusedFunction.Way> ways = new HashMap<>();
    step.node
        .getOutputs()
        .forEach(
            (tag, output) -> {
              coders.put(tag, output.getCoder());
              List<Integer> next = new ArrayList<>();
              for (int i = 0; i < tree.size(); i++) {
                if (tree.get(i).input().equals(output)) {
                  next.add(i);
                }
              }
              ways.put(tag, new FusedFunction.Way(next, outputs.getOrDefault(output, -1)));
            });
    List<PCollectionView<?>> views = new ArrayList<>(step.transform.getSideInputs().values());
    return new FusedFunction.Step(
        step.name,
        step.transform.getFn(),
        step.transform.getMainOutputTag(),
        new ArrayList<>(step.transform.getAdditionalOutputTags().getAll()),
        step.input().getCoder(),
        coders,
        TranslationUtils.getSideInputs(views, context.getSparkContext(), context.getPViews()),
        step.input().getWindowingStrategy(),
        ParDoTranslation.getSchemaInformation(step.node),
        ParDoTranslation.getSideInputMapping(step.node),
        ways);
  }

  private static Coder<WindowedValue<?>> coder(PCollection<?> output) {
    return (Coder)
        WindowedValues.getFullCoder(
            output.getCoder(), output.getWindowingStrategy().getWindowFn().windowCoder());
  }

  private static void put(
      PCollection<?> output, JavaRDD<WindowedValue<?>> elements, EvaluationContext context) {
    // Beam would keep it once more.
    context.getCacheCandidates().remove(output);
    try {
      Constructor<BoundedDataset> dataset =
          BoundedDataset.class.getDeclaredConstructor(JavaRDD.class);
      dataset.setAccessible(true);
      context.putDataset((PValue) output, dataset.newInstance(elements));
    } catch (ReflectiveOperationException another) {
      throw new IllegalStateException("Beam's Spark runner is another than expected", another);
    }
  }
}

package dev.millrace.direct;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.io.range.OffsetRange;
import org.apache.beam.sdk.runners.AppliedPTransform;
import org.apache.beam.sdk.runners.PTransformOverride;
import org.apache.beam.sdk.runners.PTransformOverrideFactory;
import org.apache.beam.sdk.runners.TransformHierarchy.Node;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.Filter;
import org.apache.beam.sdk.transforms.FlatMapElements;
import org.apache.beam.sdk.transforms.Flatten;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.View.CreatePCollectionView;
import org.apache.beam.sdk.transforms.reflect.DoFnSignature;
import org.apache.beam.sdk.transforms.reflect.DoFnSignature.Parameter;
import org.apache.beam.sdk.transforms.reflect.DoFnSignatures;
import org.apache.beam.sdk.transforms.windowing.GlobalWindows;
import org.apache.beam.sdk.util.construction.ParDoTranslation;
import org.apache.beam.sdk.util.construction.ReplacementOutputs;
import org.apache.beam.sdk.util.construction.TransformInputs;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollection.IsBounded;
import org.apache.beam.sdk.values.PCollectionList;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.PValue;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.TupleTagList;

/**
 * Makes one function of the steps of a batch that work on single elements and follow each other.
 *
 * <p>The Direct runner keeps what a step puts out of a bundle as a list, and makes an evaluator of
 * each step for each list. Here a tree of steps hands elements on by a call; only what others read
 * leaves it.
 *
 * <p>A pipeline of Beam is rewritten step by step: a tree's first step becomes the whole tree, and
 * each other step what hands on the tree's output that was its own.
 */
@SuppressWarnings({"unchecked", "rawtypes", "deprecation"}) // a graph knows no types; Beam's views
final class Joining {

  /** Of Beam's composites those that are a single step; a runner may put others in their place. */
  private static final Set<Class<?>> STEPS =
      Set.of(ParDo.SingleOutput.class, MapElements.class, FlatMapElements.class, Filter.class);

  /** A step as the graph has it. */
  private record Step(
      int place, ParDo.MultiOutput<?, ?> transform, AppliedPTransform<?, ?, ?> node) {
    /** A transform may be applied twice, a name is of one step. */
    private String name() {
      return node.getFullName();
    }

    private PCollection<?> input() {
      return (PCollection<?>) TransformInputs.nonAdditionalInputs(node).iterator().next();
    }
  }

  /**
   * Steps, each before those it gives to.
   *
   * @param outputs of the function in the place of the first step, by those of the other steps
   */
  private record Tree(List<Step> steps, Map<PCollection<?>, PCollection<?>> outputs) {}

  private final Map<PCollection<?>, Integer> readers = new HashMap<>();
  private final Map<PCollection<?>, Tree> makers = new HashMap<>();
  private final Map<String, Tree> trees = new HashMap<>();
  private final Map<TupleTag<?>, Integer> views = new HashMap<>();

  private final String run;

  private Joining(String run) {
    this.run = run;
  }

  /**
   * Rewrites a pipeline.
   *
   * @param run by which the steps' metrics are found ({@link JoinedMetrics})
   */
  static void join(Pipeline pipeline, String run) {
    Joining joining = new Joining(run);
    pipeline.traverseTopologically(joining.new Planner());
    joining.trees.values().removeIf(tree -> tree.steps.size() == 1);
    joining.replace(pipeline, true);
    joining.replace(pipeline, false);
  }

  // ---------------------------------------------------------------------------------------- plan

  private final class Planner extends Pipeline.PipelineVisitor.Defaults {
    private int place;
    private int withinBeams;

    @Override
    public CompositeBehavior enterCompositeTransform(Node node) {
      if (isBeams(node)) {
        if (withinBeams++ == 0) {
          read(node.toAppliedPTransform(getPipeline()));
        }
      }
      return CompositeBehavior.ENTER_TRANSFORM;
    }

    @Override
    public void leaveCompositeTransform(Node node) {
      if (isBeams(node)) {
        withinBeams--;
      }
    }

    /** Whether the runner may put another in the place of a composite, or of what is within. */
    private static boolean isBeams(Node node) {
      PTransform<?, ?> transform = node.getTransform();
      return transform != null
          && transform.getClass().getName().startsWith("org.apache.beam.")
          && !STEPS.contains(transform.getClass());
    }

    @Override
    public void visitPrimitiveTransform(Node node) {
      place++;
      if (node.getTransform() instanceof CreatePCollectionView<?, ?> view) {
        views.put(view.getView().getTagInternal(), place);
      }
      if (withinBeams > 0) {
        return;
      }
      AppliedPTransform<?, ?, ?> applied = node.toAppliedPTransform(getPipeline());
      read(applied);
      if (node.getTransform() instanceof ParDo.MultiOutput<?, ?> transform) {
        Step step = new Step(place, transform, applied);
        DoFnSignature signature = DoFnSignatures.signatureForDoFn(transform.getFn());
        boolean isBounded = step.input().isBounded() == IsBounded.BOUNDED;
        if (isBounded && isSimple(signature)) {
          plant(step);
        } else if (isBounded
            && transform.getSideInputs().isEmpty()
            && step.input().getWindowingStrategy().getWindowFn() instanceof GlobalWindows
            && isTakenUpPartByPart(signature)) {
          plant(step);
        }
      }
    }

    private void read(AppliedPTransform<?, ?, ?> transform) {
      for (PValue input : TransformInputs.nonAdditionalInputs(transform)) {
        readers.merge((PCollection<?>) input, 1, Integer::sum);
      }
    }
  }

  /** Lets a step join a tree, or begin one. */
  private void plant(Step step) {
    Tree tree = makers.get(step.input());
    if (tree == null || isSplittable(step) || !hasAllBeside(step, tree.steps.get(0))) {
      tree = new Tree(new ArrayList<>(), new HashMap<>());
    }
    tree.steps.add(step);
    trees.put(step.name(), tree);
    for (PCollection<?> output : step.node.getOutputs().values()) {
      makers.put(output, tree);
    }
  }

  /**
   * Whether what a step reads beside its input does not come from a tree it would join: it is there
   * before the tree's first step then.
   */
  private boolean hasAllBeside(Step step, Step first) {
    return step.transform.getSideInputs().isEmpty()
        || (!isSplittable(first)
            && step.transform.getSideInputs().values().stream()
                .allMatch(
                    view ->
                        views.getOrDefault(view.getTagInternal(), Integer.MAX_VALUE)
                            < first.place));
  }

  private static boolean isSplittable(Step step) {
    return DoFnSignatures.signatureForDoFn(step.transform.getFn()).processElement().isSplittable();
  }

  private static boolean isSimple(DoFnSignature signature) {
    return !signature.usesState()
        && !signature.usesTimers()
        && !signature.processElement().isSplittable()
        && !signature.processElement().requiresTimeSortedInput()
        && !signature.processElement().requiresStableInput()
        && signature.onWindowExpiration() == null
        && signature.processElement().extraParameters().stream()
            .noneMatch(Parameter.BundleFinalizerParameter.class::isInstance);
  }

  /** Whether a splittable step asks for nothing but what {@link JoinedSource} gives. */
  private static boolean isTakenUpPartByPart(DoFnSignature signature) {
    return signature.processElement().isSplittable()
        && signature.isBoundedPerElement() == IsBounded.BOUNDED
        && !signature.processElement().hasReturnValue()
        && Objects.requireNonNull(signature.getInitialRestriction())
            .restrictionT()
            .getRawType()
            .equals(OffsetRange.class)
        && signature.newTracker() == null
        && signature.splitRestriction() == null
        && signature.truncateRestriction() == null
        && signature.getInitialWatermarkEstimatorState() == null
        && signature.newWatermarkEstimator() == null
        && signature.startBundle() == null
        && signature.finishBundle() == null
        && signature.processElement().extraParameters().stream()
            .allMatch(
                parameter ->
                    parameter instanceof Parameter.ElementParameter
                        || parameter instanceof Parameter.RestrictionTrackerParameter
                        || parameter instanceof Parameter.OutputReceiverParameter);
  }

  private int readersElsewhere(Tree tree, PCollection<?> output) {
    int within = 0;
    for (Step step : tree.steps) {
      within += step.input().equals(output) ? 1 : 0;
    }
    return readers.getOrDefault(output, 0) - within;
  }

  // ------------------------------------------------------------------------------------- rewriting

  /** Puts trees in the place of their first steps, or outputs of them in that of the others. */
  private void replace(Pipeline pipeline, boolean firsts) {
    pipeline.replaceAll(
        List.of(
            PTransformOverride.of(
                node -> {
                  Tree tree = trees.get(node.getFullName());
                  return tree != null
                      && node.getTransform() instanceof ParDo.MultiOutput<?, ?>
                      && tree.steps.get(0).name().equals(node.getFullName()) == firsts;
                },
                new Replacing())));
  }

  private final class Replacing
      implements PTransformOverrideFactory<
          PCollection<Object>,
          PCollectionTuple,
          PTransform<PCollection<Object>, PCollectionTuple>> {
    @Override
    public PTransformReplacement<PCollection<Object>, PCollectionTuple> getReplacementTransform(
        AppliedPTransform<
                PCollection<Object>,
                PCollectionTuple,
                PTransform<PCollection<Object>, PCollectionTuple>>
            node) {
      Tree tree = Objects.requireNonNull(trees.get(node.getFullName()));
      PCollection<Object> input =
          (PCollection<Object>) TransformInputs.nonAdditionalInputs(node).iterator().next();
      return PTransformReplacement.of(
          input,
          tree.steps.get(0).name().equals(node.getFullName())
              ? new Whole(tree)
              : new Part(tree, node.getOutputs()));
    }

    @Override
    public Map<PCollection<?>, ReplacementOutput> mapOutputs(
        Map<TupleTag<?>, PCollection<?>> outputs, PCollectionTuple newOutput) {
      return ReplacementOutputs.tagged(outputs, newOutput);
    }
  }

  /** A tree in the place of its first step. */
  private final class Whole extends PTransform<PCollection<Object>, PCollectionTuple> {
    private static final long serialVersionUID = 1L;
    private final transient Tree tree;

    private Whole(Tree tree) {
      this.tree = tree;
    }

    @Override
    public PCollectionTuple expand(PCollection<Object> input) {
      Step first = tree.steps.get(0);
      Map<PCollection<?>, TupleTag<?>> tags = new HashMap<>();
      List<TupleTag<?>> more = new ArrayList<>();
      for (Step step : tree.steps) {
        step.node
            .getOutputs()
            .forEach(
                (tag, output) -> {
                  TupleTag<?> own =
                      step.equals(first) ? tag : new TupleTag<Object>("joined-" + tags.size());
                  tags.put(output, own);
                  if (!own.equals(first.transform.getMainOutputTag())) {
                    more.add(own);
                  }
                });
      }
      TupleTag<Object> main = (TupleTag<Object>) first.transform.getMainOutputTag();
      List<JoinedSteps.Step> steps = new ArrayList<>();
      for (Step step : tree.steps) {
        steps.add(joined(step, tags));
      }
      JoinedSteps joined = new JoinedSteps(steps, run);
      DoFn<Object, Object> function =
          isSplittable(first) ? new JoinedSource(joined, main) : new JoinedFn(joined);
      Set<PCollectionView<?>> beside = new LinkedHashSet<>();
      tree.steps.forEach(step -> beside.addAll(step.transform.getSideInputs().values()));
      PCollectionTuple all =
          input.apply(
              "Joined",
              ParDo.of(function)
                  .withSideInputs(beside)
                  .withOutputTags(main, TupleTagList.of(more)));
      PCollectionTuple own = PCollectionTuple.empty(input.getPipeline());
      for (Map.Entry<PCollection<?>, TupleTag<?>> output : tags.entrySet()) {
        TupleTag<Object> tag = (TupleTag<Object>) output.getValue();
        PCollection<Object> put = all.get(tag);
        put.setCoder((Coder<Object>) output.getKey().getCoder());
        if (first.node.getOutputs().containsValue(output.getKey())) {
          own = own.and(tag, put);
        } else {
          tree.outputs.put(output.getKey(), put);
        }
      }
      return own;
    }

    private JoinedSteps.Step joined(Step step, Map<PCollection<?>, TupleTag<?>> tags) {
      Map<TupleTag<?>, Coder<?>> coders = new HashMap<>();
      Map<TupleTag<?>, JoinedSteps.Way> ways = new HashMap<>();
      step.node
          .getOutputs()
          .forEach(
              (tag, output) -> {
                coders.put(tag, output.getCoder());
                List<Integer> next = new ArrayList<>();
                for (int i = 0; i < tree.steps.size(); i++) {
                  if (tree.steps.get(i).input().equals(output)) {
                    next.add(i);
                  }
                }
                TupleTag<?> leaves = readersElsewhere(tree, output) > 0 ? tags.get(output) : null;
                ways.put(tag, new JoinedSteps.Way(next, leaves));
              });
      return new JoinedSteps.Step(
          step.name(),
          step.transform.getFn(),
          step.transform.getMainOutputTag(),
          new ArrayList<>(step.transform.getAdditionalOutputTags().getAll()),
          step.input().getCoder(),
          coders,
          step.input().getWindowingStrategy(),
          ParDoTranslation.getSchemaInformation(step.node),
          new HashMap<>(ParDoTranslation.getSideInputMapping(step.node)),
          ways);
    }
  }

  /** What a tree puts out in the place of another of its steps. */
  private static final class Part extends PTransform<PCollection<Object>, PCollectionTuple> {
    private static final long serialVersionUID = 1L;
    private final transient Tree tree;
    private final transient Map<TupleTag<?>, PCollection<?>> outputs;

    private Part(Tree tree, Map<TupleTag<?>, PCollection<?>> outputs) {
      this.tree = tree;
      this.outputs = outputs;
    }

    @Override
    public PCollectionTuple expand(PCollection<Object> input) {
      PCollectionTuple own = PCollectionTuple.empty(input.getPipeline());
      for (Map.Entry<TupleTag<?>, PCollection<?>> output : outputs.entrySet()) {
        PCollection<Object> put =
            (PCollection<Object>) Objects.requireNonNull(tree.outputs.get(output.getValue()));
        own =
            own.and(
                (TupleTag<Object>) output.getKey(),
                PCollectionList.of(put)
                    .apply("Output " + output.getKey().getId(), Flatten.pCollections()));
      }
      return own;
    }
  }
}

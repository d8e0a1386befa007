package dev.millrace.runners;

import dev.millrace.pipelines.UserError;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.runners.TransformHierarchy.Node;
import org.apache.beam.sdk.transforms.GroupByKey;
import org.apache.beam.sdk.transforms.Reshuffle;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollection.IsBounded;
import org.apache.beam.sdk.values.PValue;

/** Refuses pipelines with steps that a runner cannot carry out, or would get wrong. */
public final class CapabilityGate {

  private static final int SHOWN = 3;

  private CapabilityGate() {}

  /**
   * Checks every step of a pipeline.
   *
   * @param runner the runner's name, for the message
   * @throws UserError if a step meets a limit; it names the steps, the reasons, and where these can
   *     be followed
   */
  public static void check(Pipeline pipeline, String runner, List<Limit> limits) {
    if (limits.isEmpty()) {
      return;
    }
    Map<Limit, List<String>> met = new LinkedHashMap<>();
    for (Limit.Step step : steps(pipeline)) {
      for (Limit limit : limits) {
        if (limit.meets().test(step)) {
          met.computeIfAbsent(limit, l -> new ArrayList<>()).add(step.node().getFullName());
        }
      }
    }
    if (!met.isEmpty()) {
      StringBuilder words =
          new StringBuilder(
              "The "
                  + runner
                  + " runner would not run this pipeline rightly, so it was not started; take another --runner.");
      met.forEach(
          (limit, steps) ->
              words
                  .append("\n  ")
                  .append(String.join(", ", steps.subList(0, Math.min(SHOWN, steps.size()))))
                  .append(steps.size() > SHOWN ? " and " + (steps.size() - SHOWN) + " more" : "")
                  .append(' ')
                  .append(limit.reason())
                  .append(" (")
                  .append(limit.link())
                  .append(")"));
      throw new UserError(words.toString());
    }
  }

  /** Whether a pipeline reads something without an end. */
  public static boolean isStream(Pipeline pipeline) {
    AtomicBoolean found = new AtomicBoolean();
    pipeline.traverseTopologically(
        new Pipeline.PipelineVisitor.Defaults() {
          @Override
          public void visitValue(PValue value, Node producer) {
            if (isUnbounded(value)) {
              found.set(true);
            }
          }
        });
    return found.get();
  }

  private static List<Limit.Step> steps(Pipeline pipeline) {
    boolean stream = isStream(pipeline);
    Map<PValue, Integer> groupings = new HashMap<>();
    List<Limit.Step> steps = new ArrayList<>();
    pipeline.traverseTopologically(
        new Pipeline.PipelineVisitor.Defaults() {
          @Override
          public void visitPrimitiveTransform(Node node) {
            Collection<PCollection<?>> inputs = node.getInputs().values();
            Collection<PCollection<?>> outputs = node.getOutputs().values();
            int before =
                inputs.stream().mapToInt(in -> groupings.getOrDefault(in, 0)).max().orElse(0);
            boolean unbounded =
                inputs.stream().anyMatch(CapabilityGate::isUnbounded)
                    || outputs.stream().anyMatch(CapabilityGate::isUnbounded);
            boolean groups = unbounded && isGrouping(node);
            int after = before + (groups ? 1 : 0);
            outputs.forEach(out -> groupings.put(out, after));
            steps.add(new Limit.Step(node, stream, unbounded, groups ? after : 0));
          }
        });
    return steps;
  }

  /** A reshuffle groups as well, but by no watermark. */
  private static boolean isGrouping(Node node) {
    return node.getTransform() instanceof GroupByKey<?, ?>
        && !Limit.isWithin(node, Reshuffle.class)
        && !Limit.isWithin(node, Reshuffle.ViaRandomKey.class);
  }

  private static boolean isUnbounded(PValue value) {
    return value instanceof PCollection<?> collection
        && collection.isBounded() == IsBounded.UNBOUNDED;
  }
}

package dev.millrace.runners;

import java.util.function.Predicate;
import org.apache.beam.sdk.io.Read;
import org.apache.beam.sdk.runners.TransformHierarchy.Node;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.reflect.DoFnSignature;
import org.apache.beam.sdk.transforms.reflect.DoFnSignatures;

/**
 * Something a runner cannot do, or does wrong. A pipeline that has such a step is refused before it
 * starts.
 *
 * @param meets whether a step is one of those
 * @param reason why it is refused, as the end of a sentence that begins with the step's name
 * @param link where that is said or can be followed
 */
public record Limit(Predicate<Step> meets, String reason, String link) {

  static boolean isWithin(Node step, Class<?> composite) {
    for (Node at = step.getEnclosingNode(); at != null; at = at.getEnclosingNode()) {
      if (composite.isInstance(at.getTransform())) {
        return true;
      }
    }
    return false;
  }

  /**
   * A primitive step of a pipeline.
   *
   * @param node the step
   * @param isInStream whether the pipeline reads something without an end
   * @param isUnbounded whether an input or output of the step has no end
   * @param groupings of a grouping without an end: its number on the way of its elements, from 1;
   *     else 0
   */
  public record Step(Node node, boolean isInStream, boolean isUnbounded, int groupings) {

    private boolean isParDo(Predicate<DoFnSignature> of) {
      return node.getTransform() instanceof ParDo.MultiOutput<?, ?> parDo
          && of.test(DoFnSignatures.getSignature(parDo.getFn().getClass()));
    }

    /** Whether it sets timers. */
    public boolean hasTimers() {
      return isParDo(
          fn -> !fn.timerDeclarations().isEmpty() || !fn.timerFamilyDeclarations().isEmpty());
    }

    /** Whether it does something when a window is over. */
    public boolean hasWindowExpiration() {
      return isParDo(fn -> fn.onWindowExpiration() != null);
    }

    /** Whether it is a splittable function, and no source: runners have reads of their own. */
    public boolean isSplittable() {
      return isParDo(fn -> fn.processElement().isSplittable())
          && !isWithin(node, Read.Bounded.class)
          && !isWithin(node, Read.Unbounded.class);
    }
  }
}

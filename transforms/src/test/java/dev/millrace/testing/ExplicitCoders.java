package dev.millrace.testing;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.empty;

import java.util.ArrayList;
import java.util.List;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.SerializableCoder;
import org.apache.beam.sdk.runners.TransformHierarchy.Node;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PValue;

/** Whether a pipeline moves data by Java serialization, which is slow and breaks on upgrades. */
public final class ExplicitCoders {

  private ExplicitCoders() {}

  /**
   * Fails if the coder of a collection is, or contains, a {@link SerializableCoder}: {@code
   * ExplicitCoders.in(pipeline)}, before the pipeline runs.
   */
  public static void in(Pipeline pipeline) {
    List<String> found = new ArrayList<>();
    pipeline.traverseTopologically(
        new Pipeline.PipelineVisitor.Defaults() {
          @Override
          public void visitValue(PValue value, Node producer) {
            if (value instanceof PCollection<?> collection && serializes(collection.getCoder())) {
              found.add(collection.getName() + ": " + collection.getCoder());
            }
          }
        });
    assertThat("collections with SerializableCoder", found, empty());
  }

  // The splits of a source and the results of PAssert are no data.
  private static boolean ofBeamItself(SerializableCoder<?> coder) {
    return coder.getRecordType().getName().startsWith("org.apache.beam.sdk.");
  }

  private static boolean serializes(Coder<?> coder) {
    return (coder instanceof SerializableCoder<?> java && !ofBeamItself(java))
        || coder.getCoderArguments().stream().anyMatch(ExplicitCoders::serializes);
  }
}

package dev.millrace.pipelines;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;

import dev.millrace.pipelines.io.warehouse.TestPostgres;
import dev.millrace.testing.ExplicitCoders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.runners.TransformHierarchy.Node;

/** Holds the names of a pipeline's steps against {@code src/test/resources/golden}. */
public final class GoldenSteps {

  private GoldenSteps() {}

  /** What a job builds, with a real warehouse of its own; nothing is run. */
  public static Pipeline graphOf(CatalogueEntry.Job job) throws Exception {
    Pipeline pipeline = Pipeline.create(PipelineOptionsFactory.create());
    job.prepare();
    try {
      job.build(pipeline);
    } finally {
      job.abandon(new IOException("only its graph is wanted"));
    }
    return pipeline;
  }

  /** Lends a new database. */
  public static CatalogueEntry.Surroundings surroundings() {
    return new CatalogueEntry.Surroundings() {
      @Override
      public String embeddedWarehouse() {
        return TestPostgres.newDatabase();
      }

      @Override
      public void phase(String name) {}
    };
  }

  /** Fails if a step was renamed, moved or removed, or moves its elements by Java serialization. */
  public static void check(Pipeline pipeline, String name) throws IOException {
    Path golden =
        Path.of(
            System.getProperty("basedir", "."), "src/test/resources/golden/" + name + "-steps.txt");
    String steps = String.join("\n", named(pipeline)) + "\n";
    if (Boolean.getBoolean("millrace.update")) {
      Files.createDirectories(golden.getParent());
      Files.writeString(golden, steps);
    }
    assertThat(
        "The names of the steps differ from "
            + golden.getFileName()
            + ". A runner finds a step's state by its name: a job that is restored from a savepoint"
            + " of an earlier version refuses to start or begins with empty state in every step"
            + " that was renamed, moved or removed. If that is what you want (nothing runs that"
            + " must be restored), rewrite the file and say so in the change:"
            + " ./mvnw -pl pipelines -am test -Dtest=*StepsTest"
            + " -Dsurefire.failIfNoSpecifiedTests=false -Dmillrace.update=true",
        steps,
        equalTo(Files.exists(golden) ? Files.readString(golden) : ""));
    ExplicitCoders.in(pipeline);
  }

  /** The names that this project gave; what Beam names inside its own transforms is Beam's. */
  private static Set<String> named(Pipeline pipeline) {
    Set<String> names = new TreeSet<>();
    pipeline.traverseTopologically(
        new Pipeline.PipelineVisitor.Defaults() {
          @Override
          public CompositeBehavior enterCompositeTransform(Node node) {
            add(node);
            return CompositeBehavior.ENTER_TRANSFORM;
          }

          @Override
          public void visitPrimitiveTransform(Node node) {
            add(node);
          }

          private void add(Node node) {
            Node parent = node.getEnclosingNode();
            if (parent != null && (parent.isRootNode() || isOurs(parent))) {
              names.add(node.getFullName());
            }
          }
        });
    return names;
  }

  private static boolean isOurs(Node node) {
    return node.getTransform() != null
        && node.getTransform().getClass().getName().startsWith("dev.millrace.");
  }
}

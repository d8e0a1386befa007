package dev.millrace.pipelines.sales;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;

import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.io.warehouse.TestPostgres;
import dev.millrace.testing.ExplicitCoders;
import dev.millrace.transforms.refine.Vault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.runners.TransformHierarchy.Node;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The graph of the whole pipeline, edges included, as it is built and not run. */
class SalesStepsTest {

  private static final Path GOLDEN =
      Path.of(System.getProperty("basedir", "."), "src/test/resources/golden/sales-steps.txt");

  @TempDir Path directory;

  @Test
  void stepsKeepTheirNamesAndNothingIsMovedByJavaSerialization() throws Exception {
    // Given
    Pipeline pipeline = build();

    // When
    String steps = String.join("\n", named(pipeline)) + "\n";

    // Then
    if (Boolean.getBoolean("millrace.update")) {
      Files.createDirectories(GOLDEN.getParent());
      Files.writeString(GOLDEN, steps);
    }
    assertThat(
        "The names of the steps differ from "
            + GOLDEN.getFileName()
            + ". A runner finds a step's state by its name: a job that is restored from a savepoint"
            + " of an earlier version refuses to start or begins with empty state in every step"
            + " that was renamed, moved or removed. If that is what you want (nothing runs that"
            + " must be restored), rewrite the file and say so in the change:"
            + " ./mvnw -pl pipelines -am test -Dtest=SalesStepsTest"
            + " -Dsurefire.failIfNoSpecifiedTests=false -Dmillrace.update=true",
        steps,
        equalTo(Files.exists(GOLDEN) ? Files.readString(GOLDEN) : ""));
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

  private Pipeline build() throws Exception {
    Vault.createIfAbsent(directory.resolve("key"));
    Path data = Files.writeString(directory.resolve("data.json"), "{}\n");
    List<String> arguments = new ArrayList<>();
    for (String input :
        List.of(
            "sales",
            "customers",
            "products",
            "productClasses",
            "stores",
            "promotions",
            "days",
            "regions")) {
      arguments.add("--" + input + "=" + data);
    }
    arguments.add("--lake=" + directory.resolve("lake"));
    arguments.add("--report=" + directory.resolve("report"));
    arguments.add("--secret=file:" + directory.resolve("key"));
    CatalogueEntry.Job job =
        new SalesEntry()
            .job(
                PipelineOptionsFactory.fromArgs(arguments.toArray(String[]::new))
                    .as(SalesOptions.class),
                new Postgres());
    Pipeline pipeline = Pipeline.create(PipelineOptionsFactory.create());
    job.prepare();
    try {
      job.build(pipeline);
    } finally {
      job.abandon(new IOException("only its graph is wanted"));
    }
    return pipeline;
  }

  private static final class Postgres implements CatalogueEntry.Surroundings {
    @Override
    public String embeddedWarehouse() {
      return TestPostgres.newDatabase();
    }

    @Override
    public void phase(String name) {}
  }
}

package dev.millrace.pipelines.sales;

import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.GoldenSteps;
import dev.millrace.transforms.refine.Vault;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The graph of the whole pipeline, edges included, as it is built and not run. */
class SalesStepsTest {

  @TempDir Path directory;

  @Test
  void stepsKeepTheirNamesAndNothingIsMovedByJavaSerialization() throws Exception {
    // When
    Pipeline pipeline = build();

    // Then
    GoldenSteps.check(pipeline, "sales");
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
                GoldenSteps.surroundings());
    return GoldenSteps.graphOf(job);
  }
}

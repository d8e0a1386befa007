package dev.millrace.pipelines;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.hasItems;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.Test;

class CatalogueTest {

  @Test
  void everyPipelineAndGeneratorHasItsOptionsInOneProcess() {
    // Given
    List<String> names = new ArrayList<>();

    // When: Beam refuses two that contradict each other
    for (CatalogueEntry pipeline : ServiceLoader.load(CatalogueEntry.class)) {
      names.add("run " + make(pipeline.optionsClass(), pipeline.name()));
    }
    for (GeneratorEntry generator : ServiceLoader.load(GeneratorEntry.class)) {
      names.add("generate " + make(generator.optionsClass(), generator.name()));
    }

    // Then
    assertThat(
        names, hasItems("run sales", "run clickstream", "generate sales", "generate clickstream"));
  }

  private static String make(Class<? extends PipelineOptions> options, String name) {
    PipelineOptionsFactory.fromArgs("--jobName=" + name).as(options);
    return name;
  }
}

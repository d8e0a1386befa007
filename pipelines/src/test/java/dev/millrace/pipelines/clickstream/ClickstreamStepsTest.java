package dev.millrace.pipelines.clickstream;

import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.GoldenSteps;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.refine.Vault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.testing.TestStream;
import org.apache.beam.sdk.values.PCollection;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The graphs of the pipeline, as they are built and not run. */
class ClickstreamStepsTest {

  @TempDir Path directory;

  @BeforeEach
  void key() throws IOException {
    Vault.createIfAbsent(directory.resolve("key"));
  }

  @Test
  void theStepsOfABatchKeepTheirNames() throws Exception {
    // When
    Pipeline pipeline = built(false);

    // Then
    GoldenSteps.check(pipeline, "clickstream-batch");
  }

  @Test
  void theStepsOfABackfillKeepTheirNames() throws Exception {
    // When
    Pipeline pipeline = built(true);

    // Then
    GoldenSteps.check(pipeline, "clickstream-backfill");
  }

  @Test
  void theStepsOfTheFlowKeepTheirNamesInAStream() throws Exception {
    // Given
    Pipeline pipeline = Pipeline.create(PipelineOptionsFactory.create());
    PCollection<RawRecord> events =
        pipeline.apply(
            "ReadEvents", TestStream.create(RawRecord.coder()).advanceWatermarkToInfinity());

    // When
    ClickstreamPipeline.flow(
        ShopEvents.with(events, ShopEvents.product(1, 1)),
        ShopEvents.config("file:" + directory.resolve("key")),
        "1");

    // Then
    GoldenSteps.check(pipeline, "clickstream-stream");
  }

  private Pipeline built(boolean backfill) throws Exception {
    Path data = Files.writeString(directory.resolve("data.json"), "{}\n");
    CatalogueEntry.Job job =
        new ClickstreamEntry()
            .job(
                PipelineOptionsFactory.fromArgs(
                        "--events=" + data,
                        "--products=" + data,
                        "--productClasses=" + data,
                        "--lake=" + directory.resolve("lake"),
                        "--report=" + directory.resolve("report"),
                        "--secret=file:" + directory.resolve("key"))
                    .as(ClickstreamOptions.class),
                GoldenSteps.surroundings());
    if (backfill) {
      job.backfill(Instant.parse("2024-03-01T06:00:00Z"), Instant.parse("2024-03-01T07:00:00Z"));
    }
    return GoldenSteps.graphOf(job);
  }
}

package dev.millrace.transforms.rejects;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsInAnyOrder;
import static org.hamcrest.Matchers.hasProperty;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Reason;
import dev.millrace.schemas.retail.Sale;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.testing.BeamTest;
import dev.millrace.testing.Expect;
import dev.millrace.testing.ExplicitCoders;
import dev.millrace.testing.Outcomes;
import dev.millrace.transforms.DeadLetters;
import dev.millrace.transforms.Origin;
import org.apache.beam.sdk.testing.TestPipeline;
import org.apache.beam.sdk.testing.TestStream;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.windowing.FixedWindows;
import org.apache.beam.sdk.transforms.windowing.Window;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionList;
import org.hamcrest.Matcher;
import org.joda.time.Duration;
import org.junit.jupiter.api.Test;

@BeamTest
class RejectsTest {

  @Test
  void rejectsOfAllStagesCarryPipelineAndVersion(TestPipeline pipeline) {
    PCollection<DeadLetter> refine =
        pipeline.apply(
            "Refine", Create.of(letter("RefineSales", 1)).withCoder(DeadLetters.coder()));
    PCollection<DeadLetter> enrich =
        pipeline.apply(
            "Enrich", Create.of(letter("EnrichSales", 2)).withCoder(DeadLetters.coder()));

    PCollection<DeadLetter> all =
        PCollectionList.of(refine).and(enrich).apply("Rejects", Rejects.stamp("sales", "0.1.0"));

    Expect.rows(all, () -> containsInAnyOrder(stamped(1), stamped(2)));
    ExplicitCoders.in(pipeline);
    pipeline.run();
  }

  @Test
  void pipelinesThatShareAStageAndASourceHaveLettersOfTheirOwn() {
    // When
    String sales = DeadLetters.stamped(letter("RefineProducts", 7), "sales", "1").getId();
    String clicks = DeadLetters.stamped(letter("RefineProducts", 7), "clickstream", "1").getId();

    // Then
    assertThat(clicks, is(not(sales)));
    assertThat(DeadLetters.stamped(letter("RefineProducts", 7), "sales", "2").getId(), is(sales));
  }

  @Test
  void stagesWithWindowsOfTheirOwnComeTogetherInAStream(TestPipeline pipeline) {
    PCollection<DeadLetter> daily =
        pipeline
            .apply(
                TestStream.create(DeadLetters.coder())
                    .addElements(letter("EnrichSales", 1))
                    .advanceWatermarkToInfinity())
            .apply(Window.into(FixedWindows.of(Duration.standardDays(1))));
    PCollection<DeadLetter> global =
        pipeline.apply(Create.of(letter("RefineSales", 2)).withCoder(DeadLetters.coder()));

    PCollection<DeadLetter> all =
        PCollectionList.of(daily).and(global).apply("Rejects", Rejects.stamp("sales", "0.1.0"));

    Expect.rows(all, () -> containsInAnyOrder(stamped(1), stamped(2)));
    pipeline.run();
  }

  private static Matcher<DeadLetter> stamped(long position) {
    return allOf(
        Outcomes.from("sales.json", position),
        hasProperty("pipeline", is("sales")),
        hasProperty("pipelineVersion", is("0.1.0")));
  }

  private static DeadLetter letter(String stage, long position) {
    Origin origin = new Origin("sales.json", position, Origin.NO_ARRIVAL);
    return DeadLetters.of(
        stage,
        Reason.MALFORMED,
        "no object",
        null,
        Contract.of(Sale.class),
        0,
        Origin.NO_ARRIVAL,
        origin,
        new byte[] {1});
  }
}

package dev.millrace.pipelines.job;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.transforms.Origin;
import dev.millrace.transforms.RawRecord;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.testing.PAssert;
import org.apache.beam.sdk.transforms.Count;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.values.PCollection;
import org.junit.jupiter.api.Test;

/** Archives of what arrived from 10:00 until 12:00, and such that are not. */
class ArchiveCoversTest {

  private static final ArchiveCovers COVERS =
      ArchiveCovers.from(at("10:00")).until(at("12:00")).withWhole(Set.of("whole-0"));

  @Test
  void anArchiveThatReachesFromBeforeUntilAfterPasses() {
    passes(
        COVERS,
        record("clicks-0", 70, "10:00"),
        record("clicks-0", 71, "11:00"),
        record("clicks-1", 80, "09:00"),
        record("clicks-1", 90, "12:00"));
  }

  @Test
  void aPartitionThatIsThereFromItsFirstRecordPassesWhereverItBegins() {
    passes(COVERS, record("clicks-0", 0, "10:30"), record("clicks-0", 1, "12:00"));
  }

  @Test
  void aPartitionThatIsKnownToBeWholePassesWhateverItsRecordsSay() {
    passes(COVERS, record("whole-0", 5, "10:30"), record("whole-0", 6, "12:00"));
    passes(
        ArchiveCovers.from(at("10:00")).withWhole(Set.of("whole-0")),
        new RawRecord(new byte[0], new Origin("whole-0", 5, Origin.NO_ARRIVAL)));
  }

  @Test
  void onePartitionThatBeginsTooLateIsRefused() {
    refuses(
        COVERS,
        "Of clicks-1 the archive begins with what arrived at 2024-03-01T10:01:00Z, and windows from"
            + " --from on can hold what arrived since 2024-03-01T10:00:00Z.",
        record("clicks-0", 70, "09:00"),
        record("clicks-1", 80, "10:01"),
        record("clicks-1", 81, "12:00"));
  }

  @Test
  void oneThatEndsTooEarlyIsRefused() {
    refuses(
        COVERS,
        "The archive ends with what arrived at 2024-03-01T11:59:00Z",
        record("clicks-0", 0, "09:00"),
        record("clicks-0", 1, "11:59"));
  }

  @Test
  void oneThatIsReadUntilNowMayEndWhenItLikes() {
    passes(ArchiveCovers.from(at("10:00")), record("clicks-0", 9, "10:00"));
  }

  @Test
  void oneWithoutArrivalTimesIsRefused() {
    refuses(
        COVERS,
        "Of events.jsonl the archive does not say when its records arrived",
        new RawRecord(new byte[0], new Origin("events.jsonl", 0, Origin.NO_ARRIVAL)));
  }

  @Test
  void oneWithoutARecordIsRefused() {
    refuses(COVERS, "The archive holds no record");
  }

  private static RawRecord record(String source, long position, String arrival) {
    return new RawRecord(new byte[0], new Origin(source, position, at(arrival).toEpochMilli()));
  }

  private static Instant at(String time) {
    return Instant.parse("2024-03-01T" + time + ":00Z");
  }

  private static void passes(ArchiveCovers covers, RawRecord... archive) {
    Pipeline pipeline = Pipeline.create(PipelineOptionsFactory.create());
    PAssert.thatSingleton(covered(pipeline, covers, archive).apply(Count.globally())).isEqualTo(1L);
    pipeline.run().waitUntilFinish();
  }

  private static void refuses(ArchiveCovers covers, String sentence, RawRecord... archive) {
    Pipeline pipeline = Pipeline.create(PipelineOptionsFactory.create());
    covered(pipeline, covers, archive);

    Exception refused = assertThrows(Exception.class, () -> pipeline.run().waitUntilFinish());

    assertThat(refused.getMessage(), containsString(sentence));
  }

  private static PCollection<Void> covered(
      Pipeline pipeline, ArchiveCovers covers, RawRecord... archive) {
    return pipeline
        .apply("Archive", Create.of(List.of(archive)).withCoder(RawRecord.coder()))
        .apply("Covers", covers);
  }
}

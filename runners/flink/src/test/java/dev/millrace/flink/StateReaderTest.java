package dev.millrace.flink;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;

import dev.millrace.runners.JobState;
import dev.millrace.runners.JobState.Step;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.apache.beam.runners.flink.translation.types.CoderTypeSerializer;
import org.apache.beam.sdk.coders.BigEndianLongCoder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is told of the pipeline clickstream, as the bundle tells it. */
class StateReaderTest {

  @TempDir static Path directory;
  private static JobState job;

  @BeforeAll
  static void write() throws Exception {
    StateWriter.main(new String[] {directory.toString(), "7"});
    Path written = directory.resolve(JobState.DIRECTORY + "clickstream.json");
    try (InputStream in = Files.newInputStream(written)) {
      job = JobState.read(in);
    }
  }

  @Test
  void theVersionsAndTheKeyGroupsAreTold() {
    assertThat(
        List.of(job.version(), job.beam(), job.flink(), job.keyGroups()),
        contains("7", "2.70.0", "1.19.3", 128));
  }

  @Test
  void stateAndTimersAreToldWithTheirCoders() {
    // When
    Step dedup = step("DedupEvents/AtOnce/Winners");
    Step sessions = step("ShopSession/Sessions/Sessions/ParMultiDo");

    // Then
    assertThat(
        Objects.requireNonNull(dedup.state().get("state seen")).as(),
        equalTo("a value of SeenIdsCoder"));
    assertThat(
        Objects.requireNonNull(dedup.state().get("state seen")).types(),
        hasItem("dev.millrace.transforms.dedup.SeenIds$SeenIdsCoder"));
    assertThat(dedup.key(), equalTo("VarLongCoder"));
    assertThat(sessions.state().keySet(), hasItems("state open", "timer clock", "timer alarm"));
  }

  /** It would be read and written for each row: rows are added to what is grouped. */
  @Test
  void aDimensionIsNoSumOfAllItsRows() {
    assertThat(
        Objects.requireNonNull(step("Product/Rows").state().get("groups")).as(),
        equalTo("SourcedCoder(ClassifiedProduct)"));
  }

  @Test
  void whatIsReadIsToldWithTheClassesOfItsPosition() {
    // When
    Step topic = step("ReadEvents/Topic");

    // Then
    List<String> types = Objects.requireNonNull(topic.state().get("position")).types();
    assertThat(types, hasItem("dev.millrace.pipelines.io.TopicBlocks"));
    assertThat(
        "a lambda is found again by its number only",
        types,
        not(hasItem(allOf(startsWith("dev.millrace."), containsString("lambda$")))));
  }

  @Test
  void aSideInputIsCalledLikeTheStepThatMakesIt() {
    assertThat(
        step("EnrichEvents/LookUp").state().keySet().stream()
            .filter(state -> state.startsWith("side input"))
            .toList(),
        contains(startsWith("side input Product/Map/")));
  }

  @Test
  void aContractIsToldByItsSchema() {
    assertThat(job.types().get("dev.millrace.schemas.web.EnrichedEvent"), startsWith("schema "));
  }

  @Test
  void whatHasAnEndIsToldApart() {
    assertThat(step("ReadProducts/Read").ends(), equalTo(true));
    assertThat(step("RefineProducts/Decide").ends(), equalTo(true));
    assertThat(step("EnrichEvents/LookUp").ends(), equalTo(false));
    assertThat(step("ReadEvents/Topic").ends(), equalTo(false));
  }

  @Test
  void everyStepHasANameThatDoesNotFollowItsPlace() {
    assertThat(job.steps().stream().filter(step -> step.name() == null).toList(), empty());
  }

  /** Why coders are compared before: if this fails, Beam has learned to. */
  @Test
  void flinkReadsWithOneCoderWhatAnotherHasWritten() throws Exception {
    // Given
    CoderTypeSerializer<Long> before = new CoderTypeSerializer<>(BigEndianLongCoder.of(), false);
    CoderTypeSerializer<Long> after = new CoderTypeSerializer<>(VarLongCoder.of(), false);

    // When
    TypeSerializerSchemaCompatibility<Long> verdict =
        after.snapshotConfiguration().resolveSchemaCompatibility(before.snapshotConfiguration());
    DataOutputSerializer written = new DataOutputSerializer(8);
    before.serialize(5L, written);
    Long read = after.deserialize(new DataInputDeserializer(written.getCopyOfBuffer()));

    // Then
    assertThat(verdict.isCompatibleAsIs(), equalTo(true));
    assertThat(read, equalTo(0L));
  }

  private static Step step(String name) {
    return job.steps().stream()
        .filter(step -> step.name().startsWith(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError(name + " is not among " + job.steps()));
  }
}

package dev.millrace.runners;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.startsWith;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.pipelines.CatalogueEntry.Partition;
import dev.millrace.runners.ClusterLook.Task;
import dev.millrace.runners.Doctor.Finding;
import dev.millrace.runners.StreamLook.Count;
import dev.millrace.runners.StreamLook.Wait;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * From answers to words. The answers of the cluster are recorded ones, of a real one to which that
 * was done; fields that nobody asks for are left out.
 */
class DoctorTest {

  private static final Instant NOW = Instant.parse("2026-01-01T12:00:00Z");
  private static final String TOPIC = "kafka://h:1/clicks";

  /** A cluster that answers as it did when that was recorded. */
  private static ClusterLook recorded(String name) throws IOException {
    try (InputStream in = DoctorTest.class.getResourceAsStream("doctor/" + name + ".json")) {
      JsonNode answers = new ObjectMapper().readTree(Objects.requireNonNull(in));
      return ClusterLook.at(path -> Objects.requireNonNull(answers.get(path), path), "JOB");
    }
  }

  private static Partition partition(int number, long offsets, @Nullable Instant newest) {
    return new Partition(TOPIC, number, "clicks-" + number, "RefineEvents", offsets, newest);
  }

  private static Count read(int partition, long read) {
    return new Count("RefineEvents", "clicks-" + partition, read, read, 0, 0);
  }

  private static StreamLook stream(Instant at, List<Partition> partitions, Count... ledger) {
    return new StreamLook(at, partitions, List.of(ledger), List.of());
  }

  /** Two partitions, read to their ends, with records that came a second ago. */
  private static StreamLook atRest() {
    Instant newest = NOW.minusSeconds(1);
    return stream(
        NOW,
        List.of(partition(0, 500, newest), partition(1, 400, newest)),
        read(0, 500),
        read(1, 400));
  }

  private static List<Finding> findings(ClusterLook cluster, StreamLook before, StreamLook now) {
    return Doctor.findings(cluster, before, now, Optional.empty(), "http://h:1/#/job");
  }

  private static List<String> kinds(List<Finding> findings) {
    return findings.stream().map(Finding::kind).toList();
  }

  @Test
  void aJobThatDoesItsWorkHasNothing() throws Exception {
    // Given
    ClusterLook healthy = recorded("healthy");

    // When
    List<Finding> findings = findings(healthy, atRest(), atRest());

    // Then
    assertThat(findings, equalTo(List.of()));
    assertThat(
        Doctor.healthy(healthy, atRest()),
        startsWith(
            "nothing is wrong: 900 records of 2 partitions read, none unread; the ledger balances; the last checkpoint is "));
  }

  @Test
  void whereNothingComesToAllPartitionsThereIsNoInput() throws Exception {
    // Given
    Instant newest = NOW.minusSeconds(31);
    StreamLook quiet =
        stream(
            NOW,
            List.of(partition(0, 5, newest.minusSeconds(9)), partition(1, 4, newest)),
            read(0, 5),
            read(1, 4));

    // When
    List<Finding> findings = findings(recorded("healthy"), quiet, quiet);

    // Then
    assertThat(
        findings.stream().map(Finding::toString).toList(),
        equalTo(
            List.of(
                "no input: no record has come to any partition of "
                    + TOPIC
                    + " since 2026-01-01T11:59:29Z, and all that came are read. Do: look at the producer: the run waits for it, and its windows close by the clock.")));
  }

  @Test
  void wherePartOfThePartitionsGetNothingTheyAreIdle() throws Exception {
    // Given
    StreamLook idle =
        stream(
            NOW,
            List.of(partition(0, 5, NOW), partition(1, 4, NOW.minusSeconds(40))),
            read(0, 5),
            read(1, 4));

    // When
    List<Finding> findings = findings(recorded("healthy"), idle, idle);

    // Then
    assertThat(kinds(findings), equalTo(List.of("idle partition")));
    assertThat(
        findings.get(0).evidence(),
        equalTo(
            "partition 1 of "
                + TOPIC
                + " has had no record since 2026-01-01T11:59:20Z, while others have"));
  }

  @Test
  void recordsThatWaitWhileNoneIsReadAreToldOf() throws Exception {
    // Given
    StreamLook before =
        stream(NOW.minusSeconds(5), List.of(partition(0, 2000, NOW)), read(0, 1200));
    StreamLook now = stream(NOW, List.of(partition(0, 2500, NOW)), read(0, 1200));

    // When
    List<Finding> findings = findings(recorded("healthy"), before, now);

    // Then
    assertThat(
        findings.stream().map(finding -> finding.kind() + ": " + finding.evidence()).toList(),
        equalTo(
            List.of(
                "not reading: 1,300 records of "
                    + TOPIC
                    + " are unread, and none was read in 5 s")));
  }

  @Test
  void aRunThatFallsBehindIsTold() throws Exception {
    // Given
    StreamLook before =
        stream(NOW.minusSeconds(5), List.of(partition(0, 90_000, NOW)), read(0, 1000));
    StreamLook now = stream(NOW, List.of(partition(0, 100_000, NOW)), read(0, 2000));
    StreamLook better = stream(NOW, List.of(partition(0, 90_100, NOW)), read(0, 2000));

    // When
    List<Finding> behind = findings(recorded("healthy"), before, now);
    List<Finding> catchingUp = findings(recorded("healthy"), before, better);

    // Then
    assertThat(
        behind.get(0).evidence(),
        equalTo("98,000 records of " + TOPIC + " are unread; 200 a second are read, 2,000 come"));
    assertThat(behind.get(0).advice(), startsWith("give it more"));
    assertThat(catchingUp.get(0).advice(), equalTo("wait: it catches up"));
  }

  @Test
  void aResidueIsToldOfIfItStays() throws Exception {
    // Given
    Count odd = new Count("DedupEvents", "clicks-0", 10, 7, 0, 1);
    List<Partition> partitions = List.of(partition(0, 10, NOW));
    StreamLook with = stream(NOW, partitions, read(0, 10), odd);
    StreamLook without = stream(NOW, partitions, read(0, 10));

    // When
    List<Finding> stays = findings(recorded("healthy"), with, with);
    List<Finding> passes = findings(recorded("healthy"), with, without);

    // Then
    assertThat(
        stays.get(0).evidence(), equalTo("DedupEvents of clicks-0: 2 records have no outcome"));
    assertThat(passes, equalTo(List.of()));
  }

  @Test
  void rejectsAreToldOfFromATenth() throws Exception {
    // Given
    List<Partition> partitions = List.of(partition(0, 1000, NOW));
    StreamLook some =
        stream(NOW, partitions, new Count("RefineEvents", "clicks-0", 1000, 900, 100, 0));
    StreamLook many =
        stream(NOW, partitions, new Count("RefineEvents", "clicks-0", 1000, 890, 110, 0));

    // When, then
    assertThat(findings(recorded("healthy"), some, some), equalTo(List.of()));
    assertThat(kinds(findings(recorded("healthy"), many, many)), equalTo(List.of("many rejects")));
  }

  @Test
  void aSessionThatHoldsALockIsNamed() throws Exception {
    // Given
    Instant newest = NOW.minusSeconds(1);
    StreamLook locked =
        new StreamLook(
            NOW,
            List.of(partition(0, 500, newest)),
            List.of(read(0, 500)),
            List.of(
                new Wait("events_5m", NOW.minusSeconds(7), 4711, "psql", "idle in transaction")));

    // When
    List<Finding> findings = findings(recorded("healthy"), locked, locked);

    // Then
    assertThat(kinds(findings), equalTo(List.of("sink slow")));
    assertThat(
        findings.get(0).evidence(),
        equalTo(
            "a write to events_5m waits since 2026-01-01T11:59:53Z for session 4711 of PostgreSQL (psql, idle in transaction), which holds a lock"));
  }

  @Test
  void aPlaceThatCannotBeWrittenToIsACheckpointThatFails() throws Exception {
    // Given
    Optional<String> logged = FlinkRest.checkpointFailure(lines("jobmanager.log"), "JOB");

    // When
    List<Finding> findings =
        Doctor.findings(recorded("checkpoint-failing"), atRest(), atRest(), logged, "page");

    // Then
    Finding checkpoint =
        findings.stream()
            .filter(finding -> finding.kind().equals("checkpoint failing"))
            .findFirst()
            .orElseThrow();
    assertThat(checkpoint.evidence(), containsString("the last one that was completed is of "));
    assertThat(checkpoint.evidence(), containsString(": " + logged.orElseThrow()));
  }

  @Test
  void aPartThatReadsAlmostAllHasAHotKeyIfItReadsMuch() throws Exception {
    // Given
    Task skewed = keyed("Sessions", 95_000L, 5_000L);
    Task even = keyed("Dedup", 48_000L, 52_000L);
    Task little = keyed("Sums", 1_500L, 0L);

    // When
    List<Finding> findings =
        findings(with(recorded("healthy"), skewed, even, little), atRest(), atRest());

    // Then
    assertThat(
        findings.stream().map(finding -> finding.kind() + ": " + finding.evidence()).toList(),
        equalTo(
            List.of(
                "hot key: one of 2 parts of Sessions has read 95 % of 100,000 records, as if a single key had 90 %")));
  }

  @Test
  void theTaskThatOthersWaitForIsNamed() throws Exception {
    // Given
    Task source = new Task("s", "Source: ReadEvents/Topic", false, Set.of(), List.of(1L), 0.1, 0.9);
    Task sink =
        new Task(
            "w",
            "Events5m/Combine -> Events5mRows/Map -> Warehouse_Events5m/Upsert/ParMultiDo(Upsert)",
            true,
            Set.of("s"),
            List.of(1L),
            1.0,
            0.0);
    Task step = new Task("w", "Enrich/LookUp", true, Set.of("s"), List.of(1L), 1.0, 0.0);

    // When
    List<Finding> slowSink = findings(with(recorded("healthy"), source, sink), atRest(), atRest());
    List<Finding> slowStep = findings(with(recorded("healthy"), source, step), atRest(), atRest());

    // Then
    assertThat(kinds(slowSink), equalTo(List.of("sink slow")));
    assertThat(
        slowSink.get(0).evidence(),
        equalTo(
            "Events5m, Events5mRows, Warehouse_Events5m is busy 100 % of the time, and ReadEvents waits for it 90 %"));
    assertThat(kinds(slowStep), equalTo(List.of("step slow")));
  }

  @Test
  void tasksThatReadByKeyAreKnownWithTheStepsTheyCarryOut() throws Exception {
    // When
    List<String> keyed =
        recorded("healthy").steps().stream()
            .filter(Task::keyed)
            .map(task -> task.steps().get(0))
            .sorted()
            .toList();

    // Then
    assertThat(
        keyed, equalTo(List.of("DedupEvents", "Events5m", "Ledger", "ShopMinute", "ShopSession")));
  }

  private static Task keyed(String name, Long... read) {
    return new Task(name, name + "/Combine", true, Set.of(), List.of(read), 0.1, 0.0);
  }

  /** The same cluster with other tasks. */
  private static ClusterLook with(ClusterLook look, Task... tasks) {
    return new ClusterLook(
        look.name(),
        look.state(),
        look.now(),
        look.runningSince(),
        look.slotsFree(),
        look.slots(),
        look.tasksWithoutSlot(),
        look.tasks(),
        look.failures(),
        look.checkpoints(),
        List.of(tasks));
  }

  @Test
  void aJobWithoutSlotsWaitsForThem() throws Exception {
    // When
    List<Finding> findings = findings(recorded("slots-missing"), atRest(), atRest());

    // Then
    assertThat(kinds(findings), equalTo(List.of("ended", "slots missing")));
    assertThat(
        findings.get(1).evidence(),
        equalTo(
            "the job has not got the slots it needs, and of the 2 slots of the cluster none is free"));
  }

  private static Stream<String> lines(String name) throws IOException {
    try (InputStream in = DoctorTest.class.getResourceAsStream("doctor/" + name)) {
      return new String(
              Objects.requireNonNull(in).readAllBytes(), java.nio.charset.StandardCharsets.UTF_8)
          .lines();
    }
  }
}

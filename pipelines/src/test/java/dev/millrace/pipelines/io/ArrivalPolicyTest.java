package dev.millrace.pipelines.io;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;

import java.time.Duration;
import java.util.Optional;
import org.apache.beam.sdk.io.kafka.KafkaRecord;
import org.apache.beam.sdk.io.kafka.KafkaTimestampType;
import org.apache.beam.sdk.io.kafka.TimestampPolicy.PartitionContext;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.joda.time.Instant;
import org.junit.jupiter.api.Test;

/** The watermark of a partition. Times are milliseconds; max lateness is 1000 of them. */
class ArrivalPolicyTest {

  private final ArrivalPolicy policy = new ArrivalPolicy(Duration.ofSeconds(1), Optional.empty());

  private static PartitionContext partition(long backlog, long checked) {
    return new PartitionContext() {
      @Override
      public long getMessageBacklog() {
        return backlog;
      }

      @Override
      public Instant getBacklogCheckTime() {
        return Instant.ofEpochMilli(checked);
      }
    };
  }

  private Instant timestampOfRecordAt(long arrival) {
    return policy.getTimestampForRecord(
        partition(1, 0),
        new KafkaRecord<>(
            "t",
            0,
            0,
            arrival,
            KafkaTimestampType.LOG_APPEND_TIME,
            new RecordHeaders(),
            ArrivalPolicy.NOTHING,
            ArrivalPolicy.NOTHING));
  }

  @Test
  void aRecordHasItsArrivalLessMaxLatenessAndSoHasTheWatermark() {
    assertThat(timestampOfRecordAt(50_000), equalTo(Instant.ofEpochMilli(49_000)));
    assertThat(policy.getWatermark(partition(3, 90_000)), equalTo(Instant.ofEpochMilli(49_000)));
  }

  @Test
  void theWatermarkWaitsWhileThereAreRecordsOrItIsNotKnown() {
    assertThat(
        policy.getWatermark(partition(-1, 90_000)), equalTo(BoundedWindow.TIMESTAMP_MIN_VALUE));
    assertThat(
        policy.getWatermark(partition(1, 90_000)), equalTo(BoundedWindow.TIMESTAMP_MIN_VALUE));
  }

  @Test
  void withNothingToReadTheWatermarkFollowsTheClockLessSkewAndMaxLateness() {
    assertThat(policy.getWatermark(partition(0, 90_000)), equalTo(Instant.ofEpochMilli(87_000)));
  }

  @Test
  void theWatermarkNeverGoesBack() {
    policy.getWatermark(partition(0, 90_000));
    assertThat(timestampOfRecordAt(80_000), equalTo(Instant.ofEpochMilli(79_000)));
    assertThat(policy.getWatermark(partition(0, 85_000)), equalTo(Instant.ofEpochMilli(87_000)));
  }

  @Test
  void theWatermarkGoesOnFromTheCheckpoint() {
    // Given
    ArrivalPolicy restored =
        new ArrivalPolicy(Duration.ofSeconds(1), Optional.of(Instant.ofEpochMilli(60_000)));

    // Then
    assertThat(restored.getWatermark(partition(5, 0)), equalTo(Instant.ofEpochMilli(60_000)));
  }
}

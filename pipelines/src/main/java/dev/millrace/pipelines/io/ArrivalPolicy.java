package dev.millrace.pipelines.io;

import dev.millrace.transforms.Origin;
import dev.millrace.transforms.RawRecord;
import java.time.Duration;
import java.util.Optional;
import org.apache.beam.sdk.io.kafka.KafkaRecord;
import org.apache.beam.sdk.io.kafka.TimestampPolicy;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.joda.time.Instant;
import org.jspecify.annotations.Nullable;

/** Timestamps and watermark of a partition: arrival − max lateness. See {@link RecordTopic}. */
final class ArrivalPolicy extends TimestampPolicy<byte[], byte[]> {

  static final byte[] NOTHING = {};

  private static final long SKEW_MILLIS = RecordTopic.SKEW_SECONDS * 1000L;

  private final long maxLateness;
  private Instant watermark;

  /**
   * @param before the watermark of the checkpoint that the reading goes on from
   */
  ArrivalPolicy(Duration maxLateness, Optional<Instant> before) {
    this.maxLateness = maxLateness.toMillis();
    this.watermark = before.orElse(BoundedWindow.TIMESTAMP_MIN_VALUE);
  }

  @Override
  public Instant getTimestampForRecord(
      PartitionContext partition, KafkaRecord<byte[], byte[]> record) {
    Instant timestamp = Instant.ofEpochMilli(record.getTimestamp() - maxLateness);
    advanceTo(timestamp);
    return timestamp;
  }

  @Override
  public Instant getWatermark(PartitionContext partition) {
    // Zero means read to the end that was there at the time of the check: what comes now arrives
    // later. (Less than zero means not known.)
    if (partition.getMessageBacklog() == 0) {
      long then = partition.getBacklogCheckTime().getMillis();
      advanceTo(Instant.ofEpochMilli(then - SKEW_MILLIS - maxLateness));
    }
    return watermark;
  }

  private void advanceTo(Instant time) {
    if (time.isAfter(watermark)) {
      watermark = time;
    }
  }

  /** A record of a topic. */
  static RawRecord raw(
      String topic, int partition, long offset, long arrival, byte @Nullable [] value) {
    return new RawRecord(
        value == null ? NOTHING : value, new Origin(topic + "-" + partition, offset, arrival));
  }
}

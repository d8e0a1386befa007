package dev.millrace.pipelines.io;

import dev.millrace.transforms.Origin;
import dev.millrace.transforms.RawRecord;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.io.range.OffsetRange;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.splittabledofn.RestrictionTracker;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.joda.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Reads the records of slices, one slice after the other. A runner may pause between two slices, as
 * in {@link ReadSlice}.
 */
@DoFn.BoundedPerElement
final class ReadTopicSlice extends DoFn<List<TopicSlice>, RawRecord> {

  private static final Duration POLL = Duration.ofMillis(500);
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final String servers;
  private final String topic;
  private final TopicFormat format;
  private final @Nullable Duration maxLateness;
  private transient TopicFormat.@Nullable TopicValues values;
  private transient @Nullable TopicConsumer consumer;

  /**
   * @param maxLateness timestamps are arrival − this; null if the log does not know the arrival
   */
  ReadTopicSlice(String servers, String topic, TopicFormat format, @Nullable Duration maxLateness) {
    this.servers = servers;
    this.topic = topic;
    this.format = format;
    this.maxLateness = maxLateness;
  }

  @GetInitialRestriction
  public OffsetRange all(@Element List<TopicSlice> slices) {
    return new OffsetRange(0, slices.size());
  }

  @GetRestrictionCoder
  public Coder<OffsetRange> restrictionCoder() {
    return OffsetRange.Coder.of();
  }

  @Setup
  public void setUp() {
    values = format.values();
  }

  @ProcessElement
  public void process(
      @Element List<TopicSlice> slices,
      RestrictionTracker<OffsetRange, Long> tracker,
      OutputReceiver<RawRecord> out)
      throws IOException {
    for (long i = tracker.currentRestriction().getFrom(); tracker.tryClaim(i); i++) {
      read(slices.get((int) i), out);
    }
  }

  private void read(TopicSlice slice, OutputReceiver<RawRecord> out) throws IOException {
    TopicConsumer open = open(slice);
    TopicPartition partition = new TopicPartition(topic, slice.partition());
    long moved = System.nanoTime();
    // The position, not the last record: compaction and transactions leave offsets without one.
    for (long at = slice.start(); at < slice.end(); ) {
      for (ConsumerRecord<byte[], byte[]> record : open.poll(POLL).records(partition)) {
        if (record.offset() < slice.end()) {
          output(record, out);
        }
      }
      long position = open.position(partition);
      if (position > at) {
        at = position;
        moved = System.nanoTime();
      } else if (System.nanoTime() - moved > PATIENCE.toNanos()) {
        throw new IOException(
            "Kafka at "
                + servers
                + " has sent nothing of "
                + partition
                + " from offset "
                + at
                + " for "
                + PATIENCE.toSeconds()
                + " s");
      }
    }
  }

  private void output(ConsumerRecord<byte[], byte[]> record, OutputReceiver<RawRecord> out) {
    RawRecord raw =
        ArrivalPolicy.raw(
            record.topic(),
            record.partition(),
            record.offset(),
            maxLateness == null ? Origin.NO_ARRIVAL : record.timestamp(),
            record.value() == null ? null : Objects.requireNonNull(values).json(record.value()));
    out.outputWithTimestamp(
        raw,
        maxLateness == null
            ? BoundedWindow.TIMESTAMP_MIN_VALUE
            : Instant.ofEpochMilli(record.timestamp() - maxLateness.toMillis()));
  }

  /** The consumer, at the beginning of a slice; of the slice after the last it is there already. */
  private TopicConsumer open(TopicSlice slice) {
    TopicPartition partition = new TopicPartition(topic, slice.partition());
    TopicConsumer open = consumer;
    if (open == null) {
      Map<String, Object> settings = new HashMap<>(TopicConsumer.SETTINGS);
      settings.put("bootstrap.servers", servers);
      open = new TopicConsumer(settings, Map.of());
      consumer = open;
    }
    boolean assigned = open.assignment().contains(partition);
    if (!assigned) {
      open.assign(List.of(partition));
    }
    // To seek is to fetch again.
    if (!assigned || open.position(partition) != slice.start()) {
      open.seek(partition, slice.start());
    }
    return open;
  }

  @Teardown
  public void close() {
    if (consumer != null) {
      consumer.close();
      consumer = null;
    }
  }
}

package dev.millrace.pipelines.io;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.DelegateCoder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.MapCoder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.io.UnboundedSource;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.values.KV;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * Partitions of a topic without an end, as blocks: what an answer of the broker brought of a
 * partition is one element. KafkaIO makes an element of each record, for which a runner keeps
 * metrics and an account of time; for blocks it does so a thousand times less often.
 *
 * <p>A block's timestamp is that of its first record, arrival − max lateness. A partition's
 * watermark is that of its last record that has left, or, once it has been read to its end, the
 * time of that look less {@link RecordTopic#SKEW_SECONDS} and the max lateness; the watermark of
 * several is the least. It never goes back, neither by a restart.
 */
final class TopicBlocks extends UnboundedSource<TopicBlock, TopicBlocks.Mark> {

  // A savepoint holds the source as it is, by Java serialization.
  private static final long serialVersionUID = 1L;

  private static final Coder<Mark> MARKS =
      DelegateCoder.of(
          MapCoder.of(VarIntCoder.of(), KvCoder.of(VarLongCoder.of(), VarLongCoder.of())),
          mark -> mark.positions,
          Mark::new);

  private final String servers;
  private final String topic;
  private final Duration maxLateness;

  /** Where to begin, by partition. */
  private final TreeMap<Integer, Long> starts;

  TopicBlocks(String servers, String topic, Map<Integer, Long> starts, Duration maxLateness) {
    this.servers = servers;
    this.topic = topic;
    this.starts = new TreeMap<>(starts);
    this.maxLateness = maxLateness;
  }

  /**
   * How far it was read: the next offset and the watermark, by partition.
   *
   * @param positions offset, and watermark in milliseconds
   */
  record Mark(Map<Integer, KV<Long, Long>> positions) implements CheckpointMark {
    @Override
    public void finalizeCheckpoint() {
      // The runner keeps it; nothing is committed to Kafka.
    }
  }

  String servers() {
    return servers;
  }

  long maxLatenessMillis() {
    return maxLateness.toMillis();
  }

  Map<Integer, Long> starts() {
    return starts;
  }

  List<TopicPartition> partitions() {
    return starts.keySet().stream().map(number -> new TopicPartition(topic, number)).toList();
  }

  @Override
  public List<TopicBlocks> split(int desired, PipelineOptions options) {
    List<Map<Integer, Long>> shares = new ArrayList<>();
    int next = 0;
    for (Map.Entry<Integer, Long> start : starts.entrySet()) {
      if (shares.size() < Math.max(1, desired)) {
        shares.add(new TreeMap<>());
      }
      shares.get(next++ % Math.max(1, desired)).put(start.getKey(), start.getValue());
    }
    return shares.stream()
        .map(share -> new TopicBlocks(servers, topic, share, maxLateness))
        .toList();
  }

  @Override
  public UnboundedReader<TopicBlock> createReader(PipelineOptions options, @Nullable Mark mark) {
    return new TopicReader(this, mark);
  }

  @Override
  public Coder<Mark> getCheckpointMarkCoder() {
    return MARKS;
  }

  @Override
  public Coder<TopicBlock> getOutputCoder() {
    return TopicBlock.coder();
  }
}

package dev.millrace.pipelines.io;

import dev.millrace.pipelines.UserError;
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
 *
 * <p>A savepoint holds the source itself, and not only how far it was read: a run that goes on from
 * one reads what that run has read, whatever its own options say. If they say something else, it
 * fails with a sentence.
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

  /** How many partitions the topic had; 0 in savepoints that do not tell. */
  private final int all;

  /** Reads all partitions of a topic. */
  TopicBlocks(String servers, String topic, Map<Integer, Long> starts, Duration maxLateness) {
    this(servers, topic, starts, maxLateness, starts.size());
  }

  private TopicBlocks(
      String servers, String topic, Map<Integer, Long> starts, Duration maxLateness, int all) {
    this.all = all;
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
        .map(share -> new TopicBlocks(servers, topic, share, maxLateness, all))
        .toList();
  }

  /** Has the options of a run say that it reads this. */
  void tell(PipelineOptions options) {
    TopicOptions told = options.as(TopicOptions.class);
    Map<String, String> reads = new TreeMap<>();
    if (told.getTopicReads() != null) {
      reads.putAll(told.getTopicReads());
    }
    reads.put(topic, words());
    told.setTopicReads(reads);
  }

  private String words() {
    return "kafka://%s/%s with %d partitions and --max-lateness=%s"
        .formatted(servers, topic, all, maxLateness);
  }

  /**
   * @throws UserError if the run reads something else than this, which is of a savepoint
   */
  @Override
  public UnboundedReader<TopicBlock> createReader(PipelineOptions options, @Nullable Mark mark) {
    Map<String, String> told = options.as(TopicOptions.class).getTopicReads();
    String run = told == null ? words() : told.getOrDefault(topic, words());
    if (all > 0 && !run.equals(words())) {
      throw new UserError(
          "The savepoint goes on with "
              + words()
              + ", and this run is to read "
              + run
              + ". Resume it with what it was made with, or begin anew with millrace submit: only"
              + " that reads partitions that were added, or from elsewhere.");
    }
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

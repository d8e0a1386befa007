package dev.millrace.pipelines.io;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/** How far the partitions reach of a topic that is being read. */
public final class TopicEnds implements AutoCloseable {

  /** By how much, in seconds, windows close later at most for a partition that is idle. */
  public static final int IDLE_SECONDS = RecordTopic.IDLE_SECONDS;

  private final TopicUri uri;
  private final List<TopicPartition> partitions;
  private final Map<Integer, Long> starts;
  private final Topics topics;

  /**
   * @param starts where the reading began, by partition
   */
  TopicEnds(TopicUri uri, Map<Integer, Long> starts) {
    this.uri = uri;
    this.starts = Map.copyOf(starts);
    this.partitions =
        starts.keySet().stream()
            .sorted()
            .map(partition -> new TopicPartition(uri.topic(), partition))
            .toList();
    this.topics = Topics.at(uri);
  }

  /**
   * The end of a partition.
   *
   * @param source name of the partition as a source of records
   * @param offsets from where the reading began; records at most, for the ends of transactions and
   *     what compaction took away have an offset too
   * @param newest when its newest record arrived, if it has any
   */
  public record End(String source, int partition, long offsets, @Nullable Instant newest) {}

  /** What names the topic, without how it is read. */
  public String name() {
    return "kafka://" + uri.servers() + "/" + uri.topic();
  }

  /**
   * The ends as they are now, in order.
   *
   * @throws dev.millrace.pipelines.UserError if the brokers do not tell
   */
  public List<End> look() {
    Map<Integer, Long> ends = topics.offsets(partitions, OffsetSpec.latest());
    Map<Integer, Long> newest = topics.newest(partitions);
    return partitions.stream()
        .map(
            partition -> {
              int number = partition.partition();
              long arrival = newest.getOrDefault(number, -1L);
              return new End(
                  partition.toString(),
                  number,
                  ends.getOrDefault(number, 0L) - starts.getOrDefault(number, 0L),
                  arrival < 0 ? null : Instant.ofEpochMilli(arrival));
            })
        .toList();
  }

  @Override
  public void close() {
    topics.close();
  }
}

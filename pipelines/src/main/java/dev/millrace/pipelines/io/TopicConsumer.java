package dev.millrace.pipelines.io;

import java.util.Collection;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** A consumer that begins where it is told, and fails rather than skip what is gone. */
final class TopicConsumer extends KafkaConsumer<byte[], byte[]> {

  static final Map<String, Object> SETTINGS =
      Map.of(
          ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
          false,
          ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
          "none",
          ConsumerConfig.ISOLATION_LEVEL_CONFIG,
          "read_committed",
          ConsumerConfig.MAX_POLL_RECORDS_CONFIG,
          1000,
          // A broker that has nothing to say says so after half a second. One that is silent for so
          // long is gone, and the connection with it, though nobody has closed it.
          ConsumerConfig.REQUEST_TIMEOUT_MS_CONFIG,
          15_000,
          ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG,
          false);

  private final Map<Integer, Long> starts;

  /**
   * @param starts offset to begin at, by partition
   */
  TopicConsumer(Map<String, Object> settings, Map<Integer, Long> starts) {
    super(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    this.starts = starts;
  }

  @Override
  public void assign(Collection<TopicPartition> partitions) {
    super.assign(partitions);
    for (TopicPartition partition : partitions) {
      Long start = starts.get(partition.partition());
      if (start != null) {
        seek(partition, start);
      }
    }
  }
}

package dev.millrace.pipelines.io;

import dev.millrace.pipelines.UserError;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.jspecify.annotations.Nullable;

/** What a broker says about a topic; what is wrong with either comes as a {@link UserError}. */
final class Topics implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** What a record of a topic that is made here can have. */
  static final int RECORD_BYTES = 8 << 20;

  /** Half of what a producer keeps in memory. */
  private static final int MAX_REQUEST = 16 << 20;

  private final TopicUri uri;
  private final Admin admin;

  private Topics(TopicUri uri, Admin admin) {
    this.uri = uri;
    this.admin = admin;
  }

  /** A connection to the brokers of a topic. */
  static Topics at(TopicUri uri) {
    int millis = Math.toIntExact(PATIENCE.toMillis());
    try {
      return new Topics(
          uri,
          Admin.create(
              Map.of(
                  "bootstrap.servers",
                  uri.servers(),
                  "request.timeout.ms",
                  millis,
                  "default.api.timeout.ms",
                  millis)));
    } catch (KafkaException failed) {
      if (failed.getCause() instanceof ConfigException) {
        throw new UserError(
            uri.option()
                + ": no host of '"
                + uri.servers()
                + "' is known; check its name, or the network.",
            failed);
      }
      throw failed;
    }
  }

  /** Makes the topic, by the broker's clock and for long records, if it is not there. */
  void make(int partitions) {
    NewTopic topic =
        new NewTopic(uri.topic(), Optional.of(partitions), Optional.empty())
            .configs(
                Map.of(
                    TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG,
                    "LogAppendTime",
                    TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
                    Integer.toString(RECORD_BYTES)));
    try {
      NewTopics.make(admin, topic);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while making a topic", interrupted);
    } catch (ExecutionException failed) {
      Throwable cause = failed.getCause() == null ? failed : failed.getCause();
      if (cause instanceof InvalidReplicationFactorException) {
        throw new UserError(
            uri.option()
                + ": the topic '"
                + uri.topic()
                + "' cannot be made ("
                + cause.getMessage()
                + ").",
            cause);
      }
      if (!(cause instanceof TopicExistsException)) {
        throw translated(cause);
      }
    }
  }

  /** The partitions of the topic, in order. */
  List<TopicPartition> partitions() {
    TopicDescription topic =
        answer(admin.describeTopics(Set.of(uri.topic())).topicNameValues().get(uri.topic()));
    return topic.partitions().stream()
        .map(TopicPartitionInfo::partition)
        .sorted()
        .map(partition -> new TopicPartition(uri.topic(), partition))
        .toList();
  }

  /** Whether the topic's timestamps are the broker's. */
  boolean hasLogAppendTime() {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, uri.topic());
    Config config = answer(admin.describeConfigs(Set.of(resource)).values().get(resource));
    return "LogAppendTime".equals(config.get(TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG).value());
  }

  /** How many bytes a record may have here, and in what writes it. */
  int maxMessageBytes() {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, uri.topic());
    Config config = answer(admin.describeConfigs(Set.of(resource)).values().get(resource));
    return Math.min(
        MAX_REQUEST, Integer.parseInt(config.get(TopicConfig.MAX_MESSAGE_BYTES_CONFIG).value()));
  }

  /** An offset of each partition; of records that are committed. */
  Map<Integer, Long> offsets(List<TopicPartition> partitions, OffsetSpec spec) {
    Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
    partitions.forEach(partition -> asked.put(partition, spec));
    Map<Integer, Long> offsets = new TreeMap<>();
    answer(admin.listOffsets(asked, new ListOffsetsOptions(IsolationLevel.READ_COMMITTED)).all())
        .forEach((partition, found) -> offsets.put(partition.partition(), found.offset()));
    return offsets;
  }

  /** The time of the newest record of each partition, in milliseconds; -1 of one without. */
  Map<Integer, Long> newest(List<TopicPartition> partitions) {
    Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
    partitions.forEach(partition -> asked.put(partition, OffsetSpec.maxTimestamp()));
    Map<Integer, Long> times = new TreeMap<>();
    answer(admin.listOffsets(asked).all())
        .forEach((partition, found) -> times.put(partition.partition(), found.timestamp()));
    return times;
  }

  /** What the broker answers. */
  <T> T answer(@Nullable KafkaFuture<T> future) {
    try {
      return Objects.requireNonNull(future).get();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for Kafka", interrupted);
    } catch (ExecutionException failed) {
      throw translated(failed.getCause() == null ? failed : failed.getCause());
    }
  }

  /** What the user is told about a failure of the brokers. */
  RuntimeException translated(Throwable failed) {
    if (failed instanceof UnknownTopicOrPartitionException) {
      return new UserError(
          uri.option()
              + ": there is no topic '"
              + uri.topic()
              + "' at "
              + uri.servers()
              + "; check its name, or make it.",
          failed);
    }
    if (failed instanceof TimeoutException) {
      return new UserError(
          uri.option()
              + ": Kafka does not answer at "
              + uri.servers()
              + "; start it (millrace stack up), or check the address.",
          failed);
    }
    if (failed instanceof AuthorizationException) {
      return new UserError(
          uri.option()
              + ": Kafka gives no permission for the topic '"
              + uri.topic()
              + "' ("
              + failed.getMessage()
              + ").",
          failed);
    }
    return failed instanceof RuntimeException unchecked
        ? unchecked
        : new KafkaException("Kafka at " + uri.servers() + " refused", failed);
  }

  @Override
  public void close() {
    admin.close(PATIENCE);
  }
}

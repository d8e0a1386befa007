package dev.millrace.benchmarks.flink;

import dev.millrace.pipelines.io.NewTopics;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;

/**
 * A job that reads a topic and writes each of its values to another, made for the job.
 *
 * @param input so many records of a topic
 * @param registry address of the schema registry; null if the values are strings
 * @param to name of the other topic
 */
record TopicCopy(EventsInput input, @Nullable String registry, String to) {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /**
   * The values of a topic, whatever their order.
   *
   * @param values how many
   * @param hash the sum of their hashes
   */
  record Values(long values, String hash) {}

  /** One way to copy. */
  @FunctionalInterface
  interface Way {
    /** Returns when all values have been written. */
    void run(TopicCopy copy) throws Exception;
  }

  /** Copies into a new topic; afterwards its values are looked at, and it is deleted. */
  static Callable<Values> run(EventsInput input, @Nullable String registry, Way way)
      throws Exception {
    TopicCopy copy = new TopicCopy(input, registry, "out-" + UUID.randomUUID());
    try (Admin admin = copy.admin()) {
      NewTopics.make(admin, new NewTopic(copy.to, 1, (short) 1));
    }
    way.run(copy);
    return () -> {
      Values came = copy.values(copy.to);
      try (Admin admin = copy.admin()) {
        admin.deleteTopics(List.of(copy.to)).all().get();
      }
      return came;
    };
  }

  String servers() {
    return input.servers();
  }

  /** What is to be copied. */
  Values sent() {
    return values(input.topic());
  }

  private Admin admin() {
    return Admin.create(Map.of("bootstrap.servers", servers()));
  }

  /** Waits until the other topic has as many records as this one, at least. */
  void await() throws ExecutionException, InterruptedException {
    try (Admin admin = admin()) {
      TopicPartition partition = new TopicPartition(to, 0);
      while (admin
              .listOffsets(Map.of(partition, OffsetSpec.latest()))
              .partitionResult(partition)
              .get()
              .offset()
          < input.records()) {
        TimeUnit.MILLISECONDS.sleep(20);
      }
    }
  }

  private Values values(String topic) {
    TopicPartition partition = new TopicPartition(topic, 0);
    long values = 0;
    long sum = 0;
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", servers(), "max.poll.records", 10_000),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      long end = consumer.endOffsets(List.of(partition), PATIENCE).getOrDefault(partition, 0L);
      while (consumer.position(partition) < end) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(PATIENCE)) {
          values++;
          sum += hash(record.value());
        }
      }
    }
    return new Values(values, "%016x".formatted(sum));
  }

  private static long hash(byte[] value) {
    long hash = value.length;
    for (byte one : value) {
      hash = 0x100000001b3L * (hash ^ one);
    }
    return Collected.mixed(hash);
  }
}

package dev.millrace.it.streams;

import dev.millrace.local.LocalKafka;
import dev.millrace.pipelines.io.NewTopics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jspecify.annotations.Nullable;

/** A real broker, and records into it by Kafka's own clients. */
final class Broker implements AutoCloseable {

  private final LocalKafka kafka;

  private Broker(LocalKafka kafka) {
    this.kafka = kafka;
  }

  static Broker in(Path directory) {
    return new Broker(LocalKafka.start(directory));
  }

  String servers() {
    return kafka.bootstrapServers();
  }

  /** The URI of a topic. */
  String uri(String topic) {
    return "kafka://" + servers() + "/" + topic;
  }

  void makeTopic(String topic, int partitions, String timestampType) throws Exception {
    makeTopic(topic, partitions, timestampType, 8 << 20);
  }

  void makeTopic(String topic, int partitions, String timestampType, int maxBytes)
      throws Exception {
    makeTopic(servers(), topic, partitions, timestampType, maxBytes);
  }

  /** Makes a topic of any broker, by its clock. */
  static void makeTopic(String servers, String topic, int partitions) throws Exception {
    makeTopic(servers, topic, partitions, "LogAppendTime", 8 << 20);
  }

  private static void makeTopic(
      String servers, String topic, int partitions, String timestampType, int maxBytes)
      throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers))) {
      NewTopics.make(
          admin,
          new NewTopic(topic, Optional.of(partitions), Optional.empty())
              .configs(
                  Map.of(
                      "message.timestamp.type",
                      timestampType,
                      "max.message.bytes",
                      Integer.toString(maxBytes))));
    }
  }

  void makeTopic(String topic, int partitions) throws Exception {
    makeTopic(topic, partitions, "LogAppendTime");
  }

  KafkaProducer<String, String> producer(Map<String, Object> more) {
    Map<String, Object> settings = new HashMap<>(more);
    settings.put("bootstrap.servers", servers());
    return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
  }

  /** A value for a partition. */
  record Value(int partition, @Nullable String text) {}

  /** A value, where the broker put it and when. */
  record Written(String source, long offset, long arrival, String text) {}

  /** Writes values in their order, and waits until the broker has them. */
  List<Written> write(String topic, List<Value> values) throws Exception {
    try (KafkaProducer<String, String> producer = producer(Map.of("linger.ms", 5))) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (Value value : values) {
        sent.add(producer.send(new ProducerRecord<>(topic, value.partition(), null, value.text())));
      }
      List<Written> written = new ArrayList<>();
      for (int i = 0; i < values.size(); i++) {
        RecordMetadata metadata = sent.get(i).get(30, TimeUnit.SECONDS);
        String text = values.get(i).text();
        written.add(
            new Written(
                topic + "-" + metadata.partition(),
                metadata.offset(),
                metadata.timestamp(),
                text == null ? "" : text));
      }
      return written;
    }
  }

  /** The values of a topic. */
  List<byte[]> readAll(String topic) {
    return records(topic).stream().map(ConsumerRecord::value).toList();
  }

  /** The records of a topic that are committed. */
  List<ConsumerRecord<byte[], byte[]>> records(String topic) {
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", servers(), "isolation.level", "read_committed"),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(topic).stream()
              .map(partition -> new TopicPartition(topic, partition.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
      while (partitions.stream()
          .anyMatch(partition -> consumer.position(partition) < ends.getOrDefault(partition, 0L))) {
        consumer.poll(Duration.ofMillis(100)).forEach(records::add);
      }
      return records;
    }
  }

  @Override
  public void close() {
    kafka.close();
  }
}

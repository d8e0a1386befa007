package dev.millrace.local;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Records in and out of a topic of one partition, by Kafka's own clients. */
final class Records {

  private Records() {}

  static void makeTopic(String servers, String topic) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers))) {
      admin.createTopics(Set.of(new NewTopic(topic, 1, (short) 1))).all().get(30, TimeUnit.SECONDS);
    }
  }

  /** Writes a record that was made at that time, and waits until the broker has it. */
  static void write(String servers, String topic, String value, Instant time) throws Exception {
    try (KafkaProducer<String, String> producer = producer(servers, Map.of())) {
      producer
          .send(new ProducerRecord<>(topic, null, time.toEpochMilli(), null, value))
          .get(30, TimeUnit.SECONDS);
    }
  }

  static KafkaProducer<String, String> producer(String servers, Map<String, Object> more) {
    Map<String, Object> settings = new HashMap<>(more);
    settings.put("bootstrap.servers", servers);
    settings.put("max.block.ms", 5_000);
    return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
  }

  /** Every committed record of a topic, from its beginning to its present end. */
  static List<String> readAll(String servers, String topic) {
    TopicPartition partition = new TopicPartition(topic, 0);
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", servers, "isolation.level", "read_committed"),
            new StringDeserializer(),
            new StringDeserializer())) {
      consumer.assign(Set.of(partition));
      consumer.seekToBeginning(Set.of(partition));
      long end = requireNonNull(consumer.endOffsets(Set.of(partition)).get(partition));
      List<String> values = new ArrayList<>();
      while (consumer.position(partition) < end) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(1))) {
          values.add(record.value());
        }
      }
      return Collections.unmodifiableList(values);
    }
  }
}

package dev.millrace.pipelines.io;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;

/** Makes topics that take records as soon as they are made. */
public final class NewTopics {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private NewTopics() {}

  /**
   * Makes a topic, and waits until each of its partitions has a leader that knows it.
   *
   * <p>Kafka says that a topic is made when its controller knows of it. For a moment its broker may
   * still refuse records: the first batch of a producer, and then take the second. That first one
   * it refuses from then on, as out of sequence, until the producer gives it up after {@code
   * delivery.timeout.ms}, two minutes. Seen in one of 500 new topics on a busy machine (3.9).
   *
   * @param topic with a number of partitions
   * @throws ExecutionException with the broker's reason
   */
  public static void make(Admin admin, NewTopic topic)
      throws ExecutionException, InterruptedException {
    admin.createTopics(List.of(topic)).all().get();
    Map<TopicPartition, OffsetSpec> ends =
        IntStream.range(0, topic.numPartitions())
            .boxed()
            .collect(
                Collectors.toMap(
                    partition -> new TopicPartition(topic.name(), partition),
                    partition -> OffsetSpec.latest()));
    long begin = System.nanoTime();
    while (true) {
      try {
        admin.listOffsets(ends).all().get();
        return;
      } catch (ExecutionException notYet) {
        if (!(notYet.getCause() instanceof RetriableException)
            || System.nanoTime() - begin > PATIENCE.toNanos()) {
          throw notYet;
        }
        TimeUnit.MILLISECONDS.sleep(20);
      }
    }
  }
}

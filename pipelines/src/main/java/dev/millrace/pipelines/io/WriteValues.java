package dev.millrace.pipelines.io;

import java.util.Set;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.coders.NullableCoder;
import org.apache.beam.sdk.io.kafka.ProducerRecordCoder;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PDone;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Writes elements to a Kafka topic, each as the value of a record without a key; the topic is named
 * by {@code kafka://host:port[,host:port]/topic}.
 *
 * <p><b>Input:</b> anything that bytes can be made of. <b>Output:</b> none.
 * <b>Bounded/unbounded:</b> both. <b>State and timers:</b> none. <b>Reasons:</b> none: what the
 * broker refuses fails the bundle. <b>Guarantee:</b> at least once: a bundle ends when the broker
 * has all of it, and one that failed is sent again. <b>Runners:</b> all.
 *
 * @param <T> type of the elements
 */
public final class WriteValues<T> extends PTransform<PCollection<T>, PDone> {

  private final TopicUri uri;
  private final SerializableFunction<T, byte[]> value;

  private WriteValues(TopicUri uri, SerializableFunction<T, byte[]> value) {
    this.uri = uri;
    this.value = value;
  }

  /**
   * Writes bytes to the topic a URI names.
   *
   * @param option the option that names it: messages begin with it
   * @throws dev.millrace.pipelines.UserError if the URI is wrong
   */
  public static WriteValues<byte[]> to(String option, String uri) {
    return to(option, uri, bytes -> bytes);
  }

  /**
   * Writes what a function makes of elements. It is called in the step that writes, which is
   * cheaper than a step of its own.
   *
   * @param option the option that names the topic: messages begin with it
   * @param value gives the bytes of an element's record
   * @throws dev.millrace.pipelines.UserError if the URI is wrong
   */
  public static <T> WriteValues<T> to(
      String option, String uri, SerializableFunction<T, byte[]> value) {
    return new WriteValues<>(TopicUri.parse(option, uri, Set.of()), value);
  }

  @Override
  public PDone expand(PCollection<T> values) {
    int maxBytes;
    try (Topics topics = Topics.at(uri)) {
      maxBytes = topics.maxMessageBytes();
    }
    values
        .apply("Records", ParDo.of(new ToRecord<>(uri.topic(), value)))
        .setCoder(
            ProducerRecordCoder.of(NullableCoder.of(ByteArrayCoder.of()), ByteArrayCoder.of()))
        .apply("Write", WriteTopic.write(uri, maxBytes));
    return PDone.in(values.getPipeline());
  }

  private static final class ToRecord<T> extends DoFn<T, ProducerRecord<byte[], byte[]>> {
    private final String topic;
    private final SerializableFunction<T, byte[]> value;

    private ToRecord(String topic, SerializableFunction<T, byte[]> value) {
      this.topic = topic;
      this.value = value;
    }

    @ProcessElement
    public void process(@Element T element, OutputReceiver<ProducerRecord<byte[], byte[]>> out) {
      out.output(new ProducerRecord<>(topic, value.apply(element)));
    }
  }
}

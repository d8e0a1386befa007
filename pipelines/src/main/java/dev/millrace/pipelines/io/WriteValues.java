package dev.millrace.pipelines.io;

import java.util.Set;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.io.kafka.ProducerRecordCoder;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PDone;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Writes bytes to a Kafka topic, each as the value of a record without a key; the topic is named by
 * {@code kafka://host:port[,host:port]/topic}.
 *
 * <p><b>Input:</b> values. <b>Output:</b> none. <b>Bounded/unbounded:</b> both. <b>State and
 * timers:</b> none. <b>Reasons:</b> none: what the broker refuses fails the bundle.
 * <b>Guarantee:</b> at least once: a bundle ends when the broker has all of it, and one that failed
 * is sent again. <b>Runners:</b> all.
 */
public final class WriteValues extends PTransform<PCollection<byte[]>, PDone> {

  private final TopicUri uri;

  private WriteValues(TopicUri uri) {
    this.uri = uri;
  }

  /**
   * Writes to the topic a URI names.
   *
   * @param option the option that names it: messages begin with it
   * @throws dev.millrace.pipelines.UserError if the URI is wrong
   */
  public static WriteValues to(String option, String uri) {
    return new WriteValues(TopicUri.parse(option, uri, Set.of()));
  }

  @Override
  public PDone expand(PCollection<byte[]> values) {
    int maxBytes;
    try (Topics topics = Topics.at(uri)) {
      maxBytes = topics.maxMessageBytes();
    }
    values
        .apply("Records", ParDo.of(new ToRecord(uri.topic())))
        .setCoder(ProducerRecordCoder.of(ByteArrayCoder.of(), ByteArrayCoder.of()))
        .apply("Write", WriteTopic.write(uri, maxBytes));
    return PDone.in(values.getPipeline());
  }

  private static final class ToRecord extends DoFn<byte[], ProducerRecord<byte[], byte[]>> {
    private final String topic;

    private ToRecord(String topic) {
      this.topic = topic;
    }

    @ProcessElement
    public void process(@Element byte[] value, OutputReceiver<ProducerRecord<byte[], byte[]>> out) {
      out.output(new ProducerRecord<>(topic, value));
    }
  }
}

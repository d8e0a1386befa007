package dev.millrace.pipelines.io;

import dev.millrace.schemas.system.DeadLetter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.jspecify.annotations.Nullable;

/**
 * The record of a dead letter on a topic. Key: its id, the same when the record is refused again.
 * Value: the refused record's bytes as the store keeps them, encrypted where its contract has
 * private fields. Headers: those of Kafka Connect's dead letter queues ({@code
 * __connect.errors.*}), as far as they have a meaning, in Connect's encoding (UTF-8, numbers in
 * decimal), and {@code millrace.run} and {@code millrace.FIELD} for every other field of the dead
 * letter that is known.
 *
 * <p>The record has no timestamp of its own: with that of the refused record, retention would take
 * away at once what an old archive had refused.
 */
final class ToLetterRecord extends DoFn<DeadLetter, ProducerRecord<byte[], byte[]>> {

  private static final String CONNECT = "__connect.errors.";
  private static final String MILLRACE = "millrace.";

  private final String topic;
  private final int maxBytes;
  private final String run;
  private final Map<String, String> topicOfStage;

  /**
   * @param maxBytes what the topic takes; of a longer record the bytes stay in the store, and
   *     {@code millrace.payload_state} is {@code OMITTED}
   * @param topicOfStage the topic that is refused from, of each stage that reads one
   */
  ToLetterRecord(String topic, int maxBytes, String run, Map<String, String> topicOfStage) {
    this.topic = topic;
    this.maxBytes = maxBytes;
    this.run = run;
    this.topicOfStage = Map.copyOf(topicOfStage);
  }

  @ProcessElement
  public void process(
      @Element DeadLetter letter, OutputReceiver<ProducerRecord<byte[], byte[]>> out) {
    byte[] key = bytes(letter.getId());
    List<Header> headers = new ArrayList<>();
    connect(letter, headers);
    own(letter, headers);
    ByteBuffer payload = letter.getPayload();
    byte[] value = new byte[payload == null ? 0 : payload.remaining()];
    if (payload != null) {
      payload.duplicate().get(value);
    }
    if (size(key, value, headers) > maxBytes) {
      value = new byte[0];
      headers.removeIf(header -> header.key().equals(MILLRACE + "payload_state"));
      add(headers, MILLRACE + "payload_state", "OMITTED");
    }
    out.output(new ProducerRecord<>(topic, null, null, key, value, headers));
  }

  private void connect(DeadLetter letter, List<Header> headers) {
    String from = topicOfStage.get(letter.getStage());
    if (from != null && letter.getSource().startsWith(from + "-")) {
      add(headers, CONNECT + "topic", from);
      add(headers, CONNECT + "partition", letter.getSource().substring(from.length() + 1));
      add(headers, CONNECT + "offset", letter.getPosition());
    }
    add(headers, CONNECT + "connector.name", letter.getPipeline());
    add(headers, CONNECT + "stage", letter.getStage());
    add(headers, CONNECT + "exception.class.name", letter.getExceptionClass());
    add(headers, CONNECT + "exception.message", letter.getDetail());
    add(headers, CONNECT + "exception.stacktrace", letter.getStack());
  }

  private void own(DeadLetter letter, List<Header> headers) {
    for (Schema.Field field : letter.getSchema().getFields()) {
      switch (field.name()) {
        case "payload", "exception_class", "stack" -> {}
        default -> add(headers, MILLRACE + field.name(), letter.get(field.pos()));
      }
    }
    add(headers, MILLRACE + "run", run);
  }

  private static void add(List<Header> headers, String name, @Nullable Object value) {
    if (value != null) {
      headers.add(new RecordHeader(name, bytes(value.toString())));
    }
  }

  /** An upper bound of what it takes alone in a batch, compressed to no avail. */
  private static long size(byte[] key, byte[] value, List<Header> headers) {
    long size = 512L + key.length + value.length;
    for (Header header : headers) {
      size += 10L + header.key().length() + header.value().length;
    }
    return size + size / 1024;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}

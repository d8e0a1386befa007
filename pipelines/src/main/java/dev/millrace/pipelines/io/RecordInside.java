package dev.millrace.pipelines.io;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.io.kafka.ProducerRecordCoder;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.Serializer;

/**
 * Brings headers through Beam's exactly-once sink, which hands on the key and the value of a record
 * alone: {@link Put} makes the whole record its value, and this serializer, which is the last to
 * see it, gives the producer the headers and the value that are inside.
 *
 * <p>Public, because Kafka makes it by its name.
 */
public final class RecordInside implements Serializer<byte[]> {

  static final Coder<ProducerRecord<byte[], byte[]>> CODER =
      ProducerRecordCoder.of(ByteArrayCoder.of(), ByteArrayCoder.of());

  @Override
  public byte[] serialize(String topic, byte[] whole) {
    throw new UnsupportedOperationException("a producer that takes no headers");
  }

  @Override
  public byte[] serialize(String topic, Headers headers, byte[] whole) {
    try {
      ProducerRecord<byte[], byte[]> record = CODER.decode(new ByteArrayInputStream(whole));
      record.headers().forEach(headers::add);
      return record.value();
    } catch (IOException damaged) {
      throw new UncheckedIOException(damaged);
    }
  }

  /** Makes each record the value of one that has its key. */
  static final class Put
      extends DoFn<ProducerRecord<byte[], byte[]>, ProducerRecord<byte[], byte[]>> {
    @ProcessElement
    public void process(
        @Element ProducerRecord<byte[], byte[]> record,
        OutputReceiver<ProducerRecord<byte[], byte[]>> out)
        throws IOException {
      ByteArrayOutputStream whole = new ByteArrayOutputStream();
      CODER.encode(record, whole);
      out.output(new ProducerRecord<>(record.topic(), record.key(), whole.toByteArray()));
    }
  }
}

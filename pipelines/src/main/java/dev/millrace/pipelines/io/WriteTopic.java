package dev.millrace.pipelines.io;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.pipelines.UserError;
import dev.millrace.schemas.system.DeadLetter;
import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.io.kafka.KafkaIO;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PDone;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Writes rows to a Kafka topic as JSON, or dead letters as what was refused; the topic is named by
 * {@code kafka://host:port[,host:port]/topic}, with a parameter after a {@code ?}: {@code
 * delivery=at-least-once} (the default) or {@code delivery=exactly-once}.
 *
 * <p>The key of a record is the row's key, as a JSON object; the value is the row; the header
 * {@code millrace.revision} is its {@link Revision}. A later record of a key replaces an earlier
 * one, so the topic can be compacted, and a reader that keeps the last of each key, or the greatest
 * revision, has the table. A dead letter is written as {@link ToLetterRecord} says.
 *
 * <p><b>Input:</b> records of a contract with a key. <b>Output:</b> none. <b>Bounded/unbounded:</b>
 * both. <b>State and timers:</b> none at least once; exactly once those of Beam's {@code
 * KafkaIO.withEOS}, which shuffles at random, so that panes of one key can overtake one another:
 * then the header decides. <b>Reasons:</b> none. <b>Guarantee:</b> at least once: after a restart a
 * record can stand there again, with the same key, value and revision. Exactly once for readers of
 * committed records; it needs a runner with checkpointed input, and others are refused; each record
 * is a transaction, and a savepoint cannot be resumed with it. <b>Runners:</b> all at least once;
 * Flink exactly once.
 *
 * @param <T> type of the records
 */
public final class WriteTopic<T extends SpecificRecord> extends PTransform<PCollection<T>, PDone> {

  /** Transactions that are written side by side. */
  private static final int SHARDS = 2;

  private static final String EXACTLY_ONCE = "exactly-once";

  /** What a record takes at least, as brokers come. */
  private static final int REQUEST_BYTES = 1 << 20;

  private final TopicUri uri;
  private final Form<T> form;

  private WriteTopic(TopicUri uri, Form<T> form) {
    this.uri = uri;
    this.form = form;
  }

  /** Makes the records of a topic, of which none may be greater than some bytes. */
  private interface Form<T> extends Serializable {
    DoFn<T, ProducerRecord<byte[], byte[]>> of(String topic, int maxBytes);
  }

  /**
   * Writes to the topic a URI names.
   *
   * @param option the option that names it: messages begin with it
   * @throws UserError if the URI is wrong
   */
  public static <T extends SpecificRecord> WriteTopic<T> to(
      String option, String uri, Class<T> type) {
    return new WriteTopic<>(
        parse(option, uri), (topic, maxBytes) -> new ToRecord<>(topic, Contract.of(type)));
  }

  /**
   * Writes dead letters to the topic a URI names.
   *
   * @param run the run that refused them
   * @param topicOfStage the topic each stage refuses records of, if it is one
   * @throws UserError if the URI is wrong
   */
  public static WriteTopic<DeadLetter> deadLetters(
      String option, String uri, String run, Map<String, String> topicOfStage) {
    Map<String, String> topics = Map.copyOf(topicOfStage);
    TopicUri topic = parse(option, uri);
    if (topics.containsValue(topic.topic())) {
      throw new UserError(
          option
              + ": the run reads '"
              + topic.topic()
              + "', and would read what it has refused there again; name another topic.");
    }
    return new WriteTopic<>(
        topic, (name, maxBytes) -> new ToLetterRecord(name, maxBytes, run, topics));
  }

  private static TopicUri parse(String option, String uri) {
    TopicUri topic = TopicUri.parse(option, uri, Set.of("delivery"));
    String delivery = topic.parameters().getOrDefault("delivery", "at-least-once");
    if (!delivery.equals("at-least-once") && !delivery.equals(EXACTLY_ONCE)) {
      throw topic.wrong("delivery", "delivery=at-least-once or delivery=exactly-once");
    }
    return topic;
  }

  /** Checks that the topic is there; a {@link UserError} says what is wrong. */
  public void check() {
    try (Topics topics = Topics.at(uri)) {
      topics.partitions();
    }
  }

  /** Makes the topic, if it is not there; a {@link UserError} says what is wrong. */
  public void prepare() {
    try (Topics topics = Topics.at(uri)) {
      topics.make(1);
    }
  }

  @Override
  public PDone expand(PCollection<T> rows) {
    int maxBytes;
    try (Topics topics = Topics.at(uri)) {
      maxBytes = topics.maxMessageBytes();
    }
    KafkaIO.WriteRecords<byte[], byte[]> write = write(uri, maxBytes);
    boolean exactlyOnce = EXACTLY_ONCE.equals(uri.parameters().get("delivery"));
    if (exactlyOnce) {
      String runner = rows.getPipeline().getOptions().getRunner().getSimpleName();
      if (!runner.contains("Flink")) {
        throw new UserError(
            "%s: 'delivery=exactly-once' needs a runner that gives a step its input again as it was, which %s does not (https://github.com/apache/beam/issues/19131). Use --runner=flink, or delivery=at-least-once: every record has a key, so that it can stand twice and count once."
                .formatted(uri.option(), runner));
      }
      // Of this run alone: Beam refuses to go on where another run has left off.
      write =
          write
              .withValueSerializer(RecordInside.class)
              .withEOS(SHARDS, "millrace-" + uri.topic() + "-" + UUID.randomUUID());
    }
    PCollection<ProducerRecord<byte[], byte[]>> records =
        rows.apply("Records", ParDo.of(form.of(uri.topic(), maxBytes)))
            .setCoder(RecordInside.CODER);
    if (exactlyOnce) {
      records =
          records.apply("Inside", ParDo.of(new RecordInside.Put())).setCoder(RecordInside.CODER);
    }
    records.apply("Write", write);
    return PDone.in(rows.getPipeline());
  }

  /** Sends records, and waits for the broker to have those of a bundle at its end. */
  static KafkaIO.WriteRecords<byte[], byte[]> write(TopicUri uri, int maxBytes) {
    return KafkaIO.<byte[], byte[]>writeRecords()
        .withBootstrapServers(uri.servers())
        .withTopic(uri.topic())
        .withKeySerializer(ByteArraySerializer.class)
        .withValueSerializer(ByteArraySerializer.class)
        .withProducerConfigUpdates(
            Map.of(
                ProducerConfig.ACKS_CONFIG,
                "all",
                ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
                Math.max(REQUEST_BYTES, maxBytes),
                ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
                true,
                ProducerConfig.LINGER_MS_CONFIG,
                5,
                ProducerConfig.COMPRESSION_TYPE_CONFIG,
                "lz4"));
  }

  private static final class ToRecord<T extends SpecificRecord>
      extends DoFn<T, ProducerRecord<byte[], byte[]>> {
    private final String topic;
    private final Contract contract;
    private final List<String> key;

    private ToRecord(String topic, Contract contract) {
      Revision.require(contract);
      this.topic = topic;
      this.contract = contract;
      this.key = contract.key().stream().map(FieldContract::name).toList();
    }

    @ProcessElement
    public void process(@Element T row, OutputReceiver<ProducerRecord<byte[], byte[]>> out)
        throws IOException {
      out.output(
          new ProducerRecord<>(
              topic,
              null,
              null,
              JsonRows.ofFields(row, key),
              JsonRows.ofRecord(row, Map.of()),
              List.of(
                  new RecordHeader(
                      "millrace.revision",
                      Long.toString(Revision.of(contract, row))
                          .getBytes(StandardCharsets.UTF_8)))));
    }
  }
}

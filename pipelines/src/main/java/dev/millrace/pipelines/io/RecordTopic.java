package dev.millrace.pipelines.io;

import dev.millrace.pipelines.UserError;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.RawRecord;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.coders.ListCoder;
import org.apache.beam.sdk.io.Read;
import org.apache.beam.sdk.io.kafka.KafkaIO;
import org.apache.beam.sdk.io.kafka.KafkaRecord;
import org.apache.beam.sdk.io.kafka.TimestampPolicy;
import org.apache.beam.sdk.io.kafka.TimestampPolicyFactory;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Reshuffle;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.values.PBegin;
import org.apache.beam.sdk.values.PCollection;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Deserializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records of a Kafka topic, named by {@code kafka://host:port[,host:port]/topic}, with parameters
 * after a {@code ?}:
 *
 * <ul>
 *   <li>{@code from=earliest} (the default), {@code from=latest} or {@code
 *       from=2026-01-01T00:00:00Z}: where to begin, per partition; a time means the first record
 *       that arrived then or later. {@code latest} is the end when the pipeline is built.
 *   <li>{@code until=end}: read what the topic holds when the pipeline is built, then end.
 *   <li>{@code arrival=log} (the default): a record arrived when the log says. {@code
 *       arrival=record}, with {@code until=end} only: the log does not know, because it was filled
 *       from an archive; the record's own field says, or else it is on time, as in a file.
 *   <li>{@code format=json} (the default); or {@code format=avro} with {@code
 *       registry=host:port/path}: values are Avro in the wire format of Confluent's serializers,
 *       and the registry has their schemas.
 *   <li>{@code reader=blocks} (the default): what has no end is read by a reader of this library,
 *       which hands on an answer of the broker at a time. {@code reader=kafkaio}: by Beam's
 *       KafkaIO, which hands on, and keeps metrics of, each record.
 * </ul>
 *
 * <p><b>Input:</b> none. <b>Output:</b> {@link RawRecord}s: the bytes of the value, of Avro as the
 * JSON that rows of Avro files are, see {@link RecordFiles}; the source is {@code topic-partition},
 * the position is the offset, the arrival is the record's timestamp. A record without a value (a
 * tombstone) has no bytes, and the refining pass refuses it as malformed; so have values that are
 * said to be Avro and cannot be decoded: their bytes go on as they are. Keys and headers are not
 * read. The element's timestamp is arrival − max lateness, so that a record the late gate lets pass
 * only ever moves forwards to its event time; with {@code arrival=record} it is the earliest.
 * <b>Bounded/unbounded:</b> unbounded; bounded with {@code until=end}.
 *
 * <p><b>Watermark:</b> of a partition, its last arrival − max lateness. It is perfect on a topic of
 * {@code LogAppendTime}; on one of {@code CreateTime} timestamps are the producers' claims, of
 * which a log warns. A partition that has been read to its end follows the wall clock: its
 * watermark is at most {@value #IDLE_SECONDS} s older than now − max lateness, which is {@value
 * #SKEW_SECONDS} s by which the clocks of broker and reader may differ and 2 s between two looks at
 * the end of the partition. One that waits for the end of a transaction has not been read to its
 * end: its watermark stays until then. (KafkaIO does not count a partition as read to its end after
 * a transaction, whose end takes an offset that no record has, until its next record.)
 *
 * <p><b>State and timers:</b> none; the offsets are part of the runner's checkpoint, and none are
 * committed to Kafka. <b>Reasons:</b> none. A registry that does not answer fails the run.
 * <b>Guarantee:</b> committed records, each once per checkpoint. The order within a partition is
 * kept up to the first shuffle. An offset that the topic no longer holds fails the run, rather than
 * that records are skipped. Partitions made after the start are read by the next run that begins
 * anew; one that goes on from a savepoint reads what that has, and fails if its own URI, the number
 * of partitions or the max lateness is another (not with {@code reader=kafkaio}, which cannot
 * tell). <b>Runners:</b> all; unbounded, as an {@code UnboundedSource}. Bounded, a reader of this
 * library reads, too: KafkaIO can stop at a number of records, which it then counts over all
 * partitions, at a time, which is not an offset, or at the offsets of descriptors, whose collection
 * is unbounded all the same.
 */
public final class RecordTopic extends PTransform<PBegin, PCollection<RawRecord>> {

  private static final Logger LOG = LoggerFactory.getLogger(RecordTopic.class);

  /** By how much, in seconds, the clocks of broker and reader may differ. */
  static final int SKEW_SECONDS = 2;

  /** By how much, in seconds, the watermark of an idle partition lags at most. */
  static final int IDLE_SECONDS = 4;

  /** Records of one slice: few enough to fit into memory, with what follows them in the graph. */
  private static final long SLICE = 10_000;

  /** Slices, at most: they stand in the graph. */
  private static final long SLICES = 4096;

  /** Workers that read at the same time, at most. */
  private static final int READERS = 4;

  private static final Set<String> PARAMETERS =
      TopicFormat.with("from", "until", "arrival", "reader");

  private final TopicUri uri;
  private final String written;
  private final Duration maxLateness;
  private final OffsetSpec from;
  private final boolean bounded;
  private final boolean arrivalIsKnown;
  private final boolean byKafkaIo;
  private final TopicFormat format;

  /** Where the reading of what has no end begins, from when it is part of a pipeline. */
  private transient @Nullable Map<Integer, Long> begun;

  private RecordTopic(TopicUri uri, String written, Duration maxLateness) {
    this.uri = uri;
    this.written = written;
    this.maxLateness = maxLateness;
    this.from = from(uri);
    this.bounded = oneOf(uri, "until", "", "end").equals("end");
    this.format = TopicFormat.of(uri);
    this.arrivalIsKnown = oneOf(uri, "arrival", "log", "record").equals("log");
    this.byKafkaIo = oneOf(uri, "reader", "blocks", "kafkaio").equals("kafkaio");
    if (!arrivalIsKnown && !bounded) {
      throw new UserError(
          uri.option()
              + ": 'arrival=record' needs 'until=end': what is read without an end is on time or late by the log's clock.");
    }
  }

  /**
   * Reads the topic a URI names.
   *
   * @param option the option that names it, such as {@code --sales}: messages begin with it
   * @param uri as above
   * @param maxLateness what the late gate allows
   * @throws UserError if the URI is wrong
   */
  public static RecordTopic read(String option, String uri, Duration maxLateness) {
    if (maxLateness.isNegative()) {
      throw new IllegalArgumentException("a bound on lateness cannot be negative");
    }
    return new RecordTopic(TopicUri.parse(option, uri, PARAMETERS), uri, maxLateness);
  }

  /** Whether a URI means a topic. */
  static boolean isMeantBy(String uri) {
    return TopicUri.isMeantBy(uri);
  }

  private static OffsetSpec from(TopicUri uri) {
    String from = uri.parameters().getOrDefault("from", "earliest");
    try {
      return switch (from) {
        case "earliest" -> OffsetSpec.earliest();
        case "latest" -> OffsetSpec.latest();
        default -> OffsetSpec.forTimestamp(Instant.parse(from).toEpochMilli());
      };
    } catch (DateTimeException | ArithmeticException noInstant) {
      throw uri.wrong(
          "from", "from=earliest, from=latest or a time like from=2026-01-01T00:00:00Z");
    }
  }

  private static String oneOf(TopicUri uri, String parameter, String usual, String other) {
    String value = uri.parameters().get(parameter);
    if (value == null) {
      return usual;
    }
    if (value.isEmpty() || !(value.equals(usual) || value.equals(other))) {
      throw uri.wrong(
          parameter,
          (usual.isEmpty() ? "" : parameter + "=" + usual + " or ") + parameter + "=" + other);
    }
    return value;
  }

  /** What names the topic. */
  public String uri() {
    return written;
  }

  /** Name of the topic. */
  String topic() {
    return uri.topic();
  }

  /**
   * How far the topic reaches, while it is read, if it has no end. If it is no part of a pipeline
   * here, but of one elsewhere, that began where the URI says; of {@code from=latest} that is now.
   */
  TopicEnds ends() {
    if (bounded) {
      throw new IllegalStateException("the topic has an end");
    }
    Map<Integer, Long> starts = begun;
    if (starts == null) {
      try (Topics topics = Topics.at(uri)) {
        starts = starts(topics, topics.partitions());
      }
    }
    return new TopicEnds(uri, starts);
  }

  /** Whether the reading ends. */
  public boolean isBounded() {
    return bounded;
  }

  /**
   * Checks that the topic is there and, if the reading is to end, holds something; a {@link
   * UserError} says what is wrong.
   *
   * @return how many partitions there are
   */
  public long check() {
    format.check();
    try (Topics topics = Topics.at(uri)) {
      List<TopicPartition> partitions = topics.partitions();
      if (arrivalIsKnown && !topics.hasLogAppendTime()) {
        LOG.warn(
            "{}: the topic {} has timestamps of its producers (CreateTime): what is late is as they"
                + " say. Let the broker say: message.timestamp.type=LogAppendTime.",
            uri.option(),
            uri.topic());
      }
      if (bounded && slices(topics, partitions).isEmpty()) {
        throw new UserError(
            uri.option()
                + ": '"
                + written
                + "' names no record; "
                + (uri.parameters().containsKey("from")
                    ? "begin earlier, or wait until there are some."
                    : "the topic is empty."));
      }
      return partitions.size();
    }
  }

  /** Whether the records of a partition come in the order of their arrivals. */
  boolean arrivesInOrder() {
    try (Topics topics = Topics.at(uri)) {
      return arrivalIsKnown && topics.hasLogAppendTime();
    }
  }

  /** The sources of the records: one for each partition. */
  public Set<String> sources() {
    try (Topics topics = Topics.at(uri)) {
      return topics.partitions().stream()
          .map(TopicPartition::toString)
          .collect(Collectors.toUnmodifiableSet());
    }
  }

  /**
   * The partitions that are read from their first record: retention has removed none.
   *
   * @throws UserError if the topic is not read as far back as it goes, or a partition has lost all
   *     of its records
   */
  Set<String> whole() {
    if (!uri.parameters().getOrDefault("from", "earliest").equals("earliest")) {
      throw new UserError(
          uri.option()
              + ": a backfill would delete what it does not read; leave out 'from="
              + uri.parameters().get("from")
              + "'.");
    }
    try (Topics topics = Topics.at(uri)) {
      List<TopicPartition> partitions = topics.partitions();
      Map<Integer, Long> starts = topics.offsets(partitions, OffsetSpec.earliest());
      Map<Integer, Long> ends = topics.offsets(partitions, OffsetSpec.latest());
      for (TopicPartition partition : partitions) {
        long start = starts.getOrDefault(partition.partition(), 0L);
        if (start > 0 && start >= ends.getOrDefault(partition.partition(), 0L)) {
          throw new UserError(
              uri.option()
                  + ": "
                  + partition
                  + " has lost all of its records, so nothing says how far back the topic reaches;"
                  + " give the archive of the windows to fill.");
        }
      }
      return partitions.stream()
          .filter(partition -> starts.getOrDefault(partition.partition(), 0L) == 0)
          .map(TopicPartition::toString)
          .collect(Collectors.toUnmodifiableSet());
    }
  }

  @Override
  public PCollection<RawRecord> expand(PBegin begin) {
    try (Topics topics = Topics.at(uri)) {
      List<TopicPartition> partitions = topics.partitions();
      PCollection<RawRecord> records;
      if (bounded) {
        records = readToTheEnd(begin, slices(topics, partitions));
      } else {
        begun = starts(topics, partitions);
        records = readOn(begin, partitions, begun);
      }
      return records.setCoder(RawRecord.coder());
    }
  }

  /** The same steps over a topic that nobody is asked about. */
  PCollection<RawRecord> outline(PBegin begin) {
    PCollection<RawRecord> records =
        bounded
            ? readToTheEnd(begin, List.of(new TopicSlice(0, 0, 0)))
            : readOn(begin, List.of(new TopicPartition(uri.topic(), 0)), Map.of(0, 0L));
    return records.setCoder(RawRecord.coder());
  }

  /** The offset to begin at, of each partition. */
  private Map<Integer, Long> starts(Topics topics, List<TopicPartition> partitions) {
    Map<Integer, Long> starts = topics.offsets(partitions, from);
    if (starts.containsValue(-1L)) {
      // Nothing has arrived since that time yet.
      Map<Integer, Long> ends = topics.offsets(partitions, OffsetSpec.latest());
      starts.replaceAll((partition, start) -> start < 0 ? ends.getOrDefault(partition, 0L) : start);
    }
    return starts;
  }

  // ------------------------------------------------------------------------------------ bounded

  private List<TopicSlice> slices(Topics topics, List<TopicPartition> partitions) {
    Map<Integer, Long> ends = topics.offsets(partitions, OffsetSpec.latest());
    Map<Integer, Long> starts = starts(topics, partitions);
    long total = 0;
    for (Map.Entry<Integer, Long> end : ends.entrySet()) {
      total += end.getValue() - starts.getOrDefault(end.getKey(), 0L);
    }
    long size = Math.max(SLICE, total / SLICES);
    List<TopicSlice> slices = new ArrayList<>();
    ends.forEach(
        (partition, end) -> {
          for (long at = starts.getOrDefault(partition, 0L); at < end; at += size) {
            slices.add(new TopicSlice(partition, at, Math.min(end, at + size)));
          }
        });
    return slices;
  }

  private PCollection<RawRecord> readToTheEnd(PBegin begin, List<TopicSlice> slices) {
    // A worker keeps to few partitions, and reads each in order: Kafka then sends nothing in vain.
    List<List<TopicSlice>> shares = new ArrayList<>();
    int share = (slices.size() + READERS - 1) / READERS;
    for (int i = 0; i < slices.size(); i += share) {
      shares.add(slices.subList(i, Math.min(slices.size(), i + share)));
    }
    return begin
        .apply("Slices", Create.of(shares).withCoder(ListCoder.of(TopicSlice.coder())))
        .apply("Spread", Reshuffle.viaRandomKey())
        .apply(
            "Read",
            ParDo.of(
                new ReadTopicSlice(
                    uri.servers(), uri.topic(), format, arrivalIsKnown ? maxLateness : null)));
  }

  // ---------------------------------------------------------------------------------- unbounded

  private PCollection<RawRecord> readOn(
      PBegin begin, List<TopicPartition> partitions, Map<Integer, Long> starts) {
    if (!byKafkaIo) {
      TopicBlocks blocks = new TopicBlocks(uri.servers(), uri.topic(), starts, maxLateness);
      blocks.tell(begin.getPipeline().getOptions());
      return begin
          .apply("Topic", Read.from(blocks))
          .apply("Raw", ParDo.of(new Unblock(uri.topic(), format, maxLateness)));
    }
    return begin
        .apply(
            "Topic",
            KafkaIO.<byte[], byte[]>read()
                .withBootstrapServers(uri.servers())
                .withTopicPartitions(partitions)
                .withKeyDeserializerAndCoder(NoKey.class, ByteArrayCoder.of())
                .withValueDeserializerAndCoder(Payload.class, ByteArrayCoder.of())
                .withConsumerConfigUpdates(new HashMap<>(TopicConsumer.SETTINGS))
                .withConsumerFactoryFn(new Consumers(starts))
                .withTimestampPolicyFactory(new Policies(maxLateness)))
        .apply("Raw", ParDo.of(new ToRaw(format)));
  }

  /** The records of blocks. */
  static final class Unblock extends DoFn<TopicBlock, RawRecord> {
    private final String topic;
    private final TopicFormat format;
    private final Duration maxLateness;
    private transient TopicFormat.@Nullable TopicValues values;

    Unblock(String topic, TopicFormat format, Duration maxLateness) {
      this.topic = topic;
      this.format = format;
      this.maxLateness = maxLateness;
    }

    @Setup
    public void open() {
      values = format.values();
    }

    @ProcessElement
    public void process(@Element TopicBlock block, OutputReceiver<RawRecord> out) {
      TopicFormat.TopicValues json = Objects.requireNonNull(values);
      String source = topic + "-" + block.partition();
      long lateness = maxLateness.toMillis();
      for (int i = 0; i < block.size(); i++) {
        long arrival = block.arrivals()[i];
        out.outputWithTimestamp(
            new RawRecord(
                json.json(block.values()[i]), new Origin(source, block.offsets()[i], arrival)),
            org.joda.time.Instant.ofEpochMilli(arrival - lateness));
      }
    }
  }

  // A savepoint holds the source as it is, by Java serialization: with these, which therefore have
  // names and versions, as a lambda has none that stays.

  private static final class Consumers
      implements SerializableFunction<Map<String, Object>, Consumer<byte[], byte[]>> {
    private static final long serialVersionUID = 1L;

    private final HashMap<Integer, Long> starts;

    private Consumers(Map<Integer, Long> starts) {
      this.starts = new HashMap<>(starts);
    }

    @Override
    public Consumer<byte[], byte[]> apply(Map<String, Object> settings) {
      return new TopicConsumer(settings, starts);
    }
  }

  private static final class Policies implements TimestampPolicyFactory<byte[], byte[]> {
    private static final long serialVersionUID = 1L;

    private final Duration maxLateness;

    private Policies(Duration maxLateness) {
      this.maxLateness = maxLateness;
    }

    @Override
    public TimestampPolicy<byte[], byte[]> createTimestampPolicy(
        TopicPartition partition, Optional<org.joda.time.Instant> before) {
      return new ArrivalPolicy(maxLateness, before);
    }
  }

  /** Keys are not read. For KafkaIO, which makes it by name. */
  public static final class NoKey implements Deserializer<byte[]> {
    @Override
    public byte[] deserialize(String topic, byte @Nullable [] key) {
      return ArrivalPolicy.NOTHING;
    }
  }

  /** Values, of which a tombstone is nothing. For KafkaIO, which makes it by name. */
  public static final class Payload implements Deserializer<byte[]> {
    @Override
    public byte[] deserialize(String topic, byte @Nullable [] value) {
      return value == null ? ArrivalPolicy.NOTHING : value;
    }
  }

  static final class ToRaw extends DoFn<KafkaRecord<byte[], byte[]>, RawRecord> {
    private final TopicFormat format;
    private transient TopicFormat.@Nullable TopicValues values;

    ToRaw(TopicFormat format) {
      this.format = format;
    }

    @Setup
    public void open() {
      values = format.values();
    }

    @ProcessElement
    public void process(
        @Element KafkaRecord<byte[], byte[]> record, OutputReceiver<RawRecord> out) {
      out.output(
          ArrivalPolicy.raw(
              record.getTopic(),
              record.getPartition(),
              record.getOffset(),
              record.getTimestamp(),
              Objects.requireNonNull(values).json(record.getKV().getValue())));
    }
  }
}

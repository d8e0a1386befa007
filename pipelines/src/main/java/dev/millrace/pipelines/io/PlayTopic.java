package dev.millrace.pipelines.io;

import dev.millrace.contract.Contract;
import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the lines of files into a Kafka topic, {@code
 * kafka://host:port[,host:port]/topic[?partitions=N]}, one record for each, in their order. The
 * topic is made if it is not there: with N partitions (3 if not said), timestamps of the broker
 * ({@code LogAppendTime}) and room for every record that a pipeline would read.
 *
 * <p>Records have no key; they go to the partitions in turn, beginning with one that the seed
 * decides, so that the same lines and seed fill equal partitions. Each is written once, and has
 * been taken by all replicas when {@link #play} returns.
 */
public final class PlayTopic {

  private static final Logger LOG = LoggerFactory.getLogger(PlayTopic.class);

  private static final int PARTITIONS = 3;
  private static final int MAX_BYTES = Topics.RECORD_BYTES;
  private static final long NANOS = TimeUnit.SECONDS.toNanos(1);

  private final TopicUri uri;
  private final Contract contract;
  private final TopicFormat format;
  private final long rate;
  private final long seed;

  private final UnaryOperator<byte[]> lines;
  private final @Nullable Idle idle;

  /** A partition that gets none of so many records at the beginning. */
  private record Idle(int partition, long records) {}

  private PlayTopic(
      TopicUri uri,
      Contract contract,
      TopicFormat format,
      long rate,
      long seed,
      UnaryOperator<byte[]> lines,
      @Nullable Idle idle) {
    this.uri = uri;
    this.contract = contract;
    this.format = format;
    this.rate = rate;
    this.seed = seed;
    this.lines = lines;
    this.idle = idle;
  }

  /**
   * Writes to the topic a URI names.
   *
   * @param option the option that names it, such as {@code --out}: messages begin with it
   * @param uri as above
   * @param contract of the records; for {@code format=avro&registry=host:port/path} its versions
   *     are registered under the subject {@code topic-value}, and the lines that are records of it
   *     become Avro in the wire format of Confluent's serializers
   */
  public static PlayTopic to(String option, String uri, Contract contract) {
    TopicUri parsed = TopicUri.parse(option, uri, TopicFormat.with("partitions"));
    partitions(parsed);
    return new PlayTopic(
        parsed, contract, TopicFormat.of(parsed), 0, 0, UnaryOperator.identity(), null);
  }

  /** Whether a URI means a topic. */
  public static boolean isMeantBy(String uri) {
    return TopicUri.isMeantBy(uri);
  }

  /** The same at so many records a second; 0 is as fast as it goes. */
  public PlayTopic withRate(long perSecond) {
    if (perSecond < 0) {
      throw new UserError("--rate is " + perSecond + "; give records a second, or 0 for no bound.");
    }
    return new PlayTopic(uri, contract, format, perSecond, seed, lines, idle);
  }

  /** The same with another seed. */
  public PlayTopic withSeed(long other) {
    return new PlayTopic(uri, contract, format, rate, other, lines, idle);
  }

  /** The same, writing what is made of each line when it is its turn. */
  public PlayTopic withLines(UnaryOperator<byte[]> made) {
    return new PlayTopic(uri, contract, format, rate, seed, made, idle);
  }

  /** The same, with a partition that gets none of the first so many records. */
  public PlayTopic withIdle(int partition, long records) {
    if (partition < 0) {
      throw new UserError("--idle-partition is " + partition + "; partitions count from 0.");
    }
    return new PlayTopic(uri, contract, format, rate, seed, lines, new Idle(partition, records));
  }

  /** The topic as a source. */
  public String source() {
    return "kafka://" + uri.servers() + "/" + uri.topic();
  }

  /** What follows the {@code ?} of the source, with more parameters. */
  public String sourceParameters(String more) {
    return Stream.of(format.parameters(), more)
        .filter(part -> !part.isEmpty())
        .collect(Collectors.joining("&"));
  }

  /**
   * What was done.
   *
   * @param records how many were written
   * @param before how many offsets the topic had before
   * @param partitions how many there are
   */
  public record Played(long records, long before, int partitions) {}

  /**
   * Makes the topic ready, and its schemas, so that what is wrong with it is found before there is
   * work.
   */
  public Played prepare() {
    format.check();
    try (Topics topics = Topics.at(uri)) {
      Played before = prepare(topics);
      wire();
      return before;
    }
  }

  private Played prepare(Topics topics) {
    int wanted = partitions(uri);
    topics.make(wanted > 0 ? wanted : PARTITIONS);
    List<TopicPartition> partitions = topics.partitions();
    if (wanted > 0 && wanted != partitions.size()) {
      throw new UserError(
          "%s: the topic '%s' has %d partitions, not %d; leave 'partitions' out, or name another topic."
              .formatted(uri.option(), uri.topic(), partitions.size(), wanted));
    }
    if (idle != null && (partitions.size() < 2 || idle.partition() >= partitions.size())) {
      throw new UserError(
          "--idle-partition is %d, and the topic '%s' has %s; name one of them, of two at least."
              .formatted(
                  idle.partition(),
                  uri.topic(),
                  partitions.size() == 1
                      ? "partition 0 only"
                      : "the partitions 0 to " + (partitions.size() - 1)));
    }
    if (!topics.hasLogAppendTime()) {
      LOG.warn(
          "{}: the topic {} has timestamps of its producers (CreateTime), not of the broker.",
          uri.option(),
          uri.topic());
    }
    long ends = sum(topics.offsets(partitions, OffsetSpec.latest()));
    long starts = sum(topics.offsets(partitions, OffsetSpec.earliest()));
    return new Played(0, ends - starts, partitions.size());
  }

  private static long sum(Map<Integer, Long> offsets) {
    return offsets.values().stream().mapToLong(Long::longValue).sum();
  }

  /** How many partitions the URI asks for; 0 if it does not say. */
  private static int partitions(TopicUri uri) {
    String partitions = uri.parameters().get("partitions");
    if (partitions == null) {
      return 0;
    }
    if (!partitions.matches("[1-9]\\d{0,3}")) {
      throw uri.wrong("partitions", "a number from 1 to 9999, as in partitions=3");
    }
    return Integer.parseInt(partitions);
  }

  /**
   * Writes the lines of these files, one file after the other; blank lines are left out, as a
   * reader of the files would.
   *
   * @param progress is told now and then how many were written
   */
  public Played play(List<Path> files, LongConsumer progress) throws IOException {
    try (Topics topics = Topics.at(uri);
        KafkaProducer<byte[], byte[]> producer = producer()) {
      Played before = prepare(topics);
      Sending sending = new Sending(topics, producer, before.partitions(), wire(), progress);
      for (Path file : files) {
        try (InputStream in = Files.newInputStream(file)) {
          Lines lines = new Lines(in, 0, MAX_BYTES / 2);
          for (byte[] line = lines.next(); line != null; line = lines.next()) {
            if (!ReadSlice.isBlank(line)) {
              sending.send(line);
            }
          }
        }
      }
      sending.end();
      return new Played(sending.sent, before.before(), before.partitions());
    } catch (KafkaException failed) {
      throw new UserError(
          uri.option()
              + ": Kafka at "
              + uri.servers()
              + " took no more records ("
              + failed.getMessage()
              + "); what was written before is in the topic '"
              + uri.topic()
              + "'.",
          failed);
    }
  }

  /** What turns lines into values, once the schemas are registered; null for JSON. */
  private @Nullable WireLines wire() {
    SchemaRegistry registry = format.schemas();
    return registry == null
        ? null
        : new WireLines(contract, schema -> registry.register(uri.topic() + "-value", schema));
  }

  private KafkaProducer<byte[], byte[]> producer() {
    return new KafkaProducer<>(
        Map.of(
            ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
            uri.servers(),
            ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
            true,
            ProducerConfig.ACKS_CONFIG,
            "all",
            ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
            MAX_BYTES,
            ProducerConfig.BATCH_SIZE_CONFIG,
            1 << 17,
            ProducerConfig.LINGER_MS_CONFIG,
            20,
            ProducerConfig.MAX_BLOCK_MS_CONFIG,
            60_000,
            ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
            60_000),
        new ByteArraySerializer(),
        new ByteArraySerializer());
  }

  private final class Sending {
    private final Topics topics;
    private final KafkaProducer<byte[], byte[]> producer;
    private final int partitions;
    private final @Nullable WireLines wire;
    private final LongConsumer progress;
    private final AtomicReference<Exception> failure = new AtomicReference<>();
    private final long begin = System.nanoTime();
    private long told = begin;
    private long sent;

    Sending(
        Topics topics,
        KafkaProducer<byte[], byte[]> producer,
        int partitions,
        @Nullable WireLines wire,
        LongConsumer progress) {
      this.topics = topics;
      this.producer = producer;
      this.partitions = partitions;
      this.wire = wire;
      this.progress = progress;
    }

    void send(byte[] line) throws IOException {
      if (rate > 0) {
        awaitTurn();
      }
      byte[] made = lines.apply(line);
      byte[] value = wire == null ? made : wire.value(made);
      int partition = partition();
      // What becomes of it is told to the callback.
      Future<?> unused =
          producer.send(
              new ProducerRecord<>(uri.topic(), partition, null, value),
              (metadata, failed) -> {
                if (failed != null) {
                  failure.compareAndSet(null, failed);
                }
              });
      sent++;
      failIfFailed();
      long now = System.nanoTime();
      if (now - told > NANOS / 2) {
        told = now;
        progress.accept(sent);
      }
    }

    private int partition() {
      if (idle == null || sent >= idle.records()) {
        return (int) Math.floorMod(seed + sent, (long) partitions);
      }
      int other = (int) Math.floorMod(seed + sent, (long) partitions - 1);
      return other < idle.partition() ? other : other + 1;
    }

    private void awaitTurn() {
      long due = begin + sent / rate * NANOS + sent % rate * NANOS / rate;
      for (long wait = due - System.nanoTime(); wait > 0; wait = due - System.nanoTime()) {
        LockSupport.parkNanos(wait);
        if (Thread.currentThread().isInterrupted()) {
          throw new IllegalStateException("interrupted while playing into a topic");
        }
      }
    }

    void end() {
      producer.flush();
      failIfFailed();
      progress.accept(sent);
    }

    private void failIfFailed() {
      Exception failed = failure.get();
      if (failed != null) {
        throw topics.translated(failed);
      }
    }
  }
}

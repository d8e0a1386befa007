package dev.millrace.benchmarks;

import dev.millrace.contract.Contract;
import dev.millrace.pipelines.generate.ClickstreamGenerator;
import dev.millrace.pipelines.io.NewTopics;
import dev.millrace.pipelines.io.WireRecords;
import dev.millrace.schemas.web.ShopEvent;
import dev.millrace.transforms.refine.ContractReader;
import dev.millrace.transforms.refine.Limits;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Future;
import java.util.function.LongUnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Events of {@code generate clickstream}, with all their faults, but closer together: the generator
 * lets two arrive in a second, and here it is ten in a millisecond, which is what a stream that is
 * worth measuring looks like. How long after its event a record arrives stays what it was, and so
 * does what becomes of it.
 */
final class ShopEvents {

  private static final long GENERATED_MILLIS = 500;
  private static final long PER_MILLI = 10;
  private static final Pattern TIME =
      Pattern.compile("\"(event_time|arrived_at)\"\\s*:\\s*(\"[^\"]*\"|\\d+)");

  private static final Pattern SESSION =
      Pattern.compile("\"session_id\"\\s*:\\s*\"[^\"\\\\]{1,40}\"");

  private ShopEvents() {}

  /**
   * Two files.
   *
   * @param few a file that the other begins with
   * @param further how many more the other has
   */
  record Files(Path few, Path many, long further) {
    EventsSide.Input input() {
      return new EventsSide.Input(few.toString(), many.toString(), further);
    }
  }

  /** Writes a file of so many events, and one of their first quarter. */
  static Files write(Path directory, long events) throws IOException {
    Path generated = directory.resolve("generated");
    ClickstreamGenerator.with(ClickstreamGenerator.Config.of(events, 7).withFiles(1))
        .writeTo(generated);
    Path few = directory.resolve("few.jsonl");
    Path many = directory.resolve("many.jsonl");
    long written = 0;
    // One character for each byte: some lines are no UTF-8, and are to stay what they are.
    try (BufferedReader lines =
            java.nio.file.Files.newBufferedReader(
                generated.resolve("clickstream-00000.jsonl"), StandardCharsets.ISO_8859_1);
        BufferedWriter first =
            java.nio.file.Files.newBufferedWriter(few, StandardCharsets.ISO_8859_1);
        BufferedWriter all =
            java.nio.file.Files.newBufferedWriter(many, StandardCharsets.ISO_8859_1)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.contains("\"arrived_at\"")) {
          // Without an arrival no time is late. A job that leaves late events to the watermark
          // keeps or drops it by chance.
          continue;
        }
        String closer = closer(line);
        all.write(closer);
        all.write('\n');
        if (written < events / 4) {
          first.write(closer);
          first.write('\n');
        }
        written++;
      }
    }
    Temporary.delete(generated);
    return new Files(few, many, written - events / 4);
  }

  /**
   * The same events, of so many sessions. An event without a session of a usual form keeps what it
   * has.
   *
   * @param keys how many sessions there are
   * @param hotShare of the events that are of one of them, beside its part of the rest
   */
  static Files withSessions(Files files, Path directory, int keys, double hotShare)
      throws IOException {
    java.nio.file.Files.createDirectories(directory);
    Path few = directory.resolve("few.jsonl");
    Path many = directory.resolve("many.jsonl");
    withSessions(files.few(), few, keys, hotShare);
    withSessions(files.many(), many, keys, hotShare);
    return new Files(few, many, files.further());
  }

  private static void withSessions(Path from, Path to, int keys, double hotShare)
      throws IOException {
    // The one file begins with the other, and so do the numbers.
    SplittableRandom random = new SplittableRandom(7);
    try (BufferedReader lines =
            java.nio.file.Files.newBufferedReader(from, StandardCharsets.ISO_8859_1);
        BufferedWriter out =
            java.nio.file.Files.newBufferedWriter(to, StandardCharsets.ISO_8859_1)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        int key = random.nextDouble() < hotShare ? 0 : random.nextInt(keys);
        out.write(withSession(line, key));
        out.write('\n');
      }
    }
  }

  static String withSession(String line, int key) {
    return SESSION.matcher(line).replaceFirst(String.format("\"session_id\":\"S%010d\"", key));
  }

  /** A directory that has a file so many times, and takes no more room. */
  static Path copies(Path file, Path directory, int copies) throws IOException {
    java.nio.file.Files.createDirectories(directory);
    for (int copy = 0; copy < copies; copy++) {
      java.nio.file.Files.createLink(
          directory.resolve(String.format("events-%05d.jsonl", copy)), file);
    }
    return directory;
  }

  /**
   * Fills two topics with the good events of the files: as they are, or as Avro.
   *
   * @param registry address of the registry that gets the schema; null for the lines themselves
   */
  static EventsSide.Input sendGood(Files files, String servers, @Nullable String registry)
      throws Exception {
    String name = registry == null ? "strings" : "avro";
    WireRecords<ShopEvent> wire =
        registry == null
            ? null
            : WireRecords.of("--registry", registry, name + "-value", ShopEvent.class);
    ContractReader<ShopEvent> reader =
        new ContractReader<>(Contract.of(ShopEvent.class), ShopEvent::new, Limits.DEFAULT);
    long[] sent = new long[2];
    String[] topics = new String[2];
    try (Sending sending = new Sending(servers)) {
      for (int i = 0; i < 2; i++) {
        String topic = (i == 0 ? "few-" : "many-") + name;
        topics[i] =
            sending.send(
                i == 0 ? files.few() : files.many(),
                topic,
                line -> {
                  byte[] bytes = line.getBytes(StandardCharsets.ISO_8859_1);
                  ShopEvent event = reader.read(bytes);
                  return event == null || wire == null
                      ? event == null ? null : bytes
                      : wire.write(event);
                });
        sent[i] = Long.parseLong(topics[i].substring(0, topics[i].indexOf('@')));
      }
    }
    return new EventsSide.Input(topics[0], topics[1], sent[1] - sent[0]);
  }

  /** Fills two topics with the events of the files, as if each had happened when it is sent. */
  static EventsSide.Input send(Files files, String servers) throws Exception {
    Value now =
        line ->
            moved(line, (arrival) -> System.currentTimeMillis())
                .getBytes(StandardCharsets.ISO_8859_1);
    try (Sending sending = new Sending(servers)) {
      return new EventsSide.Input(
          sending.send(files.few(), "few", now),
          sending.send(files.many(), "many", now),
          files.further());
    }
  }

  /** What is sent of a line, whose characters are bytes; null if it is left out. */
  @FunctionalInterface
  private interface Value {
    byte @Nullable [] of(String line) throws IOException;
  }

  /** Fills topics. */
  private static final class Sending implements AutoCloseable {
    private final String servers;
    private final Admin admin;
    private final KafkaProducer<byte[], byte[]> producer;

    private Sending(String servers) {
      this.servers = servers;
      this.admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, servers));
      this.producer =
          new KafkaProducer<>(
              Map.of(
                  ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                  servers,
                  ProducerConfig.LINGER_MS_CONFIG,
                  5,
                  ProducerConfig.BATCH_SIZE_CONFIG,
                  1 << 17,
                  ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
                  1 << 22,
                  ProducerConfig.COMPRESSION_TYPE_CONFIG,
                  "lz4"),
              new ByteArraySerializer(),
              new ByteArraySerializer());
    }

    /** Makes and fills a topic; the answer is what {@code EventsInput} takes. */
    private String send(Path file, String topic, Value value) throws Exception {
      NewTopics.make(
          admin,
          new NewTopic(topic, 1, (short) 1)
              .configs(
                  Map.of(
                      TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG,
                      "LogAppendTime",
                      TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
                      "4194304")));
      long sent = 0;
      Future<RecordMetadata> last = null;
      try (BufferedReader lines =
          java.nio.file.Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          byte[] bytes = value.of(line);
          if (bytes != null) {
            last = producer.send(new ProducerRecord<>(topic, bytes));
            sent++;
          }
        }
      }
      producer.flush();
      if (last == null || last.get().offset() != sent - 1) {
        throw new IllegalStateException(
            sent + " events were sent to " + topic + ", not all arrived");
      }
      return sent + "@kafka://" + servers + "/" + topic;
    }

    @Override
    public void close() {
      producer.close();
      admin.close();
    }
  }

  /** The same event at its place in a faster stream. */
  static String closer(String line) {
    return moved(line, arrival -> arrival / (GENERATED_MILLIS * PER_MILLI));
  }

  /** The same event, arrived at another time, and happened as long before that as it did. */
  private static String moved(String line, LongUnaryOperator arrives) {
    long arrival = Long.MIN_VALUE;
    for (Matcher times = TIME.matcher(line); times.find(); ) {
      Long time = millis(times.group(2));
      if (time != null && (arrival == Long.MIN_VALUE || times.group(1).equals("arrived_at"))) {
        arrival = time;
      }
    }
    if (arrival == Long.MIN_VALUE) {
      return line;
    }
    long moved = arrives.applyAsLong(arrival) - arrival;
    return TIME.matcher(line)
        .replaceAll(
            time -> {
              Long at = millis(time.group(2));
              return Matcher.quoteReplacement(
                  at == null
                      ? time.group()
                      : "\"" + time.group(1) + "\":\"" + text(at + moved) + '"');
            });
  }

  private static String text(long millis) {
    String text = Instant.ofEpochMilli(millis).toString();
    // Programs write milliseconds that are zero, too.
    return text.length() == 20 ? text.substring(0, 19) + ".000Z" : text;
  }

  /** The time that a value is, however it is spelled; null if it is none. */
  private static @Nullable Long millis(String value) {
    try {
      if (!value.startsWith("\"")) {
        return Long.valueOf(value);
      }
      Instant instant = OffsetDateTime.parse(value.substring(1, value.length() - 1)).toInstant();
      return instant.truncatedTo(ChronoUnit.MILLIS).equals(instant) ? instant.toEpochMilli() : null;
    } catch (DateTimeException | NumberFormatException sin) {
      return null;
    }
  }
}

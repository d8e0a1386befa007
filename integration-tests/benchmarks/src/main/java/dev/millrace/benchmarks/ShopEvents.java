package dev.millrace.benchmarks;

import dev.millrace.pipelines.generate.ClickstreamGenerator;
import dev.millrace.pipelines.io.NewTopics;
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

  /** Fills two topics with the events of the files, as if each had happened when it is sent. */
  static EventsSide.Input send(Files files, String servers) throws Exception {
    Map<String, Object> settings =
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
            "lz4");
    try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, servers));
        KafkaProducer<byte[], byte[]> producer =
            new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      return new EventsSide.Input(
          send(files.few(), "few", servers, admin, producer),
          send(files.many(), "many", servers, admin, producer),
          files.further());
    }
  }

  private static String send(
      Path file, String topic, String servers, Admin admin, KafkaProducer<byte[], byte[]> producer)
      throws Exception {
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
      for (String line = lines.readLine(); line != null; line = lines.readLine(), sent++) {
        String now = moved(line, (arrival) -> System.currentTimeMillis());
        last =
            producer.send(new ProducerRecord<>(topic, now.getBytes(StandardCharsets.ISO_8859_1)));
      }
    }
    producer.flush();
    if (last == null || last.get().offset() != sent - 1) {
      throw new IllegalStateException(sent + " events were sent to " + topic + ", not all arrived");
    }
    return sent + "@kafka://" + servers + "/" + topic;
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

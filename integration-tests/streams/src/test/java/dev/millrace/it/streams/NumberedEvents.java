package dev.millrace.it.streams;

import dev.millrace.pipelines.generate.AnswerKey;
import dev.millrace.pipelines.generate.ClickstreamGenerator;
import dev.millrace.pipelines.generate.Share;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Events of the shop that happen while they are sent, at a steady rate and without an end until
 * they are told to, in turn into the partitions of a topic. Each has a number, in its id. One in a
 * hundred cannot be read or breaks a rule, one in ten is a copy; how many exactly, the {@linkplain
 * #key answer key} says.
 */
final class NumberedEvents implements AutoCloseable {

  /** When the first of the generated records arrives, and how soon the next one. */
  private static final long START = Instant.parse("2024-03-01T06:00:00Z").toEpochMilli();

  private static final long STEP = 500;

  private static final Pattern NUMBER = Pattern.compile("\"event_id\"\\s*:\\s*\"E(\\d{12})\"");
  private static final Pattern TIME =
      Pattern.compile("(\"(?:event_time|arrived_at)\"\\s*:\\s*\")(\\d{4}-[0-9T:.-]+Z)\"");

  /** Of no other event: what {@code shop_minute} counts of it is markers. */
  static final String DEVICE = "Game Console";

  private static final String AGENT =
      "Mozilla/5.0 (PlayStation 4 3.11) AppleWebKit/537.73 (KHTML, like Gecko)";

  private final int records;
  private final String topic;
  private final int partitions;
  private final AnswerKey key;
  private final InputStream lines;
  private final long[] shifts;
  private final KafkaProducer<byte[], byte[]> producer;
  private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
  private double rate;
  private volatile boolean hurry;
  private final AtomicInteger sent = new AtomicInteger();
  private int markers;
  private @Nullable Thread sender;

  NumberedEvents(
      Path directory, String servers, String topic, int partitions, int records, long seed)
      throws IOException {
    this.records = records;
    this.topic = topic;
    this.partitions = partitions;
    this.shifts = new long[records];
    this.key =
        ClickstreamGenerator.with(
                ClickstreamGenerator.Config.of(records, seed)
                    .withFiles(1)
                    // Nearer than the pipeline's bounds: a broker that is away for some seconds
                    // makes no event late.
                    .withBounds(Duration.ofMinutes(5), Duration.ofSeconds(20))
                    .withShares(
                        Map.of(
                            Share.MALFORMED, 0.005,
                            Share.RULE_BREAKS, 0.005,
                            Share.DUPLICATES, 0.1,
                            Share.ORPHANS, 0.0,
                            Share.LATE, 0.0,
                            Share.FUTURE, 0.0)))
            .writeTo(directory);
    this.lines =
        new BufferedInputStream(Files.newInputStream(directory.resolve("clickstream-00000.jsonl")));
    this.producer =
        new KafkaProducer<>(
            Map.of(
                "bootstrap.servers", servers,
                "acks", "all",
                "linger.ms", 5,
                "max.request.size", 8 << 20,
                "request.timeout.ms", 10_000,
                "delivery.timeout.ms", 300_000,
                "max.block.ms", 300_000),
            new ByteArraySerializer(),
            new ByteArraySerializer());
  }

  /** What must become of them. */
  AnswerKey.Counts key() {
    return key.total();
  }

  /** How many were handed over to be sent. */
  int sent() {
    return sent.get();
  }

  /** How many markers were sent. */
  int markers() {
    return markers;
  }

  void start(double perSecond) {
    rate = perSecond;
    Thread thread = new Thread(this::send, "numbered-events");
    thread.setDaemon(true);
    thread.start();
    sender = thread;
  }

  /**
   * Sends an event into each partition that is known by its device, and waits until they are there.
   */
  void mark() throws Exception {
    for (int partition = 0; partition < partitions; partition++) {
      String line =
          """
          {"event_id":"marker-%d","user_id":"marker","session_id":"marker","action":"view",\
          "url":"https://shop.example.com/","user_agent":"%s","event_time":"%s"}"""
              .formatted(markers++, AGENT, Instant.ofEpochMilli(System.currentTimeMillis()));
      producer
          .send(
              new ProducerRecord<>(
                  topic, partition, null, line.getBytes(StandardCharsets.US_ASCII)))
          .get(60, TimeUnit.SECONDS);
    }
  }

  /** Sends the rest, as fast as it goes, and waits until all are there. */
  void finish() throws Exception {
    hurry = true;
    if (sender != null) {
      LockSupport.unpark(sender);
      sender.join();
    }
    producer.flush();
    failIfFailed();
  }

  private void failIfFailed() {
    Exception failed = failure.get();
    if (failed != null) {
      throw new IllegalStateException("events could not be sent", failed);
    }
  }

  private void send() {
    try {
      long due = System.nanoTime();
      for (byte[] line = next(); line.length > 0; line = next()) {
        while (due - System.nanoTime() > 0 && !hurry) {
          LockSupport.parkNanos(due - System.nanoTime());
        }
        failIfFailed();
        // Those that are left last for a minute, at least.
        due += (long) (1e9 / Math.min(rate, (records - sent.get()) / 60.0));
        var unused =
            producer.send(
                new ProducerRecord<>(topic, sent.get() % partitions, null, now(line)),
                (metadata, failed) -> {
                  if (failed != null) {
                    failure.compareAndSet(null, failed);
                  }
                });
        sent.incrementAndGet();
      }
      if (sent.get() != records) {
        throw new IllegalStateException(sent + " lines of " + records);
      }
    } catch (IOException | RuntimeException failed) {
      failure.compareAndSet(null, failed);
    }
  }

  /** The next line; empty at the end. */
  private byte[] next() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int next = lines.read(); next >= 0 && next != '\n'; next = lines.read()) {
      line.write(next);
    }
    return line.toByteArray();
  }

  /**
   * The same event as if it arrived now. A copy has the times of the event it is a copy of; what
   * has no number stays as it is.
   */
  private byte[] now(byte[] line) {
    // As bytes, whatever they mean: what is no UTF-8 must stay so.
    String text = new String(line, StandardCharsets.ISO_8859_1);
    Matcher number = line.length > 1 << 16 ? null : NUMBER.matcher(text);
    if (number == null || !number.find()) {
      return line;
    }
    int slot = (int) Math.min(records - 1, Long.parseLong(number.group(1)));
    if (shifts[slot] == 0) {
      shifts[slot] = System.currentTimeMillis() - START - STEP * slot;
    }
    try {
      return TIME.matcher(text)
          .replaceAll(
              time ->
                  Matcher.quoteReplacement(
                      time.group(1) + Instant.parse(time.group(2)).plusMillis(shifts[slot]) + "\""))
          .getBytes(StandardCharsets.ISO_8859_1);
    } catch (DateTimeException noTime) {
      return line;
    }
  }

  @Override
  public void close() throws IOException {
    producer.close(Duration.ZERO);
    lines.close();
  }
}

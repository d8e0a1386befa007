package dev.millrace.benchmarks;

import dev.millrace.pipelines.generate.ClickstreamGenerator;
import dev.millrace.pipelines.generate.Share;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Sends events of the web shop into a topic at a rate, each with an id of its own and the time at
 * which it is sent, and among them probes. The lines are made once; of each only id and time are
 * written anew, in place.
 *
 * <p>Every event has a time at which it is due, whatever became of those before it: when the broker
 * or the machine holds the sender up, those that wait are late by as much, and say so.
 */
final class EventLoad implements AutoCloseable {

  private static final int LINES = 100_000;
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
  private static final String NO_TIME = "0000-00-00T00:00:00.000Z";

  private final List<Stamped> lines;
  private final String topic;
  private final int partitions;
  private final Probes probes;
  private final KafkaProducer<byte[], byte[]> producer;
  private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
  private final AtomicLong sent = new AtomicLong();
  private volatile double rate;
  private volatile boolean ended;
  private volatile long latestMicros;
  private @Nullable Thread sender;

  /** A line whose id and time can be written in place. */
  static final class Stamped {
    private final byte[] bytes;
    private final int id;
    private final int idLength;
    private final int time;

    private Stamped(byte[] bytes, int id, int idLength, int time) {
      this.bytes = bytes;
      this.id = id;
      this.idLength = idLength;
      this.time = time;
    }

    /** A line with an {@code event_id} and an {@code event_time}, and no time of arrival. */
    static Stamped of(String line) {
      String plain =
          line.replaceFirst(",\"arrived_at\":\"[^\"]*\"", "")
              .replaceFirst("\"event_time\":\"[^\"]*\"", "\"event_time\":\"" + NO_TIME + "\"");
      int id = plain.indexOf("\"event_id\":\"") + "\"event_id\":\"".length();
      return new Stamped(
          plain.getBytes(StandardCharsets.UTF_8),
          id,
          plain.indexOf('"', id) - id,
          plain.indexOf(NO_TIME));
    }

    /** Writes id and time; the bytes are the same array every time. */
    byte[] at(long number, byte[] when) {
      long rest = number;
      for (int i = id + idLength - 1; i > id; i--) {
        bytes[i] = (byte) ('0' + rest % 10);
        rest /= 10;
      }
      System.arraycopy(when, 0, bytes, time, when.length);
      return bytes;
    }
  }

  EventLoad(List<Stamped> lines, String servers, String topic, int partitions, Probes probes) {
    this.lines = lines;
    this.topic = topic;
    this.partitions = partitions;
    this.probes = probes;
    this.producer =
        new KafkaProducer<>(
            Map.of(
                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                servers,
                ProducerConfig.ACKS_CONFIG,
                "all",
                ProducerConfig.LINGER_MS_CONFIG,
                5,
                ProducerConfig.BATCH_SIZE_CONFIG,
                1 << 17,
                ProducerConfig.COMPRESSION_TYPE_CONFIG,
                "lz4"),
            new ByteArraySerializer(),
            new ByteArraySerializer());
  }

  /** The good events of {@code generate clickstream}, of some twenty thousand visitors. */
  static List<Stamped> lines(Path directory) throws IOException {
    Map<Share, Double> none = new EnumMap<>(Share.class);
    for (Share share :
        List.of(
            Share.MALFORMED,
            Share.RULE_BREAKS,
            Share.ORPHANS,
            Share.DUPLICATES,
            Share.LATE,
            Share.FUTURE)) {
      none.put(share, 0.0);
    }
    ClickstreamGenerator.with(
            ClickstreamGenerator.Config.of(LINES, 1).withFiles(1).withShares(none))
        .writeTo(directory);
    try (Stream<String> all = Files.lines(directory.resolve("clickstream-00000.jsonl"))) {
      return new ArrayList<>(
          all.filter(line -> line.startsWith("{\"event_id\":\"")).map(Stamped::of).toList());
    }
  }

  /** Begins to send so many events a second. */
  void start(double perSecond) {
    rate = perSecond;
    Thread thread = new Thread(this::run, "event-load");
    thread.start();
    sender = thread;
  }

  /** From now on, so many a second. */
  void rate(double perSecond) {
    rate = perSecond;
  }

  /** How many were handed to the producer, probes included. */
  long sent() {
    return sent.get();
  }

  /** By how much the sender was late at most since the last call, in milliseconds. */
  double latestMillis() {
    long micros = latestMicros;
    latestMicros = 0;
    return micros / 1e3;
  }

  private void run() {
    try {
      int next = 0;
      double paced = rate;
      long begin = System.nanoTime();
      long since = 0;
      long nextProbe = begin;
      while (!ended) {
        if (paced != rate) {
          paced = rate;
          begin = System.nanoTime();
          since = 0;
        }
        long now = System.nanoTime();
        byte[] when = TIME.format(Instant.now()).getBytes(StandardCharsets.US_ASCII);
        if (now >= nextProbe) {
          send(probes.next(nextProbe).at(sent.get(), when));
          nextProbe += Probes.EVERY_NANOS;
        }
        long due = begin + (long) (since / paced * 1e9);
        if (due > now) {
          LockSupport.parkNanos(Math.min(due, nextProbe) - now);
          continue;
        }
        latestMicros = Math.max(latestMicros, (now - due) / 1_000);
        // What is due within a millisecond has one time.
        for (long end = now + 1_000_000; due <= now && System.nanoTime() < end; since++) {
          send(lines.get(next).at(sent.get(), when));
          next = next + 1 == lines.size() ? 0 : next + 1;
          due = begin + (long) ((since + 1) / paced * 1e9);
        }
      }
      producer.flush();
    } catch (RuntimeException failed) {
      failure.compareAndSet(null, failed);
    }
  }

  private void send(byte[] line) {
    // The producer has copied the bytes when it returns. What becomes of them is told to the
    // callback.
    var unused =
        producer.send(
            new ProducerRecord<>(topic, (int) (sent.get() % partitions), null, line),
            (metadata, failed) -> {
              if (failed != null) {
                failure.compareAndSet(null, failed);
              }
            });
    sent.incrementAndGet();
  }

  /** Ends the sending, if it has not ended. */
  void stop() throws InterruptedException {
    ended = true;
    if (sender != null) {
      sender.join();
    }
    check();
  }

  /** Fails if something could not be sent. */
  void check() {
    Exception failed = failure.get();
    if (failed != null) {
      throw new IllegalStateException("events could not be sent: " + failed.getMessage(), failed);
    }
  }

  @Override
  public void close() {
    ended = true;
    producer.close(java.time.Duration.ofSeconds(5));
  }
}

package dev.millrace.pipelines.io;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.beam.sdk.io.UnboundedSource.UnboundedReader;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.values.KV;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.WakeupException;
import org.joda.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@link TopicBlocks}. A thread of its own asks the broker, so that the runner's thread waits
 * for nothing but a moment; it is one answer ahead at most.
 */
final class TopicReader extends UnboundedReader<TopicBlock> {

  private static final Duration POLL = Duration.ofMillis(100);
  private static final Duration LOOK = Duration.ofSeconds(5);
  private static final long LOOK_EVERY_MILLIS = 1_000;
  private static final long MOMENT_MILLIS = 10;
  private static final long SKEW_MILLIS = RecordTopic.SKEW_SECONDS * 1_000L;

  private final TopicBlocks source;
  private final Map<Integer, Position> positions = new TreeMap<>();
  private final BlockingQueue<Answer> answers = new ArrayBlockingQueue<>(1);
  private final Queue<TopicBlock> blocks = new ArrayDeque<>();

  private @Nullable Consumer<byte[], byte[]> consumer;
  private @Nullable Consumer<byte[], byte[]> ends;
  private @Nullable TopicBlock current;
  private Map<Integer, Long> readToEnd = Map.of();
  private volatile boolean closed;
  private volatile @Nullable Throwable failure;

  /**
   * What came from the broker.
   *
   * @param readToEnd by partition that these blocks are the end of, when that was so
   */
  private record Answer(List<TopicBlock> blocks, Map<Integer, Long> readToEnd) {}

  /** How far a partition has been read. */
  private static final class Position {
    private long next;
    private long watermark;

    private Position(long next, long watermark) {
      this.next = next;
      this.watermark = watermark;
    }

    private void advanceTo(long millis) {
      watermark = Math.max(watermark, millis);
    }
  }

  /**
   * @param mark where to go on, or null to begin where the source says
   */
  TopicReader(TopicBlocks source, TopicBlocks.@Nullable Mark mark) {
    this.source = source;
    source
        .starts()
        .forEach(
            (partition, start) ->
                positions.put(
                    partition, new Position(start, BoundedWindow.TIMESTAMP_MIN_VALUE.getMillis())));
    if (mark != null) {
      mark.positions()
          .forEach(
              (partition, at) ->
                  positions.put(partition, new Position(at.getKey(), at.getValue())));
    }
  }

  @Override
  public boolean start() throws IOException {
    Map<Integer, Long> starts = new HashMap<>();
    positions.forEach((partition, at) -> starts.put(partition, at.next));
    Map<String, Object> settings = new HashMap<>(TopicConsumer.SETTINGS);
    settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, source.servers());
    TopicConsumer opened = new TopicConsumer(settings, starts);
    opened.assign(source.partitions());
    settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_uncommitted");
    return start(opened, new TopicConsumer(settings, Map.of()));
  }

  /**
   * Begins.
   *
   * @param opened has been told where
   * @param open sees what is not committed, too
   */
  boolean start(Consumer<byte[], byte[]> opened, Consumer<byte[], byte[]> open) throws IOException {
    consumer = opened;
    ends = open;
    Thread thread = new Thread(() -> ask(opened, open), "kafka-" + source.partitions().get(0));
    thread.setDaemon(true);
    thread.start();
    return advance();
  }

  @Override
  public boolean advance() throws IOException {
    left();
    TopicBlock next = blocks.poll();
    if (next == null) {
      readToEnd.forEach((partition, then) -> position(partition).advanceTo(bound(then)));
      readToEnd = Map.of();
      take();
      next = blocks.poll();
    }
    current = next;
    return next != null;
  }

  /**
   * What is current is in the runner's hands: the watermark may pass it. To say so twice is well.
   */
  private void left() {
    TopicBlock before = current;
    if (before != null) {
      Position at = position(before.partition());
      at.next = before.offsets()[before.size() - 1] + 1;
      at.advanceTo(before.greatestArrival() - source.maxLatenessMillis());
    }
  }

  private void take() throws IOException {
    try {
      Answer answer = answers.poll(MOMENT_MILLIS, TimeUnit.MILLISECONDS);
      if (answer != null) {
        blocks.addAll(answer.blocks);
        readToEnd = answer.readToEnd;
        return;
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for Kafka", interrupted);
    }
    Throwable failed = failure;
    if (failed != null) {
      throw new IOException("Kafka at " + source.servers() + ": " + failed, failed);
    }
  }

  private long bound(long readToEndMillis) {
    return readToEndMillis - SKEW_MILLIS - source.maxLatenessMillis();
  }

  private Position position(int partition) {
    Position found = positions.get(partition);
    if (found == null) {
      throw new IllegalStateException("partition " + partition + " is not read here");
    }
    return found;
  }

  @Override
  public TopicBlock getCurrent() {
    if (current == null) {
      throw new NoSuchElementException();
    }
    return current;
  }

  @Override
  public Instant getCurrentTimestamp() {
    return Instant.ofEpochMilli(getCurrent().leastArrival() - source.maxLatenessMillis());
  }

  @Override
  public Instant getWatermark() {
    long least = Long.MAX_VALUE;
    for (Position at : positions.values()) {
      least = Math.min(least, at.watermark);
    }
    return Instant.ofEpochMilli(least);
  }

  @Override
  public TopicBlocks.Mark getCheckpointMark() {
    // The runner asks when what is current has left.
    left();
    Map<Integer, KV<Long, Long>> marks = new TreeMap<>();
    positions.forEach((partition, at) -> marks.put(partition, KV.of(at.next, at.watermark)));
    return new TopicBlocks.Mark(marks);
  }

  @Override
  public TopicBlocks getCurrentSource() {
    return source;
  }

  @Override
  public void close() {
    closed = true;
    if (consumer != null) {
      consumer.wakeup();
    }
    if (ends != null) {
      ends.wakeup();
    }
  }

  // ------------------------------------------------------------------- the thread that asks

  private void ask(Consumer<byte[], byte[]> opened, Consumer<byte[], byte[]> open) {
    try (opened;
        open) {
      long nextLook = 0;
      while (!closed) {
        ConsumerRecords<byte[], byte[]> records = opened.poll(POLL);
        Map<Integer, Long> read = Map.of();
        if (System.currentTimeMillis() >= nextLook) {
          read = readToEnd(opened, open);
          nextLook = System.currentTimeMillis() + LOOK_EVERY_MILLIS;
        }
        if (!records.isEmpty() || !read.isEmpty()) {
          hand(new Answer(blocks(records), read));
        }
      }
    } catch (WakeupException | InterruptedException end) {
      if (!closed) {
        failure = new IllegalStateException("the thread that reads was interrupted", end);
      }
    } catch (Throwable failed) {
      // Of an Error too the runner must be told: this thread ends, and nothing would come any more.
      failure = failed;
    }
  }

  private void hand(Answer answer) throws InterruptedException {
    while (!closed && !answers.offer(answer, POLL.toMillis(), TimeUnit.MILLISECONDS)) {
      // The runner has not taken the one before yet.
    }
  }

  /**
   * The partitions that have been read to their end, with when that was so. The end is not that of
   * what is committed: a transaction that is open holds records that have arrived already.
   */
  private Map<Integer, Long> readToEnd(
      Consumer<byte[], byte[]> opened, Consumer<byte[], byte[]> open) {
    long now = System.currentTimeMillis();
    Map<Integer, Long> found = new HashMap<>();
    try {
      open.endOffsets(source.partitions(), LOOK)
          .forEach(
              (partition, end) -> {
                if (opened.position(partition, LOOK) >= end) {
                  found.put(partition.partition(), now);
                }
              });
    } catch (RetriableException away) {
      // A broker that does not answer: nothing is known of its partitions.
      return Map.of();
    }
    return found;
  }

  private static List<TopicBlock> blocks(ConsumerRecords<byte[], byte[]> records) {
    List<TopicBlock> all = new ArrayList<>();
    for (TopicPartition partition : records.partitions()) {
      List<ConsumerRecord<byte[], byte[]>> some = records.records(partition);
      TopicBlock block =
          new TopicBlock(
              partition.partition(),
              new long[some.size()],
              new long[some.size()],
              new byte[some.size()][]);
      for (int i = 0; i < some.size(); i++) {
        ConsumerRecord<byte[], byte[]> record = some.get(i);
        block.offsets()[i] = record.offset();
        block.arrivals()[i] = record.timestamp();
        block.values()[i] = record.value() == null ? ArrivalPolicy.NOTHING : record.value();
      }
      all.add(block);
    }
    return all;
  }
}

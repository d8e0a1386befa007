package dev.millrace.benchmarks;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Events of a kind of device that no other event has: so many of them as {@code shop_minute} counts
 * of that device are visible. A connection looks every few milliseconds.
 *
 * <p>The time of a probe counts from when it was due to be sent, so a sender that is held up hides
 * nothing. Probes are told apart by their number: where two overtake one another, the time of one
 * is taken for that of the other.
 */
final class Probes implements AutoCloseable {

  static final long EVERY_NANOS = 10_000_000;
  private static final long LOOK_NANOS = 5_000_000;

  private static final String DEVICE = "Game Console";
  private static final String AGENT =
      "Mozilla/5.0 (PlayStation 4 3.11) AppleWebKit/537.73 (KHTML, like Gecko)";

  private final Connection connection;
  private final Queue<Long> outstanding = new ConcurrentLinkedQueue<>(); // when they were due
  private final Histogram micros = new Histogram(3);
  private final List<Long> worst = new ArrayList<>(); // by the second in which they were due
  private volatile long from = Long.MAX_VALUE;
  private volatile long until = Long.MAX_VALUE;
  private volatile boolean ended;
  private volatile @Nullable SQLException failure;
  private final AtomicLong seen = new AtomicLong();
  private long number;
  private final Thread looking = new Thread(this::look, "probes");

  /** Looks into the warehouse of a URL once {@link #start} is called. */
  Probes(Connection connection) {
    this.connection = connection;
  }

  /** The event of the next probe, which is due at a time of the nano clock. */
  EventLoad.Stamped next(long dueNanos) {
    long mine = number++;
    outstanding.add(dueNanos);
    return EventLoad.Stamped.of(
        String.format(
            Locale.ROOT,
            "{\"event_id\":\"E%012d\",\"user_id\":\"probe-%d\",\"session_id\":\"P%d\",\"action\":\"view\","
                + "\"url\":\"https://shop.example.com/\",\"user_agent\":\"%s\",\"event_time\":\"\"}",
            0,
            mine % 1_000,
            mine,
            AGENT));
  }

  void start() {
    looking.start();
  }

  /** From now on, the probes that are due count. */
  void begin() {
    from = System.nanoTime();
  }

  /** No probe that is due from now on counts. */
  void end() {
    until = System.nanoTime();
  }

  /** How many were seen in all, counted or not. */
  long seen() throws SQLException {
    SQLException failed = failure;
    if (failed != null) {
      throw failed;
    }
    return seen.get();
  }

  /** How many that count have not been seen. */
  long missing() {
    return outstanding.stream().filter(this::counts).count();
  }

  /** Times from sent to visible, in microseconds. To be asked after {@link #stop}. */
  Histogram micros() {
    return micros;
  }

  /**
   * The longest time of the probes that were due in each second of the measurement, in
   * milliseconds: tells stalls, and their moments, from a time that is long all over. To be asked
   * after {@link #stop}.
   */
  List<Long> worstMillisBySecond() {
    return List.copyOf(worst);
  }

  private void record(long dueNanos, long nanos) {
    micros.recordValue(nanos / 1_000);
    int second = (int) ((dueNanos - from) / 1_000_000_000);
    while (worst.size() <= second) {
      worst.add(0L);
    }
    worst.set(second, Math.max(worst.get(second), nanos / 1_000_000));
  }

  private boolean counts(long dueNanos) {
    return dueNanos - from >= 0 && dueNanos - until < 0;
  }

  private void look() {
    try (PreparedStatement query =
        connection.prepareStatement("SELECT sum(views) FROM shop_minute WHERE device_class = ?")) {
      query.setString(1, DEVICE);
      while (!ended) {
        long begun = System.nanoTime();
        look(query);
        LockSupport.parkNanos(begun + LOOK_NANOS - System.nanoTime());
      }
    } catch (SQLException failed) {
      failure = failed;
    }
  }

  private void look(PreparedStatement query) throws SQLException {
    try (ResultSet row = query.executeQuery()) {
      long now = System.nanoTime();
      row.next();
      for (long visible = row.getLong(1); seen.get() < visible; seen.incrementAndGet()) {
        Long due = outstanding.remove();
        if (counts(due)) {
          record(due, Math.max(0, now - due));
        }
      }
    }
  }

  /** Looks no more. */
  void stop() throws InterruptedException {
    ended = true;
    looking.join();
  }

  @Override
  public void close() throws SQLException {
    ended = true;
    connection.close();
  }

  /** The percentiles of a histogram of microseconds, in milliseconds; none if it is empty. */
  static Map<String, Double> millis(Histogram micros) {
    Map<String, Double> all = new TreeMap<>();
    if (micros.getTotalCount() == 0) {
      return all;
    }
    for (double percentile : new double[] {50, 90, 99, 99.9}) {
      all.put(
          "p" + (percentile == 99.9 ? "99.9" : (int) percentile),
          micros.getValueAtPercentile(percentile) / 1e3);
    }
    all.put("max", micros.getMaxValue() / 1e3);
    return all;
  }
}

package dev.millrace.benchmarks;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Events each of which can be told from all others by its effect: it is all that a visitor does, a
 * purchase for a price that nothing else has. When the visit is in {@code shop_session}, the event
 * has been through everything. A connection looks for them every few milliseconds.
 *
 * <p>The time of a probe counts from when it was due to be sent, so a sender that is held up hides
 * nothing.
 */
final class Probes implements AutoCloseable {

  static final long EVERY_NANOS = 10_000_000;
  private static final long LOOK_NANOS = 5_000_000;

  /** No visit of the others is worth as much. In ten-thousandths. */
  private static final long FIRST = 10_000_000_000L;

  private static final BigDecimal PRICE = BigDecimal.valueOf(FIRST, 4);

  private record Sent(long dueNanos, long millis) {}

  private final Connection connection;
  private final Map<Long, Sent> outstanding = new ConcurrentSkipListMap<>();
  private final Histogram micros = new Histogram(3);
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
    outstanding.put(mine, new Sent(dueNanos, System.currentTimeMillis()));
    return EventLoad.Stamped.of(
        String.format(
            Locale.ROOT,
            "{\"event_id\":\"E%012d\",\"user_id\":\"probe-%d\",\"session_id\":\"P%d\",\"action\":\"purchase\","
                + "\"price\":%s,\"quantity\":1,\"url\":\"https://shop.example.com/thanks\",\"event_time\":\"\"}",
            0,
            mine,
            mine,
            BigDecimal.valueOf(FIRST + mine, 4).toPlainString()));
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
    return outstanding.values().stream().filter(this::counts).count();
  }

  /** Times from sent to visible, in microseconds. To be asked after {@link #stop}. */
  Histogram micros() {
    return micros;
  }

  private boolean counts(Sent sent) {
    return sent.dueNanos - from >= 0 && sent.dueNanos - until < 0;
  }

  private void look() {
    try (Statement set = connection.createStatement()) {
      // There are no statistics of a table that is being filled.
      set.execute("SET enable_seqscan = off");
      try (PreparedStatement query =
          connection.prepareStatement(
              "SELECT revenue FROM shop_session WHERE session_start >= ? AND revenue >= ?")) {
        while (!ended) {
          long begun = System.nanoTime();
          look(query);
          LockSupport.parkNanos(begun + LOOK_NANOS - System.nanoTime());
        }
      }
    } catch (SQLException failed) {
      failure = failed;
    }
  }

  private void look(PreparedStatement query) throws SQLException {
    var oldest = outstanding.values().iterator();
    if (!oldest.hasNext()) {
      return;
    }
    // The clock of the event is read a moment after this one, or a step of the clock before it.
    query.setTimestamp(1, new Timestamp(oldest.next().millis() - 100));
    query.setBigDecimal(2, PRICE);
    try (ResultSet rows = query.executeQuery()) {
      long now = System.nanoTime();
      while (rows.next()) {
        Sent sent =
            outstanding.remove(rows.getBigDecimal(1).movePointRight(4).longValueExact() - FIRST);
        if (sent != null) {
          seen.incrementAndGet();
          if (counts(sent)) {
            micros.recordValue(Math.max(0, now - sent.dueNanos) / 1_000);
          }
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

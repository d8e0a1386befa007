package dev.millrace.pipelines.io.warehouse;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;
import javax.sql.DataSource;

/**
 * The connections of a live run's writers: one pool per warehouse, pipeline and JVM. As long as
 * there is a writer one connection is open at least, and each says that the run lives, wherever
 * whoever started it has gone. The last writer closes the pool: the process of a cluster outlives
 * its jobs.
 *
 * <p>A connection can be cut without either side being told: by a firewall that forgot it, or with
 * the machine at the other end. Left to TCP, a writer would wait for an answer for a quarter of an
 * hour, and the server for two hours, in which it keeps the locks of the writer's transaction, so
 * that who tries again waits as well, and the one that keeps batches away. So both sides give up on
 * a connection that says nothing; what was written on it is written again.
 */
final class LiveConnections {

  /**
   * How long, in seconds, a writer waits for an answer. The statements of a bundle take
   * milliseconds; but they can wait for a backfill that is being published.
   */
  private static final String ANSWER_SECONDS = "20";

  /**
   * How long a server waits for the rest of a transaction, so that its rows are free when the
   * writer tries again, and for anything at all.
   */
  private static final Map<String, String> SERVER_GIVES_UP =
      Map.of("idle_in_transaction_session_timeout", "15s", "idle_session_timeout", "2min");

  /** How often a connection that nobody uses speaks, so that it is not given up. */
  private static final Duration SIGN_OF_LIFE = Duration.ofSeconds(30);

  private static final Map<Key, LiveConnections> OPEN = new HashMap<>();

  private final HikariDataSource pool;
  private int writers;

  private record Key(WarehouseConfig config, String pipeline) {}

  private LiveConnections(Key key) {
    HikariConfig settings = WarehouseConnections.settings(key.config());
    settings.setPoolName("millrace-live");
    settings.setMinimumIdle(1);
    // The URL goes before.
    settings.getDataSourceProperties().putIfAbsent("socketTimeout", ANSWER_SECONDS);
    settings.setKeepaliveTime(SIGN_OF_LIFE.toMillis());
    settings.setConnectionInitSql(serverGivesUp() + ";" + Locks.holdLive(key.pipeline()));
    Drivers.enter();
    this.pool = new HikariDataSource(settings);
  }

  /** Says so to the server, as far as its version knows of it. */
  private static String serverGivesUp() {
    return SERVER_GIVES_UP.entrySet().stream()
        .map(setting -> "('" + setting.getKey() + "', '" + setting.getValue() + "')")
        .collect(
            Collectors.joining(
                ", ",
                "SELECT set_config(name, given.value, false) FROM pg_settings JOIN (VALUES ",
                ") AS given (name, value) USING (name)"));
  }

  /** For one writer more. */
  static DataSource acquire(WarehouseConfig config, String pipeline) {
    synchronized (OPEN) {
      LiveConnections live = OPEN.computeIfAbsent(new Key(config, pipeline), LiveConnections::new);
      live.writers++;
      return live.pool;
    }
  }

  /** One writer, which had acquired them, is done. */
  static void release(WarehouseConfig config, String pipeline) {
    synchronized (OPEN) {
      Key key = new Key(config, pipeline);
      LiveConnections live = OPEN.get(key);
      if (live != null && --live.writers == 0) {
        OPEN.remove(key);
        live.pool.close();
        if (OPEN.isEmpty()) {
          Drivers.leave();
        }
      }
    }
  }
}

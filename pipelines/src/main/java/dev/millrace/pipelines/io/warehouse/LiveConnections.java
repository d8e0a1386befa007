package dev.millrace.pipelines.io.warehouse;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.util.HashMap;
import java.util.Map;
import javax.sql.DataSource;

/**
 * The connections of a live run's writers: one pool per warehouse, pipeline and JVM. As long as
 * there is a writer one connection is open at least, and each says that the run lives, wherever
 * whoever started it has gone. The last writer closes the pool: the process of a cluster outlives
 * its jobs.
 */
final class LiveConnections {

  private static final Map<Key, LiveConnections> OPEN = new HashMap<>();

  private final HikariDataSource pool;
  private int writers;

  private record Key(WarehouseConfig config, String pipeline) {}

  private LiveConnections(Key key) {
    HikariConfig settings = WarehouseConnections.settings(key.config());
    settings.setPoolName("millrace-live");
    settings.setMinimumIdle(1);
    settings.setConnectionInitSql(Locks.holdLive(key.pipeline()));
    Drivers.enter();
    this.pool = new HikariDataSource(settings);
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

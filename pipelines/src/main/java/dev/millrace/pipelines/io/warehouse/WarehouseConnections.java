package dev.millrace.pipelines.io.warehouse;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.jspecify.annotations.Nullable;

/**
 * Gives workers their connections: one pool per warehouse and JVM, shared by all that write. The
 * password is looked up where the pool is made.
 *
 * <p>A pool that nobody has used for a while is closed, and made again when somebody does: its
 * threads, and the list of drivers, would keep the classes of a job in the process of a cluster
 * after the job has ended, and JdbcIO does not say when it is done with a pool.
 */
final class WarehouseConnections implements SerializableFunction<Void, DataSource> {

  /**
   * A writer keeps its connection to the end of its bundle, and a bundle can last as long as its
   * input does: with fewer connections than writers of one worker, those that have one could wait
   * for ever for data that those without do not let through. Connections are made on demand and
   * closed when idle, so the bound costs nothing.
   */
  private static final int MAX_CONNECTIONS = 40;

  private static final Duration CONNECTION_TIMEOUT = Duration.ofSeconds(10);

  /** Longer than anybody waits for a connection: who began to wait is not left without a pool. */
  private static final Duration UNUSED = CONNECTION_TIMEOUT.multipliedBy(2);

  private static final Map<WarehouseConfig, Pool> POOLS = new ConcurrentHashMap<>();

  private final WarehouseConfig config;

  WarehouseConnections(WarehouseConfig config) {
    this.config = config;
  }

  @Override
  public DataSource apply(Void nothing) {
    return pool();
  }

  Pool pool() {
    return POOLS.computeIfAbsent(config, Pool::new);
  }

  static HikariConfig settings(WarehouseConfig config) {
    HikariConfig pool = new HikariConfig();
    pool.setPoolName("millrace-warehouse");
    pool.setDriverClassName("org.postgresql.Driver");
    // Without user and password: JdbcIO writes the URL into lineage, and into the log if it cannot
    // read it.
    pool.setJdbcUrl(config.url());
    pool.setDataSourceProperties(config.connectionProperties());
    pool.setMaximumPoolSize(MAX_CONNECTIONS);
    pool.setMinimumIdle(0);
    pool.setIdleTimeout(10_000);
    pool.setConnectionTimeout(CONNECTION_TIMEOUT.toMillis());
    // The pool itself can be made while the database is down: then getting a connection fails.
    pool.setInitializationFailTimeout(-1);
    return pool;
  }

  /** A pool that is there while it is used. */
  static final class Pool implements DataSource {
    private final WarehouseConfig config;
    private @Nullable HikariDataSource open;
    private long usedAt;

    private Pool(WarehouseConfig config) {
      this.config = config;
    }

    @Override
    public Connection getConnection() throws SQLException {
      return used().getConnection();
    }

    private synchronized HikariDataSource used() {
      usedAt = System.nanoTime();
      if (open == null) {
        Drivers.enter();
        open = new HikariDataSource(settings(config));
        Thread closer = new Thread(this::closeWhenUnused, "millrace-warehouse closer");
        closer.setDaemon(true);
        closer.start();
      }
      return open;
    }

    private void closeWhenUnused() {
      try {
        do {
          Thread.sleep(UNUSED.toMillis() / 4);
        } while (!isClosed(UNUSED));
      } catch (InterruptedException ended) {
        Thread.currentThread().interrupt();
      }
    }

    /** Whether it is closed; it is, if it has not been used for so long. */
    synchronized boolean isClosed(Duration unused) {
      if (open != null
          && System.nanoTime() - usedAt > unused.toNanos()
          && open.getHikariPoolMXBean().getActiveConnections() == 0) {
        open.close();
        open = null;
        Drivers.leave();
      }
      return open == null;
    }

    @Override
    public Connection getConnection(String user, String password) throws SQLException {
      throw new SQLFeatureNotSupportedException("user and password are those of the warehouse");
    }

    @Override
    public @Nullable PrintWriter getLogWriter() {
      return null;
    }

    @Override
    public void setLogWriter(PrintWriter out) throws SQLException {
      throw new SQLFeatureNotSupportedException("the log is SLF4J's");
    }

    @Override
    public void setLoginTimeout(int seconds) throws SQLException {
      throw new SQLFeatureNotSupportedException("it is " + CONNECTION_TIMEOUT);
    }

    @Override
    public int getLoginTimeout() {
      return (int) CONNECTION_TIMEOUT.toSeconds();
    }

    @Override
    public Logger getParentLogger() throws SQLFeatureNotSupportedException {
      throw new SQLFeatureNotSupportedException("the log is SLF4J's");
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
      throw new SQLException("this wraps nothing that lasts");
    }

    @Override
    public boolean isWrapperFor(Class<?> type) {
      return false;
    }
  }
}

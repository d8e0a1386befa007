package dev.millrace.pipelines.io.warehouse;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.sql.DataSource;
import org.apache.beam.sdk.transforms.SerializableFunction;

/**
 * Gives workers their connections: one pool per warehouse and JVM, shared by all that write. The
 * password is looked up where the pool is made.
 */
final class WarehouseConnections implements SerializableFunction<Void, DataSource> {

  /**
   * A writer keeps its connection to the end of its bundle, and a bundle can last as long as its
   * input does: with fewer connections than writers of one worker, those that have one could wait
   * for ever for data that those without do not let through. Connections are made on demand and
   * closed when idle, so the bound costs nothing.
   */
  private static final int MAX_CONNECTIONS = 40;

  private static final Map<WarehouseConfig, HikariDataSource> POOLS = new ConcurrentHashMap<>();

  private final WarehouseConfig config;

  WarehouseConnections(WarehouseConfig config) {
    this.config = config;
  }

  @Override
  public DataSource apply(Void nothing) {
    return pool();
  }

  DataSource pool() {
    return POOLS.computeIfAbsent(config, WarehouseConnections::open);
  }

  private static HikariDataSource open(WarehouseConfig config) {
    return new HikariDataSource(settings(config));
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
    pool.setConnectionTimeout(10_000);
    // The pool itself can be made while the database is down: then getting a connection fails.
    pool.setInitializationFailTimeout(-1);
    return pool;
  }
}

package dev.millrace.pipelines.io.warehouse;

import dev.millrace.pipelines.UserError;
import java.io.Serializable;
import java.util.Arrays;
import java.util.Collections;
import java.util.Properties;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;

/**
 * Where the warehouse is and who writes to it. Made from a JDBC URL by {@link #of}, and checked
 * there.
 *
 * @param url JDBC URL without parameters, such as {@code jdbc:postgresql://localhost:5432/sales}
 * @param parameters the parameters of the URL but for user and password
 * @param user user of the database; the driver's default if null
 * @param password where the password is found; none if null
 */
public record WarehouseConfig(
    String url,
    SortedMap<String, String> parameters,
    @Nullable String user,
    @Nullable Secret password)
    implements Serializable {

  private static final String SCHEME = "jdbc:postgresql:";

  /** Keeps its own copy of the parameters. */
  public WarehouseConfig {
    parameters = Collections.unmodifiableSortedMap(new TreeMap<>(parameters));
  }

  /**
   * The config of a JDBC URL, which may carry the user, and the password if the database is on this
   * machine.
   */
  public static WarehouseConfig of(String url) {
    return of(url, null, null);
  }

  /**
   * The config of a JDBC URL with a user and a reference to the password ({@code env:NAME} or
   * {@code file:PATH}). Both may be null; where given they prevail over the URL's own.
   */
  public static WarehouseConfig of(
      String url, @Nullable String user, @Nullable String passwordReference) {
    if (!url.startsWith(SCHEME)) {
      throw new UserError(
          "The warehouse must be a PostgreSQL database, given as a URL such as"
              + " jdbc:postgresql://localhost:5432/sales; this one starts with '"
              + url.split("[/@?;]", 2)[0]
              + "'.");
    }
    int query = url.indexOf('?');
    String bare = query < 0 ? url : url.substring(0, query);
    Properties parsed = bare.contains("@") ? null : Driver.parseURL(url, null);
    if (parsed == null) {
      // Not repeated here: the text may hold a password.
      throw new UserError(
          "The URL of the warehouse cannot be understood. Write it like"
              + " jdbc:postgresql://localhost:5432/sales, and give user and password apart.");
    }
    SortedMap<String, String> parameters = new TreeMap<>();
    parsed.stringPropertyNames().forEach(n -> parameters.put(n, parsed.getProperty(n)));
    String host = parameters.remove("PGHOST");
    parameters.remove("PGPORT");
    parameters.remove("PGDBNAME");
    String urlUser = parameters.remove("user");
    String urlPassword = parameters.remove("password");
    if (urlPassword != null && !isLocal(host)) {
      throw new UserError(
          "The URL of the warehouse holds a password. That is accepted for a database on this"
              + " machine only: take it out of the URL and give a reference, env:NAME or"
              + " file:PATH.");
    }
    Secret password =
        passwordReference != null
            ? Secret.of(passwordReference)
            : urlPassword != null ? Secret.inline(urlPassword) : null;
    return new WarehouseConfig(bare, parameters, user != null ? user : urlUser, password);
  }

  private static boolean isLocal(@Nullable String hosts) {
    return hosts == null
        || Arrays.stream(hosts.split(",", -1))
            .allMatch(h -> h.matches("localhost|127\\.\\d+\\.\\d+\\.\\d+|\\[?::1]?"));
  }

  /** Host and database, such as {@code localhost:5432/sales}: what messages call the warehouse. */
  public String where() {
    return url.substring(SCHEME.length()).replaceFirst("^//", "");
  }

  /** What the driver is given; here the password is looked up. */
  Properties connectionProperties() {
    Properties properties = new Properties();
    properties.setProperty("ApplicationName", "millrace");
    properties.setProperty("connectTimeout", "10");
    properties.setProperty("tcpKeepAlive", "true");
    properties.putAll(parameters);
    // One statement with many rows instead of many statements: three times as fast.
    properties.setProperty("reWriteBatchedInserts", "true");
    // The server's detail and the text of a failed batch hold values of records.
    properties.setProperty("logServerErrorDetail", "false");
    if (user != null) {
      properties.setProperty("user", user);
    }
    if (password != null) {
      properties.setProperty("password", password.resolve());
    }
    return properties;
  }

  /** Names neither parameters nor the password. */
  @Override
  public String toString() {
    return "WarehouseConfig[" + where() + ", user=" + user + ", password=" + password + "]";
  }
}

package dev.millrace.it.streams;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.endsWith;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;

import dev.millrace.direct.Main;
import dev.millrace.local.LocalPostgres;
import dev.millrace.pipelines.clickstream.ClickstreamEntry;
import dev.millrace.pipelines.generate.ClickstreamGenerator;
import dev.millrace.pipelines.generate.Share;
import dev.millrace.runners.Millrace;
import dev.millrace.transforms.refine.Vault;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Generated visits with known faults, whose dead letters are mended and replayed at the command
 * line. Their payloads are encrypted: the contract has a private field.
 */
@Timeout(300)
class ReplayIT {

  private static final String MENDED_AMOUNTS =
      "--fix=$field in [\"price\", \"quantity\"] ? $merge([$, {$field: 1}])";
  private static final List<String> TABLES =
      List.of("events_5m", "shop_minute", "shop_session", "dead_letter", "ledger");

  /** A house that others are copies of. */
  private static final String REFUSED_FIRST = "refused_first";

  @TempDir static Path home;
  private static LocalPostgres postgres;
  private static Path events;

  /** A lake and a warehouse, and what the command line said last. */
  private static final class House {
    private final Path lake;
    private final String url;
    private String said = "";

    private House(String name) throws SQLException {
      this(name, "template1");
    }

    private House(String name, String template) throws SQLException {
      lake = home.resolve("lake_" + name);
      try (Connection connection = DriverManager.getConnection(postgres.jdbcUrl());
          Statement statement = connection.createStatement()) {
        statement.execute("CREATE DATABASE " + name + " TEMPLATE " + template);
      }
      url = "jdbc:postgresql://127.0.0.1:" + postgres.port() + "/" + name + "?user=millrace";
    }

    /** A house with the visits, as they were refused and accepted first. */
    static House filled(String name) throws SQLException, IOException {
      House house = new House(name, REFUSED_FIRST);
      Path first = home.resolve("lake_" + REFUSED_FIRST);
      try (Stream<Path> files = Files.walk(first)) {
        for (Path file : (Iterable<Path>) files::iterator) {
          Files.copy(file, house.lake.resolve(first.relativize(file)));
        }
      }
      return house;
    }

    int run(Path source) {
      return millrace(source, "run", "clickstream");
    }

    int replay(String... options) {
      return millrace(
          events,
          Stream.concat(Stream.of("dead-letters", "replay", "clickstream"), Arrays.stream(options))
              .toArray(String[]::new));
    }

    private int millrace(Path source, String... command) {
      List<String> arguments = new ArrayList<>(List.of(command));
      arguments.add("--events=" + source);
      arguments.add("--products=" + home.resolve("product.json"));
      arguments.add("--product-classes=" + home.resolve("product_class.json"));
      arguments.add("--lake=" + lake);
      arguments.add("--report=" + home.resolve("report"));
      arguments.add("--secret=file:" + home.resolve("secret.key"));
      arguments.add("--warehouse=" + url);
      arguments.add("--log=quiet");
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);
      int status =
          new Millrace(
                  Main.engine(), List.of(new ClickstreamEntry()), List.of(), home, print, print)
              .run(arguments.toArray(String[]::new));
      said = out.toString(StandardCharsets.UTF_8);
      return status;
    }

    List<String> rows(String sql) throws SQLException {
      List<String> rows = new ArrayList<>();
      try (Connection connection = DriverManager.getConnection(url);
          Statement statement = connection.createStatement();
          ResultSet result = statement.executeQuery(sql)) {
        while (result.next()) {
          StringBuilder row = new StringBuilder(String.valueOf(result.getString(1)));
          for (int i = 2; i <= result.getMetaData().getColumnCount(); i++) {
            row.append(" | ").append(result.getString(i));
          }
          rows.add(row.toString());
        }
      }
      Collections.sort(rows);
      return rows;
    }

    long count(String where) throws SQLException {
      return Long.parseLong(rows("SELECT count(*) FROM dead_letter WHERE " + where).get(0));
    }

    /** Every row of the tables, and the bytes of every file of the lake. */
    Map<String, String> everything() throws SQLException, IOException {
      Map<String, String> all = new TreeMap<>(published());
      Path mends = lake.resolve("mended/events/mends.jsonl");
      all.put("mends", Files.exists(mends) ? hash(Files.readAllBytes(mends)) : "none");
      return all;
    }

    /** The same without the mends. */
    Map<String, String> published() throws SQLException, IOException {
      Map<String, String> all = new TreeMap<>();
      for (String table : TABLES) {
        all.put(table, String.join("\n", rows("SELECT * FROM " + table)));
      }
      try (Stream<Path> files = Files.walk(lake)) {
        for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
          if (file.toString().endsWith(".parquet")) {
            all.put(lake.relativize(file).toString(), hash(Files.readAllBytes(file)));
          }
        }
      }
      return all;
    }

    private static String hash(byte[] bytes) {
      try {
        return HexFormat.of()
            .formatHex(java.security.MessageDigest.getInstance("SHA-256").digest(bytes));
      } catch (java.security.NoSuchAlgorithmException impossible) {
        throw new IllegalStateException(impossible);
      }
    }
  }

  @BeforeAll
  static void generate() throws Exception {
    postgres = LocalPostgres.in(home.resolve("postgres"));
    Vault.createIfAbsent(home.resolve("secret.key"));
    for (String table : List.of("product", "product_class")) {
      try (InputStream in = ReplayIT.class.getResourceAsStream("/" + table + ".json")) {
        Files.copy(Objects.requireNonNull(in), home.resolve(table + ".json"));
      }
    }
    events = home.resolve("events");
    ClickstreamGenerator.with(
            ClickstreamGenerator.Config.of(2_000, 3)
                .withFiles(2)
                .withShares(Map.of(Share.MALFORMED, 0.06, Share.RULE_BREAKS, 0.06)))
        .writeTo(events);
    House first = new House(REFUSED_FIRST);
    int status = first.run(events);
    assertThat(first.said, status, equalTo(0));
    // A database with sessions is no template, and the pool of a run keeps them for a while.
    try (Connection connection = DriverManager.getConnection(postgres.jdbcUrl());
        Statement statement = connection.createStatement()) {
      statement.execute(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"
              + REFUSED_FIRST
              + "'");
    }
  }

  @AfterAll
  static void stop() {
    postgres.close();
  }

  @Test
  void whatIsMendedIsAcceptedAndTheLedgerBalances() throws Exception {
    // Given
    House house = House.filled("mended");
    String amounts = "reason = 'RULE_VIOLATION' AND field IN ('price', 'quantity')";
    long mendable = house.count(amounts);
    long left = house.count("reason = 'RULE_VIOLATION'") - mendable;
    List<String> ledger =
        house.rows(
            """
            WITH mended AS (SELECT source, count(*) AS n FROM dead_letter WHERE %s GROUP BY source)
            SELECT stage, source,
              CASE stage WHEN 'RefineEvents' THEN read ELSE read + n END, written + n,
              CASE stage WHEN 'RefineEvents' THEN invalid - n ELSE invalid END, late, duplicate, filtered
            FROM ledger JOIN mended USING (source)
            """
                .formatted(amounts));
    String letters =
        "SELECT * FROM dead_letter WHERE id NOT IN (SELECT id FROM dead_letter WHERE %s)";
    List<String> others = house.rows(letters.formatted(amounts));

    // When
    int status = house.replay("--reason=RULE_VIOLATION", MENDED_AMOUNTS);

    // Then
    assertThat(house.said, status, equalTo(0));
    assertThat(mendable, greaterThan(10L));
    assertThat(
        house.said,
        allOf(
            containsString(
                "Replayed %d dead letters: %d accepted, 0 refused again.\n"
                    .formatted(mendable, mendable)),
            containsString("\n%d were left unchanged: --fix makes no record of ".formatted(left))));
    assertThat(
        house.rows(
            "SELECT stage, source, read, written, invalid, late, duplicate, filtered FROM ledger"
                + " WHERE stage LIKE '%Events'"),
        equalTo(ledger));
    assertThat(house.rows("SELECT * FROM dead_letter"), equalTo(others));
  }

  @Test
  void theSameReplayAgainAndAnOrdinaryRunChangeNothing() throws Exception {
    // Given
    House house = House.filled("again");
    house.replay("--reason=RULE_VIOLATION", MENDED_AMOUNTS);
    Map<String, String> replayed = house.everything();

    // When
    int again = house.replay("--reason=RULE_VIOLATION", MENDED_AMOUNTS);
    String said = house.said;
    Map<String, String> afterReplay = house.everything();
    int run = house.run(events);

    // Then
    assertThat(said, again, equalTo(0));
    assertThat(said, startsWith("There is no dead letter to replay; nothing was run.\n"));
    assertThat(afterReplay, equalTo(replayed));
    assertThat(house.said, run, equalTo(0));
    assertThat(house.everything(), equalTo(replayed));
  }

  @Test
  void aReplayWhoseRunIsRefusedIsRepeatedToTheSameEnd() throws Exception {
    // Given
    House straight = House.filled("straight");
    straight.replay("--reason=RULE_VIOLATION", MENDED_AMOUNTS);
    House house = House.filled("refused");
    Map<String, String> before = house.published();

    // When
    int refused = house.replay("--reason=RULE_VIOLATION", MENDED_AMOUNTS, "--max-reject-ratio=0");
    String said = house.said;
    Map<String, String> between = house.published();
    int repeated = house.replay("--reason=RULE_VIOLATION", MENDED_AMOUNTS);

    // Then
    assertThat(said, refused, equalTo(2));
    assertThat(between, equalTo(before));
    assertThat(house.said, repeated, equalTo(0));
    assertThat(house.everything(), equalTo(straight.everything()));
  }

  @Test
  void textThatIsNoJsonIsMendedAsText() throws Exception {
    // Given
    House house = House.filled("texts");
    long latin = house.count("reason = 'INVALID_ENCODING'");
    long commented = 0;
    for (int file = 0; file < 2; file++) {
      commented +=
          Files.readString(
                  events.resolve("clickstream-0000" + file + ".jsonl"), StandardCharsets.ISO_8859_1)
              .lines()
              .filter(line -> line.endsWith("/* done */}"))
              .count();
    }

    // When
    house.replay("--reason=INVALID_ENCODING", "--fix=$");
    String encodings = house.said;
    house.replay(
        "--reason=MALFORMED",
        "--fix=$contains($raw, \"/* done */\") ? $eval($replace($raw, \"/* done */\", \"\"))");

    // Then
    assertThat(latin, greaterThan(3L));
    assertThat(
        encodings,
        endsWith(
            "Replayed %d dead letters: %d accepted, 0 refused again.\n".formatted(latin, latin)));
    assertThat(commented, greaterThan(0L));
    assertThat(
        house.said, containsString(": %d accepted, 0 refused again.\n".formatted(commented)));
  }

  @Test
  void whatIsRefusedAgainAndAgainIsTriedOnlyWhenItIsNamed() throws Exception {
    // Given
    House house = House.filled("poison");
    String id = house.rows("SELECT min(id) FROM dead_letter WHERE reason = 'MISSING_FIELD'").get(0);
    List<String> attempts = new ArrayList<>();
    String tried = "SELECT attempt FROM dead_letter WHERE id = '" + id + "'";

    // When
    for (String which :
        List.of("--id=" + id, "--reason=MISSING_FIELD", "--id=" + id.substring(0, 12))) {
      house.replay("--max-attempts=2", which);
      attempts.addAll(house.rows(tried));
      attempts.add(house.said.contains("refused 2 times or more: " + id) ? "left out" : "tried");
    }

    // Then
    assertThat(attempts, equalTo(List.of("2", "tried", "2", "left out", "3", "tried")));
  }

  @Test
  void whatWasMendedWronglyIsMendedAgain() throws Exception {
    // Given
    House house = House.filled("twice");
    String prices = "reason = 'RULE_VIOLATION' AND field = 'price'";
    long mendable = house.count(prices);
    house.replay(
        "--reason=RULE_VIOLATION", "--fix=$field = \"price\" ? $merge([$, {\"price\": -7}])");
    long again = house.count(prices + " AND attempt = 2 AND detail LIKE '%but is -7%'");

    // When
    house.replay("--reason=RULE_VIOLATION", "--fix=price = -7 ? $merge([$, {\"price\": 7}])");

    // Then
    assertThat(mendable, greaterThan(3L));
    assertThat(again, equalTo(mendable));
    assertThat(
        house.said,
        containsString(
            "Replayed %d dead letters: %d accepted, 0 refused again.\n"
                .formatted(mendable, mendable)));
    assertThat(house.count(prices), equalTo(0L));
  }

  @Test
  void mendsAreLeftAsideWhereTheArchiveHoldsOtherRecords() throws Exception {
    // Given
    House house = House.filled("other");
    house.replay("--reason=RULE_VIOLATION", MENDED_AMOUNTS);
    Path others = Files.createDirectory(home.resolve("others"));
    for (String file : List.of("clickstream-00000.jsonl", "clickstream-00001.jsonl")) {
      // Other records of the same lengths, at the same places.
      String text = Files.readString(events.resolve(file), StandardCharsets.ISO_8859_1);
      Files.writeString(
          others.resolve(file),
          text.replace("\"session_id\":\"S", "\"session_id\":\"X"),
          StandardCharsets.ISO_8859_1);
    }
    House fresh = new House("fresh");

    // When
    fresh.run(others);
    house.run(others);

    // Then
    assertThat(house.published(), equalTo(fresh.published()));
    assertThat(house.everything().get("mends"), not(equalTo("none")));
  }

  @Test
  void bronzeKeepsWhatArrived() throws Exception {
    // Given
    House house = House.filled("bronze");
    Map<String, String> before = bronze(house);

    // When
    house.replay("--reason=RULE_VIOLATION", MENDED_AMOUNTS);

    // Then
    assertThat(before.size(), greaterThan(2));
    assertThat(bronze(house), equalTo(before));
  }

  private static Map<String, String> bronze(House house) throws SQLException, IOException {
    Map<String, String> bronze = new TreeMap<>(house.published());
    bronze.keySet().removeIf(name -> !name.startsWith("bronze"));
    return bronze;
  }
}

package dev.millrace.it;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.not;

import com.github.luben.zstd.ZstdInputStream;
import dev.millrace.contract.Reason;
import dev.millrace.pipelines.generate.AnswerKey;
import dev.millrace.pipelines.io.Manifest;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Generated sales with known faults: what the run says of them is what the answer key says. */
class GeneratedIT {

  private static final Pattern LINE_OF_CUSTOMER =
      Pattern.compile(
          "\"account_num\":(\\d+).*\"address1\":\"([^\"]*)\".*\"phone1\":\"([^\"]*)\",\"phone2\":"
              + "\"([^\"]*)\".*\"fullname\":\"([^\"]*)\"");

  /** What may be private: names, addresses, phones, numbers of accounts. */
  private static final Pattern PERHAPS_PRIVATE =
      Pattern.compile(
          "\\d{3}-\\d{3}-\\d{4}|\\d{10,13}|\\d{1,5} [A-Z]\\w*(?: [A-Z]\\w*)*"
              + "|[A-Z][a-z]+ (?=([A-Z][a-z]+))");

  /** Customers that are refused; what is private in them must not be told either. */
  private static final List<String> SINFUL_CUSTOMERS =
      List.of(
          "{\"customer_id\":20001,\"account_num\":99887766554,\"lname\":\"Quillfeather\","
              + "\"fname\":\"Zebedee\",\"address1\":\"77 Hidden Hollow\",\"phone1\":\"909-555-0001\"",
          "{\"customer_id\":20002,\"account_num\":99887766555,\"lname\":\"Quillfeather\","
              + "\"fname\":\"Zebedee\",\"address1\":\"77 Hidden Hollow\",\"city\":\"Sooke\","
              + "\"state_province\":\"BC\",\"postal_code\":\"17172\",\"country\":\"Canada\","
              + "\"customer_region_id\":101,\"phone1\":\"909-555-0002\",\"birthdate\":\"Zebedee"
              + " Quillfeather\",\"marital_status\":\"S\",\"yearly_income\":\"$70K - $90K\","
              + "\"gender\":\"M\",\"total_children\":1,\"education\":\"x\","
              + "\"date_accnt_opened\":\"1993-03-11\",\"member_card\":\"Bronze\","
              + "\"occupation\":\"x\",\"num_cars_owned\":3}",
          "{\"customer_id\":\"Zebedee Quillfeather\",\"phone1\":\"909-555-0003\"}",
          "Zebedee Quillfeather, 77 Hidden Hollow, 909-555-0004");

  private static Path home;
  private static Path dimensions;
  private static Program program;
  private static Server server;
  private static final List<Generated> RUNS = new ArrayList<>();

  /** A set that was generated, and the run over it. */
  private record Generated(
      String name, Path directory, AnswerKey key, Connection warehouse, Program.Finished run) {
    Path lake() {
      return home.resolve("lake_" + name);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  @BeforeAll
  static void generateAndRun(@TempDir Path directory) throws Exception {
    home = directory;
    dimensions = FoodMart.unpackInto(home.resolve("foodmart"));
    Files.write(dimensions.resolve("customer.json"), SINFUL_CUSTOMERS, StandardOpenOption.APPEND);
    program = Program.warmIn(home, Map.of());
    server = Server.in(home.resolve("server"));
    RUNS.add(generated("plain", "--records=40000", "--seed=1"));
    RUNS.add(generated("gzip", "--records=10000", "--seed=2026", "--compression=gzip"));
    RUNS.add(generated("zstd", "--records=10000", "--seed=-7", "--compression=zstd", "--files=7"));
  }

  private static Generated generated(String name, String... options) throws Exception {
    Path directory = home.resolve(name);
    generate(directory, options);
    server.newWarehouse("it_" + name);
    return new Generated(
        name,
        directory,
        AnswerKey.readFrom(directory),
        server.connect("it_" + name),
        run(name, directory));
  }

  private static Program.Finished run(String name, Path sales) throws Exception {
    List<String> run = new ArrayList<>(List.of("run", "sales", "--sales=" + sales));
    run.addAll(FoodMart.dimensionOptions(dimensions));
    run.add("--lake=lake_" + name);
    run.add("--report=report_" + name);
    run.add("--warehouse=" + server.url("it_" + name));
    return program.run(run.toArray(String[]::new)).succeeded();
  }

  private static void generate(Path directory, String... options) throws Exception {
    List<String> generate = new ArrayList<>(List.of("generate", "sales", "--out=" + directory));
    generate.addAll(List.of(options));
    program.run(generate.toArray(String[]::new)).succeeded();
  }

  @AfterAll
  static void close() throws SQLException {
    for (Generated run : RUNS) {
      run.warehouse().close();
    }
    RUNS.clear();
    program.close();
    server.close();
  }

  private static Stream<Generated> runs() {
    return RUNS.stream();
  }

  @ParameterizedTest
  @MethodSource("runs")
  void theLedgerSaysOfEachFileWhatTheKeySays(Generated run) throws SQLException {
    // Given
    List<String> wanted = new ArrayList<>();
    run.key()
        .files()
        .forEach(
            (file, c) -> {
              long invalid = sum(c.invalid());
              long late = c.late() + c.future();
              long refined = c.read() - invalid - late;
              long unique = refined - c.duplicate();
              wanted.add(row("RefineSales", file, c.read(), refined, invalid, late, 0));
              wanted.add(row("DedupSales", file, refined, unique, 0, 0, c.duplicate()));
              wanted.add(row("EnrichSales", file, unique, c.written(), sum(c.orphans()), 0, 0));
            });

    // When
    List<String> ledger =
        Tables.rows(
            run.warehouse(),
            "SELECT stage, source, read, written, invalid, late, duplicate, filtered FROM ledger"
                + " WHERE stage LIKE '%Sales'");

    // Then
    assertThat(ledger, equalTo(wanted.stream().sorted().toList()));
  }

  private static String row(String stage, String file, long... counts) {
    StringBuilder row = new StringBuilder(stage).append(" | ").append(file);
    Arrays.stream(counts).forEach(count -> row.append(" | ").append(count));
    return row.append(" | 0").toString();
  }

  private static long sum(Map<?, Long> counts) {
    return counts.values().stream().mapToLong(Long::longValue).sum();
  }

  @ParameterizedTest
  @MethodSource("runs")
  void theDeadLettersOfEachFileHaveTheReasonsOfTheKey(Generated run) throws SQLException {
    // Given
    List<String> reasons = new ArrayList<>();
    List<String> orphans = new ArrayList<>();
    run.key()
        .files()
        .forEach(
            (file, counts) -> {
              counts
                  .rejects()
                  .forEach((reason, n) -> reasons.add(file + " | " + reason + " | " + n));
              counts.orphans().forEach((field, n) -> orphans.add(file + " | " + field + " | " + n));
            });

    // When
    List<String> found =
        Tables.rows(
            run.warehouse(),
            "SELECT source, reason, count(*) FROM dead_letter WHERE stage LIKE '%Sales'"
                + " GROUP BY 1, 2");
    List<String> foundOrphans =
        Tables.rows(
            run.warehouse(),
            "SELECT source, field, count(*) FROM dead_letter WHERE stage = 'EnrichSales'"
                + " GROUP BY 1, 2");

    // Then
    assertThat(found, equalTo(reasons.stream().sorted().toList()));
    assertThat(
        foundOrphans, equalTo(orphans.stream().filter(o -> !o.endsWith(" 0")).sorted().toList()));
    assertThat("reasons that occur", run.key().total().rejects().size(), greaterThan(12));
  }

  @ParameterizedTest
  @MethodSource("runs")
  void whatIsLeftIsWorthWhatTheKeySays(Generated run) throws SQLException {
    // Given
    List<String> wanted = new ArrayList<>();
    run.key()
        .files()
        .forEach(
            (file, c) ->
                wanted.add(
                    "%s | %d | %s | %s"
                        .formatted(file, c.written(), plain(c.revenue()), plain(c.units()))));

    // When
    List<String> facts =
        Tables.rows(
            run.warehouse(),
            "SELECT source, count(*), sum(store_sales), sum(unit_sales) FROM fact_sale GROUP BY 1");
    String answered = Tables.value(run.warehouse(), "SELECT sum(revenue) FROM revenue_daily");

    // Then
    assertThat(facts, equalTo(wanted.stream().sorted().toList()));
    assertThat(answered, equalTo(plain(run.key().total().revenue())));
  }

  private static String plain(BigDecimal number) {
    return number.stripTrailingZeros().toPlainString();
  }

  @ParameterizedTest
  @MethodSource("runs")
  void everyRejectCanBeFoundWhereItSays(Generated run) throws Exception {
    // Given
    Map<String, byte[]> files = new HashMap<>();
    for (String file : run.key().files().keySet()) {
      files.put(file, decompressed(run.directory().resolve(file)));
    }
    Set<String> codes = new HashSet<>();
    Arrays.stream(Reason.values()).forEach(reason -> codes.add(reason.name()));

    // When
    List<String> wrong = new ArrayList<>();
    long letters = 0;
    try (Statement statement = run.warehouse().createStatement();
        ResultSet result =
            statement.executeQuery(
                "SELECT reason, detail, source, position, payload, payload_state FROM dead_letter"
                    + " WHERE stage LIKE '%Sales'")) {
      while (result.next()) {
        letters++;
        byte[] text = files.get(result.getString("source"));
        int start = result.getInt("position");
        byte[] payload = result.getBytes("payload");
        boolean found =
            text != null
                && payload.length > 0
                && start + payload.length <= text.length
                && (start == 0 || text[start - 1] == '\n')
                && Arrays.equals(payload, Arrays.copyOfRange(text, start, start + payload.length))
                && (text[start + payload.length] == '\n'
                    || result.getString("reason").equals("TOO_LARGE"));
        if (!found
            || !codes.contains(result.getString("reason"))
            || result.getString("detail").isBlank()
            || !result.getString("payload_state").equals("PLAIN")) {
          wrong.add(result.getString("reason") + " at " + result.getString("source") + ":" + start);
        }
      }
    }

    // Then
    assertThat(wrong, empty());
    assertThat(letters, equalTo(sum(run.key().total().rejects())));
  }

  private static byte[] decompressed(Path file) throws IOException {
    try (InputStream raw = Files.newInputStream(file);
        InputStream in =
            file.toString().endsWith(".gz")
                ? new GZIPInputStream(raw)
                : file.toString().endsWith(".zst") ? new ZstdInputStream(raw) : raw) {
      return in.readAllBytes();
    }
  }

  @ParameterizedTest
  @MethodSource("runs")
  void theDeadLettersOfLakeAndWarehouseAreTheSame(Generated run) throws SQLException {
    // Given
    String columns =
        "SELECT id, stage, reason, detail, field, source, position, payload_state, contract,"
            + " contract_version, ";

    // When
    List<String> inWarehouse =
        Tables.rows(run.warehouse(), columns + "md5(payload) FROM dead_letter");
    List<String> inLake;
    try (Connection duck = Tables.duckDb()) {
      inLake =
          Tables.rows(
              duck,
              columns
                  + "md5(payload) FROM "
                  + LakeFiles.table(run.lake(), "rejects", "dead_letter"));
    }

    // Then
    assertThat(inLake, equalTo(inWarehouse));
    assertThat(inLake, hasSize((int) sum(run.key().total().rejects()) + SINFUL_CUSTOMERS.size()));
  }

  @Test
  void aSecondRunChangesNoRowAndNoFile() throws Exception {
    // Given
    Generated first = RUNS.get(1);
    Map<String, String> rows = Tables.fingerprint(first.warehouse());
    Map<String, String> files = LakeFiles.hashes(first.lake());
    Manifest manifest = LakeFiles.manifest(first.lake());

    // When
    run(first.name(), first.directory());

    // Then
    Map<String, String> rowsAfter = Tables.fingerprint(first.warehouse());
    for (String ofRuns : List.of("run", "run_change")) {
      rows.remove(ofRuns);
      rowsAfter.remove(ofRuns);
    }
    assertThat(rowsAfter, equalTo(rows));
    List<String> changes =
        Tables.rows(
            first.warehouse(),
            "SELECT table_name, inserted, updated, deleted FROM run_change WHERE run_id ="
                + " (SELECT run_id FROM run ORDER BY published_at DESC LIMIT 1)");
    assertThat(changes, hasSize(16));
    assertThat(changes, everyItem(matchesPattern(".* \\| 0 \\| 0 \\| 0")));
    assertThat(Tables.value(first.warehouse(), "SELECT count(*) FROM run"), equalTo("2"));
    Map<String, String> filesAfter = LakeFiles.hashes(first.lake());
    files.remove(Manifest.NAME);
    filesAfter.remove(Manifest.NAME);
    assertThat(filesAfter, equalTo(files));
    Manifest manifestAfter = LakeFiles.whole(first.lake());
    assertThat(manifestAfter.run(), not(equalTo(manifest.run())));
    assertThat(manifestAfter.files(), equalTo(manifest.files()));
    LakeFiles.holdsNothingElse(first.lake());
  }

  @Test
  void theSameSeedMakesTheSameBytes() throws Exception {
    // Given
    Path again = home.resolve("again");
    Path other = home.resolve("other");

    // When
    generate(again, "--records=40000", "--seed=1");
    generate(other, "--records=40000", "--seed=2");

    // Then
    assertThat(LakeFiles.hashes(again), equalTo(LakeFiles.hashes(home.resolve("plain"))));
    Map<String, String> different = LakeFiles.hashes(other);
    different.values().retainAll(LakeFiles.hashes(again).values());
    assertThat("files of another seed that are the same", different, equalTo(Map.of()));
  }

  @Test
  void nothingPrivateIsTold() throws Exception {
    // Given
    Generated run = RUNS.get(0);
    Set<String> secrets = new HashSet<>();
    for (String line : Files.readAllLines(dimensions.resolve("customer.json"))) {
      Matcher customer = LINE_OF_CUSTOMER.matcher(line);
      if (customer.find()) {
        for (int i = 1; i <= customer.groupCount(); i++) {
          secrets.add(customer.group(i));
        }
      }
    }
    secrets.addAll(
        List.of("Zebedee Quillfeather", "77 Hidden Hollow", "99887766554", "99887766555"));
    secrets.addAll(List.of("909-555-0001", "909-555-0002", "909-555-0003", "909-555-0004"));

    // When
    Set<String> inInput = told(Files.readString(dimensions.resolve("customer.json")), secrets);
    Map<String, Set<String>> told = new TreeMap<>();
    for (String table : Tables.fingerprint(run.warehouse()).keySet()) {
      told.put("table " + table, toldBy(run.warehouse(), "\"" + table + "\"", secrets));
    }
    try (Connection duck = Tables.duckDb();
        Stream<Path> files = Files.walk(run.lake())) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        String name = run.lake().relativize(file).toString();
        told.put(
            name,
            name.endsWith(".parquet")
                ? toldBy(duck, "read_parquet('" + file + "')", secrets)
                : told(text(file), secrets));
      }
    }
    for (Path directory : List.of(home.resolve("report_plain"), home.resolve(".millrace/logs"))) {
      try (Stream<Path> files = Files.walk(directory)) {
        for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
          told.put(file.toString(), told(text(file), secrets));
        }
      }
    }
    told.put("summary", told(run.run().out() + run.run().err(), secrets));
    int places = told.size();
    told.values().removeIf(Set::isEmpty);

    // Then
    assertThat("the search finds what is there", inInput.size(), greaterThan(40_000));
    assertThat("places that were searched", places, greaterThan(45));
    assertThat(told, equalTo(Map.of()));
    assertThat(
        "names in the warehouse",
        Tables.rows(
            run.warehouse(),
            "SELECT fname, lname FROM dim_customer WHERE customer_id IN (1, 2) AND (fname ~* "
                + "'sheri|derrick' OR lname ~* 'nowmer|whelply')"),
        empty());
  }

  private static String text(Path file) throws IOException {
    return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
  }

  /** Secrets in any column; of bytes, in what they say as text. */
  private static Set<String> toldBy(Connection database, String table, Set<String> secrets)
      throws SQLException {
    StringBuilder text = new StringBuilder();
    try (Statement statement = database.createStatement();
        ResultSet result = statement.executeQuery("SELECT * FROM " + table)) {
      boolean[] bytes = new boolean[result.getMetaData().getColumnCount()];
      for (int i = 0; i < bytes.length; i++) {
        String type = result.getMetaData().getColumnTypeName(i + 1);
        bytes[i] = type.equalsIgnoreCase("bytea") || type.equalsIgnoreCase("blob");
      }
      while (result.next()) {
        for (int i = 0; i < bytes.length; i++) {
          text.append(
                  bytes[i]
                      ? new String(result.getBytes(i + 1), StandardCharsets.ISO_8859_1)
                      : result.getString(i + 1))
              .append('\n');
        }
      }
    }
    return told(text, secrets);
  }

  private static Set<String> told(CharSequence text, Set<String> secrets) {
    Set<String> told = new HashSet<>();
    Matcher perhaps = PERHAPS_PRIVATE.matcher(text);
    while (perhaps.find()) {
      String word = perhaps.group(1) == null ? perhaps.group() : perhaps.group() + perhaps.group(1);
      if (secrets.contains(word)) {
        told.add(word);
      }
    }
    return told;
  }
}

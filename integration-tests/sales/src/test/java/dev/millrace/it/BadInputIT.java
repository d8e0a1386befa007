package dev.millrace.it;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.millrace.pipelines.io.LakeLock;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What goes wrong is told in one sentence: what, where, and what to do. Whatever it was, lake and
 * warehouse are as they were.
 */
class BadInputIT {

  private static Path home;
  private static Path lake;
  private static Program program;
  private static Server server;
  private static String url;
  private static List<String> dimensions;
  private static Path otherSales;
  private static int closedPort;
  private static Map<String, String> filesBefore;
  private static Map<String, String> tablesBefore;

  @BeforeAll
  static void publishSomething(@TempDir Path directory) throws Exception {
    home = directory;
    lake = home.resolve("lake");
    program = Program.warmIn(home, Map.of("IT_PASSWORD", "wrong"));
    server = Server.in(home.resolve("server"));
    url = server.newWarehouse("it_bad");
    Path sample = home.resolve("sample");
    Path sales = FoodMart.sampleInto(sample, 5);
    dimensions = FoodMart.dimensionOptions(sample);
    // The same customers, and other sales: a run over these changes every answer.
    List<String> lines = Files.readAllLines(sales);
    otherSales = Files.write(home.resolve("other.json"), lines.subList(0, lines.size() / 2));
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      closedPort = free.getLocalPort();
    }
    writeBadFiles(sales);
    lockDatabase();
    run(List.of("--sales=" + sales)).succeeded();
    filesBefore = LakeFiles.hashes(lake);
    tablesBefore = tables();
  }

  private static void writeBadFiles(Path sales) throws IOException {
    Files.createFile(home.resolve("empty.json"));
    Files.createDirectory(home.resolve("hollow"));
    Files.writeString(home.resolve("text.parquet"), "This is a letter, not a table.\n");
    Files.writeString(home.resolve("blank.json"), "\n\n  \n");
    Files.writeString(home.resolve("semicolons.csv"), "product_id;time_id\n1;371\n");
    Files.writeString(home.resolve("other.csv"), "colour,size\nred,3\n");
    Files.write(home.resolve("binary.json"), new byte[] {'{', 0, 1, 2, 3, 0, 0, 9});
    Files.writeString(home.resolve("file"), "in the way");
    byte[] all = Files.readAllBytes(sales);
    Path whole = home.resolve("whole.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(whole))) {
      out.write(all);
    }
    byte[] zipped = Files.readAllBytes(whole);
    Files.write(home.resolve("cut.json.gz"), Arrays.copyOf(zipped, zipped.length * 2 / 3));
    Files.write(home.resolve("cut-early.json.gz"), Arrays.copyOf(zipped, 200));
    Files.writeString(home.resolve("cut-early.parquet"), "PAR1");
    Files.write(
        home.resolve("cut.parquet"),
        "PAR1 and then nothing of a table".getBytes(StandardCharsets.US_ASCII));
    Files.write(home.resolve("unreadable.json"), all);
    Files.setPosixFilePermissions(
        home.resolve("unreadable.json"), PosixFilePermissions.fromString("---------"));
  }

  /** A database that asks one user for a password. */
  private static void lockDatabase() throws SQLException, IOException {
    try (Connection connection = server.connect("it_bad")) {
      Tables.execute(connection, "CREATE ROLE guarded LOGIN PASSWORD 'right'");
      Path access = home.resolve("server/data/pg_hba.conf");
      Files.writeString(
          access, "host all guarded 127.0.0.1/32 scram-sha-256\n" + Files.readString(access));
      Tables.execute(connection, "SELECT pg_reload_conf()");
    }
  }

  @AfterAll
  static void close() {
    program.close();
    server.close();
  }

  @AfterEach
  void nothingHasChanged() throws Exception {
    assertThat("the lake", LakeFiles.hashes(lake), equalTo(filesBefore));
    assertThat("the warehouse", tables(), equalTo(tablesBefore));
    try (Connection connection = server.connect("it_bad")) {
      assertThat(
          "schemas that are left",
          Tables.rows(
              connection,
              "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'"),
          equalTo(List.of("public")));
    }
  }

  private static Map<String, String> tables() throws SQLException {
    try (Connection connection = server.connect("it_bad")) {
      return Tables.fingerprint(connection);
    }
  }

  /**
   * A command that must fail.
   *
   * @param name what is wrong
   * @param arguments options that differ from a good run, or the whole command if the first has no
   *     hyphen
   * @param told what the sentence says
   */
  private record Bad(String name, List<String> arguments, List<String> told) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Bad bad(String name, String argument, String... told) {
    return new Bad(name, List.of(argument.split(" ", -1)), List.of(told));
  }

  private static Stream<Bad> bad() {
    return Stream.of(
        bad("a source that is missing", "--sales=nowhere.json", "--sales", "nowhere.json", "name"),
        bad("a dimension that is missing", "--stores=nowhere.json", "--stores", "nowhere.json"),
        bad("an empty file", "--sales=empty.json", "--sales", "empty.json", "empty"),
        bad("a file of blank lines", "--sales=blank.json", "--sales", "blank.json", "blank"),
        bad("an empty directory", "--sales=hollow", "--sales", "hollow", "no"),
        bad("a glob that matches nothing", "--sales=none-*.json", "--sales", "none-*.json"),
        bad("nothing between commas", "--sales=other.json,,other.json", "--sales", "comma"),
        bad("a text named Parquet", "--sales=text.parquet", "--sales", "text.parquet", "Parquet"),
        bad("bytes named JSON", "--sales=binary.json", "--sales", "binary.json", "convert"),
        bad("a CSV with semicolons", "--sales=semicolons.csv", "--sales", "commas"),
        bad("a CSV of something else", "--sales=other.csv", "--sales", "other.csv", "header"),
        bad("a Parquet file cut off", "--sales=cut.parquet", "cut.parquet"),
        bad("the beginning of a Parquet file", "--sales=cut-early.parquet", "cut-early.parquet"),
        bad("a gzip file cut off", "--sales=cut.json.gz", "cut.json.gz"),
        bad("the beginning of a gzip file", "--sales=cut-early.json.gz", "cut-early.json.gz"),
        bad("an unknown option", "--salse=x", "--salse", "--sales"),
        bad("an unknown command", "rum sales", "rum", "run"),
        bad("a command without its verb", "sales", "millrace run sales"),
        bad("a misspelt pipeline", "run slaes", "slaes", "sales"),
        bad("no pipeline", "run", "sales"),
        bad("a topic without a name", "--sales=kafka:/x", "--sales", "kafka:/x", "topic"),
        bad("a topic without an end", "--sales=kafka://127.0.0.1:1/x", "--sales", "until=end"),
        bad(
            "a broker that is down",
            "--sales=kafka://127.0.0.1:" + closedPort + "/x?until=end",
            "--sales",
            "127.0.0.1:" + closedPort,
            "millrace stack up"),
        bad("a store that is not known", "--sales=s3://b/x", "--sales", "s3://b/x", "path"),
        bad("another database", "--warehouse=jdbc:mysql://h/d", "jdbc:mysql", "jdbc:postgresql"),
        bad(
            "a warehouse that is down",
            "--warehouse=jdbc:postgresql://127.0.0.1:" + closedPort + "/x",
            "127.0.0.1:" + closedPort,
            "heck"),
        bad(
            "a database that is not there",
            "--warehouse=" + server.url("it_none"),
            "it_none",
            "reate"),
        bad(
            "a wrong password",
            "--warehouse-user=guarded --warehouse-password=env:IT_PASSWORD",
            "password",
            "guarded",
            "heck"),
        bad(
            "a password that is not there",
            "--warehouse-user=guarded --warehouse-password=env:IT_NO_SUCH_PASSWORD",
            "IT_NO_SUCH_PASSWORD"),
        bad("a lake that is a file", "--lake=file", "--lake", "'file'", "name another"),
        bad("a lake without a name", "--lake=", "--lake", "name a directory"),
        bad("a lake below a file", "--lake=file/lake", "--lake", "'file/lake'", "name another"),
        bad("a key that is not there", "--secret=env:IT_NO_SUCH_KEY", "--secret", "IT_NO_SUCH_KEY"),
        bad("a key that is too short", "--secret=file:empty.json", "--secret", "at least 32"),
        bad("a key for all to see", "--secret=verysecretindeed", "--secret", "env:NAME"),
        bad("a report that is a file", "--report=file", "--report", "'file'", "name another"),
        bad("a duration that is none", "--max-lateness=soon", "--max-lateness", "soon", "7d"),
        bad("a number that is none", "--top-customers=ten", "--top-customers", "ten"),
        bad("no top at all", "--top-products=0", "--top-products", "10000"),
        bad("a share beyond all", "--max-reject-ratio=1.5", "--max-reject-ratio", "1"),
        bad("a day that is none", "--as-of=1998-02-30", "--as-of", "1998-02-30"));
  }

  @ParameterizedTest
  @MethodSource("bad")
  void isToldInOneSentenceAndChangesNothing(Bad bad) throws Exception {
    // When
    Program.Finished refused =
        bad.arguments().get(0).startsWith("-")
            ? run(bad.arguments())
            : program.run(bad.arguments().toArray(String[]::new));

    // Then
    toldInOneSentence(refused, bad.told());
  }

  @Test
  void moreRejectsThanAllowedAreToldWithNumbersAndNothingIsPublished() throws Exception {
    // Given
    program.run("generate", "sales", "--records=1000", "--out=sinful").succeeded();

    // When
    Program.Finished refused =
        run(Program.in(home), List.of("--sales=sinful", "--max-reject-ratio=0.01"));

    // Then
    toldInOneSentence(refused, List.of("refused", "--max-reject-ratio=0.01", " of 1,000 sales"));
  }

  @Test
  @SuppressWarnings("try") // the lake is held, not used
  void aLakeThatAnotherRunIsWritingIsToldAndLeftAlone() throws Exception {
    try (LakeLock another = LakeLock.of(lake)) {
      // When
      Program.Finished refused = run(List.of("--sales=other.json"));

      // Then
      toldInOneSentence(refused, List.of("another run", lake.toString(), "wait"));
    }
  }

  @Test
  void aFileThatMayNotBeReadIsNamed() throws Exception {
    // Given
    boolean root = "root".equals(System.getProperty("user.name"));
    Program powerless =
        root
            ? program.startedBy("setpriv", "--bounding-set=-dac_override,-dac_read_search")
            : program;

    // When
    Program.Finished refused = run(powerless, List.of("--sales=unreadable.json"));

    // Then
    toldInOneSentence(refused, List.of("unreadable.json", "ermission"));
  }

  @Test
  void aDiskThatIsFullLeavesLakeAndWarehouseAsTheyWere() throws Exception {
    // Given
    Path small = Files.createDirectory(home.resolve("small"));
    String[] onSmallDisk = {
      "unshare",
      "--map-root-user",
      "--mount",
      "sh",
      "-c",
      "mount -t tmpfs -o size=256k tmpfs '" + small + "' && exec \"$@\"",
      "sh"
    };
    List<String> probe = new ArrayList<>(List.of(onSmallDisk));
    probe.add("true");
    assumeTrue(
        new ProcessBuilder(probe).start().waitFor() == 0,
        "this machine lets nobody mount a disk of his own");

    // When
    Program.Finished refused =
        run(program.startedBy(onSmallDisk), List.of("--sales=" + otherSales, "--lake=" + small));

    // Then
    toldInOneSentence(refused, List.of("disk is full", "free some space"));
  }

  @Test
  void theStackOfAnErrorIsShownWhenAskedFor() throws Exception {
    // When
    Program.Finished refused = run(Program.in(home), List.of("--sales=nowhere.json", "--debug"));

    // Then
    assertThat(refused.status(), not(0));
    assertThat(refused.err(), containsString("\tat dev.millrace."));
  }

  private static void toldInOneSentence(Program.Finished refused, List<String> told) {
    String err = refused.err();
    assertThat(err, refused.status(), not(0));
    assertThat(err, err.lines().toList(), hasSize(1));
    assertThat(err, startsWith("millrace: "));
    told.forEach(part -> assertThat(err, containsString(part)));
    for (String noise : List.of("Exception", "java.", "dev.millrace.", "null", "\tat ")) {
      assertThat(err, not(containsString(noise)));
    }
    assertThat(refused.out(), equalTo(""));
  }

  private static Program.Finished run(List<String> options) throws Exception {
    return run(program, options);
  }

  /** A run that is good but for some options. */
  private static Program.Finished run(Program program, List<String> options) throws Exception {
    List<String> arguments = new ArrayList<>(List.of("run", "sales", "--log=quiet"));
    List<String> good = new ArrayList<>(dimensions);
    good.addAll(
        List.of(
            "--sales=" + otherSales, "--lake=" + lake, "--report=report", "--warehouse=" + url));
    List<String> names = options.stream().map(BadInputIT::name).toList();
    good.stream().filter(option -> !names.contains(name(option))).forEach(arguments::add);
    arguments.addAll(options);
    return program.run(arguments.toArray(String[]::new));
  }

  private static String name(String option) {
    return option.replaceFirst("=.*", "");
  }
}

package dev.millrace.runners;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Ddl;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.transforms.refine.Vault;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import org.apache.beam.runners.direct.DirectOptions;
import org.apache.beam.runners.direct.DirectRunner;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Dead letters at the command line, in a real PostgreSQL. */
class DeadLetterCommandsTest {

  private static final String INSERT =
      "INSERT INTO dead_letter (id, pipeline, pipeline_version, stage, reason, detail, field,"
          + " payload, payload_state, source, position, event_time, arrival_time, contract,"
          + " contract_version, attempt) VALUES ";

  @TempDir static Path directory;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @BeforeAll
  static void fillTheWarehouse() throws Exception {
    DeadLetterCommandsTest first = new DeadLetterCommandsTest();
    first.millrace("run", "count-words", "--words=a", "--store");
    Path key = directory.resolve("key");
    Vault.createIfAbsent(key);
    byte[] encrypted =
        Vault.open("file:" + key).encrypt("{\"name\":\"Ann\"}".getBytes(StandardCharsets.UTF_8));
    int status =
        first.millrace(
            "sql",
            "--write",
            Ddl.createTable(Contract.of(DeadLetter.class))
                + ";"
                + INSERT
                + """
                ('ab01', 'clicks', '1', 'RefineEvents', 'MALFORMED', 'no JSON at byte 12', NULL,
                 '\\x7b2261223a091bff', 'PLAIN', 'a.json', 7, NULL, '2026-01-02T03:04:05Z', 'ShopEvent', 0, 1),
                ('ab02', 'clicks', '1', 'RefineEvents', 'RULE_VIOLATION', 'price must be at least 0', 'price',
                 '\\x7b7d', 'PLAIN', 'b.json', 9, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 'ShopEvent', 2, 3),
                ('cd03', 'sales', '1', 'RefineCustomers', 'MISSING_FIELD', 'city is absent', 'city',
                 '\\x%s', 'ENCRYPTED', 'customer.json', 0, NULL, NULL, 'Customer', 1, 1)
                """
                    .formatted(HexFormat.of().formatHex(encrypted)));
    assertThat(first.err(), status, equalTo(0));
  }

  @Test
  void listsTheLatestFirstWithTotalsAndWithoutPayload() {
    // When
    int status = millrace("dead-letters", "list");

    // Then
    assertThat(err(), status, equalTo(0));
    assertThat(
        out(),
        equalTo(
            """
            id   | reason         | stage           | field | source        | position | arrival                  | attempt
            -----+----------------+-----------------+-------+---------------+----------+--------------------------+--------
            ab01 | MALFORMED      | RefineEvents    | NULL  | a.json        |        7 | 2026-01-02T03:04:05.000Z |       1
            ab02 | RULE_VIOLATION | RefineEvents    | price | b.json        |        9 | 2026-01-01T00:00:00.000Z |       3
            cd03 | MISSING_FIELD  | RefineCustomers | city  | customer.json |        0 | NULL                     |       1
            (3 rows)

                     1  MALFORMED
                     1  MISSING_FIELD
                     1  RULE_VIOLATION
                     3  in all
            """));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--pipeline=sales | cd03",
        "--reason=malformed,MISSING_FIELD | ab01 cd03",
        "--stage=RefineEvents | ab01 ab02",
        "--source=b.json | ab02",
        "--since=2026-01-02T00:00:00Z | ab01",
        "--stage=RefineEvents --reason=RULE_VIOLATION | ab02",
        "--limit=2 | ab01 ab02"
      })
  void listsWhatTheFiltersMean(String filters, String ids) {
    // When
    millrace(("dead-letters list --format=csv " + filters).split(" ", -1));

    // Then
    List<String> found = out().lines().skip(1).map(line -> line.substring(0, 4)).toList();
    assertThat(err(), String.join(" ", found), equalTo(ids));
  }

  @Test
  void explainsFromTheBeginningOfAnId() {
    // When
    int status = millrace("dead-letters", "explain", "AB02");

    // Then
    assertThat(err(), status, equalTo(0));
    assertThat(
        out(),
        equalTo(
            """
            RULE_VIOLATION in RefineEvents of clicks: A value breaks a rule of its contract.
              detail      price must be at least 0
              field       price
              remedy      Mend the value, or the rule.
              where       b.json, position 9
              arrived     2026-01-01T00:00:00Z
              event time  2026-01-01T00:00:00Z
              contract    ShopEvent, version 2
              pipeline    clicks, version 1
              tried       3 times
              payload     2 bytes; --payload shows them
              id          ab02
            """));
  }

  @Test
  void showsBytesThatCannotBePrinted() {
    // When
    millrace("dead-letters", "explain", "ab01", "--payload");

    // Then
    assertThat(err(), out().lines().reduce("", (a, b) -> b), equalTo("{\"a\":\\t\\u001B\\xFF"));
    assertThat(out(), containsString("ShopEvent, in a version that could not be told"));
  }

  @Test
  void showsWhatIsEncryptedOnlyToWhoHasTheKey() throws Exception {
    // Given
    Vault.createIfAbsent(directory.resolve("other"));

    // When
    millrace("dead-letters", "explain", "cd");
    String untold = out();
    out.reset();
    int refused = millrace("dead-letters", "explain", "cd", "--payload", secret("other"));
    String told = out();
    String sentence = err();
    millrace("dead-letters", "explain", "cd", "--payload", secret("key"));

    // Then
    assertThat(untold, allOf(not(containsString("Ann")), containsString("--secret=")));
    assertThat(refused, equalTo(2));
    assertThat(told, equalTo(""));
    assertThat(
        sentence,
        startsWith(
            "millrace: The payload of cd03 cannot be decrypted: encrypted with another secret"));
    assertThat(out(), containsString("\n{\"name\":\"Ann\"}\n"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "explain ab | More than one dead letter begins with ab: ab01, ab02; give more of the id.",
        "explain ef | There is no dead letter ef; it may have been replayed or purged.",
        "explain a% | 'a%' is no id of a dead letter;",
        "explain | Missing required parameter: 'ID'",
        "list --reason=BROKEN | --reason is 'BROKEN', which is no reason. There are INVALID_ENCODING,",
        "list --since=yesterday | --since is 'yesterday', which is no time; write it like 2026-01-01T00:00:00Z.",
        "list --limit=0 | --limit is 0; give at least 1.",
        "list --raeson=x | Unknown option --raeson of list. Did you mean --reason?",
        "purge --reason=LATE | Say which dead letters to delete: --older-than=30d, or --id=ID.",
        "purge --older-than=month | --older-than is 'month', which is no duration;",
        "replay | Name a pipeline first: count-words.",
        "replay count-words --fix=$( | --fix cannot be understood as JSONata: ",
        "replay count-words --max-attempts=0 | --max-attempts is 0; give at least 1.",
        "lits | There is no millrace dead-letters lits. Did you mean list?",
      })
  void whatTheUserCanMendIsSaidInOneSentence(String typed, String sentence) {
    // When
    int status = millrace(("dead-letters " + typed).split(" ", -1));

    // Then
    assertThat(err(), startsWith("millrace: " + sentence));
    assertThat(status, equalTo(2));
    assertThat(out(), equalTo(""));
  }

  @Test
  void saysWhatCanBeDoneWithDeadLetters() {
    // When
    int status = millrace("dead-letters");

    // Then
    assertThat(status, equalTo(2));
    assertThat(err(), startsWith("millrace: Say what to do with dead letters: list, explain"));
  }

  @Test
  void helpIsFoundInTheUsualWays() {
    // When
    millrace("dead-letters", "--help");
    String all = out();
    out.reset();
    millrace("dead-letters", "explain", "--help");

    // Then
    assertThat(all, allOf(containsString("list"), containsString("explain")));
    assertThat(out(), containsString("Usage: millrace dead-letters explain"));
  }

  @Test
  void saysThatAWarehouseHasNoDeadLettersYet() {
    // Given
    millrace("sql", "--write", "CREATE SCHEMA bare");
    Path place = directory.resolve(".millrace/postgres");

    try (dev.millrace.local.LocalPostgres postgres = dev.millrace.local.LocalPostgres.in(place)) {
      // When
      int status =
          millrace(
              "dead-letters", "list", "--warehouse=" + postgres.jdbcUrl() + "&currentSchema=bare");

      // Then
      assertThat(status, equalTo(2));
      assertThat(err(), startsWith("millrace: This warehouse has no table dead_letter yet;"));
    }
  }

  @Test
  void purgeShowsWhatItWouldDeleteAndDeletesItWhenToldTo() {
    // Given
    millrace(
        "sql",
        "--write",
        INSERT
            + """
            ('f001', 'purged', '1', 'S', 'LATE', 'd', NULL, NULL, 'OMITTED', 's', 1, NULL, '2020-01-01T00:00:00Z', 'C', 1, 1),
            ('f002', 'purged', '1', 'S', 'LATE', 'd', NULL, NULL, 'OMITTED', 's', 2, NULL, now(), 'C', 1, 1),
            ('f003', 'purged', '1', 'S', 'LATE', 'd', NULL, NULL, 'OMITTED', 's', 3, NULL, NULL, 'C', 1, 1)
            """);
    String filter = "--pipeline=purged";
    out.reset();

    // When
    int shown = millrace("dead-letters", "purge", filter, "--older-than=30d");
    String wouldDelete = out();
    String kept = ids(filter);
    out.reset();
    millrace("dead-letters", "purge", filter, "--older-than=30d", "--yes");
    String deleted = out();
    String keptThen = ids(filter);
    millrace("dead-letters", "purge", "--id=f002,f003", "--yes");

    // Then
    assertThat(err(), shown, equalTo(0));
    assertThat(
        wouldDelete,
        equalTo(
            "         1  LATE\n         1  in all\nNothing was deleted; add --yes to delete them.\n"));
    assertThat(kept, equalTo("f002 f001 f003"));
    assertThat(
        deleted, equalTo("         1  LATE\n         1  in all\nDeleted 1 from the warehouse.\n"));
    assertThat(keptThen, equalTo("f002 f003"));
    assertThat(ids(filter), equalTo(""));
  }

  private String ids(String filter) {
    out.reset();
    millrace("dead-letters", "list", "--format=csv", filter);
    return String.join(" ", out().lines().skip(1).map(line -> line.substring(0, 4)).toList());
  }

  private static String secret(String file) {
    return "--secret=file:" + directory.resolve(file);
  }

  private int millrace(String... arguments) {
    PrintStream errors = new PrintStream(err, true, StandardCharsets.UTF_8);
    return new Millrace(
            new Engine(
                DirectRunner.class,
                DirectOptions.class,
                List.of("--blockOnRun=false", "--targetParallelism=2")),
            List.of(new CountWords()),
            List.of(new CountWords.Generator()),
            directory,
            new PrintStream(out, true, StandardCharsets.UTF_8),
            errors)
        .run(arguments);
  }

  private String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }
}

package dev.millrace.runners;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;

import dev.millrace.pipelines.UserError;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.beam.runners.direct.DirectOptions;
import org.apache.beam.runners.direct.DirectRunner;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.PipelineRunner;
import org.apache.beam.sdk.metrics.MetricResults;
import org.apache.beam.sdk.options.PipelineOptions;
import org.joda.time.Duration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The whole command line, with a tiny pipeline and a real PostgreSQL. */
class MillraceTest {

  @TempDir static Path directory;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @BeforeAll
  static void fillTheWarehouse() {
    MillraceTest first = new MillraceTest();
    int status = first.millrace("run", "count-words", "--words=a,b", "--store");
    assertThat(first.err(), status, equalTo(0));
    assertThat(
        first.millrace(
            "sql",
            "--write",
            """
            CREATE TABLE sold (day DATE, shop TEXT, revenue NUMERIC(12, 2), ok BOOLEAN);
            INSERT INTO sold VALUES
              ('1997-01-01', 'Café "9"', 1234.50, true),
              ('1997-01-02', NULL, -7, false),
              ('1997-01-03', '', NULL, NULL)
            """),
        equalTo(0));
  }

  @Test
  void runsAPipelineFromItsOptionsToItsSummary() {
    // When
    int status = millrace("run", "count-words", "--words=to,be,or", "--top=3", "--store");

    // Then
    assertThat(status, equalTo(0));
    assertThat(out(), equalTo("top 3 of 3 words\n"));
    assertThat(
        err(),
        matchesPattern(
            """
            run: Preparing …
            run: Preparing: .* s
            run: Running …
            run: Running: .* s
            run: Finishing …
            run: Finishing: .* s
            run: Publishing …
            run: Publishing: .* s
            """));
  }

  @Test
  void runsABatchAgainUntilARunFails() {
    // When
    int status =
        millrace(
            "run",
            "count-words",
            "--words=to,be",
            "--ending=REFUSED_THE_THIRD_TIME",
            "--every=PT0.1S");

    // Then
    assertThat(status, not(equalTo(0)));
    assertThat(out(), equalTo("top 10 of 2 words\n".repeat(2)));
    assertThat(err(), containsString("run: Waiting for the next run …"));
    assertThat(err(), containsString("millrace: Three are enough."));
  }

  @Test
  void generatesTestData() throws IOException {
    // Given
    Path file = directory.resolve("words.txt");

    // When
    int status = millrace("generate", "count-words", "--records=3", "--out=" + file, "--log=quiet");

    // Then
    assertThat(status, equalTo(0));
    assertThat(Files.readAllLines(file).size(), equalTo(3));
    assertThat(err(), equalTo(""));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "run count-wrods | There is no pipeline 'count-wrods'. Did you mean count-words? There is count-words.",
        "run | Name a pipeline first: count-words.",
        "run count-words --tpo=1 | Unknown option --tpo of count-words. Did you mean --top?",
        "run count-words | There are no words; give some: --words=to,be.",
        "run count-words --words=a --ending=REFUSED | Too many words were rejected; raise --max-reject-ratio.",
        "run count-words --words=a --every=often | --every is 'often', which is no duration",
        "run count-words --log=loud | Invalid value for option '--log'",
        "backfill count-words --from=yesterday --to=2026-01-01T00:00:00Z | --from is 'yesterday', which is no time",
        "backfill count-words --from=2026-01-01T00:00:00Z --to=2026-01-02T00:00:00Z --words=a | This pipeline has no windows to fill",
        "backfill count-words --to=2026-01-01T00:00:00Z | Missing required option: '--from=TIME'",
        "generate wrods | There is no generator 'wrods'.",
        "count-words | There is no command 'count-words'. Did you mean millrace run count-words?",
        "lst | There is no command 'lst'. Did you mean list?",
        "sql SELECT 1 | '1' is one argument too many for sql; put what belongs together into quotes.",
        "sql --fromat=csv x | Unknown option --fromat of sql. Did you mean --format?",
        "sql --warehouse=oracle x | --warehouse is 'oracle'; give a jdbc:postgresql: URL or 'embedded'.",
        "sql --warehouse-password=secret x | --warehouse-password takes a reference, env:NAME or file:PATH, and not the password itself.",
        "help salse | There is no pipeline 'salse'."
      })
  void whatTheUserCanMendIsSaidInOneSentenceAndEndsWithStatus2(String typed, String sentence) {
    // When
    int status = millrace(typed.split(" ", -1));

    // Then
    assertThat(status, equalTo(2));
    assertThat(lastLine(), startsWith("millrace: " + sentence));
    assertThat(err(), not(containsString("\tat ")));
  }

  @Test
  void anotherFailureIsOneSentenceWithStatus1AndItsStackIsInTheLog() throws IOException {
    // When
    int status = millrace("run", "count-words", "--words=a", "--ending=BROKEN");

    // Then
    assertThat(status, equalTo(1));
    assertThat(
        lastLine(),
        startsWith(
            "millrace: The run failed: the counter is stuck (IllegalStateException). Details: .millrace/logs/run-"));
    assertThat(err(), not(containsString("\tat ")));
    Path log = directory.resolve(lastLine().replaceFirst(".*Details: ", ""));
    assertThat(Files.readString(log), containsString("\tat dev.millrace.runners.CountWords"));
  }

  @Test
  void aLogThatCouldNotBeWrittenIsNotNamed() throws IOException {
    // Given
    Path where = Files.createDirectory(directory.resolve("unwritable"));
    Files.writeString(where.resolve(".millrace"), "in the way");

    // When
    int status = millrace(where, "run", "count-words", "--words=a", "--ending=BROKEN");

    // Then
    assertThat(status, equalTo(1));
    assertThat(
        lastLine(),
        equalTo("millrace: The run failed: the counter is stuck (IllegalStateException)."));
  }

  @Test
  void aRunnerThatCannotBeStoppedDoesNotHideWhyTheRunFailed() {
    // When
    int status =
        millrace(directory, RunnerThatCannotBeStopped.class, "run", "count-words", "--words=a");

    // Then
    assertThat(status, equalTo(2));
    assertThat(lastLine(), equalTo("millrace: Too many words were rejected."));
  }

  /** Refuses every run, and fails when it is to stop. */
  public static final class RunnerThatCannotBeStopped extends PipelineRunner<PipelineResult> {
    /** As Beam makes runners. */
    public static RunnerThatCannotBeStopped fromOptions(PipelineOptions options) {
      return new RunnerThatCannotBeStopped();
    }

    @Override
    public PipelineResult run(Pipeline pipeline) {
      return new PipelineResult() {
        @Override
        public State getState() {
          return State.RUNNING;
        }

        @Override
        public State cancel() {
          throw new IllegalStateException("Error during executor shutdown");
        }

        @Override
        public State waitUntilFinish(Duration duration) {
          throw new UserError("Too many words were rejected.");
        }

        @Override
        public State waitUntilFinish() {
          return waitUntilFinish(Duration.ZERO);
        }

        @Override
        public MetricResults metrics() {
          throw new UnsupportedOperationException("there are none");
        }
      };
    }
  }

  @Test
  void aKnownCauseInAStepIsTranslated() {
    // When
    int status = millrace("run", "count-words", "--words=a", "--ending=MISSING_FILE");

    // Then
    assertThat(status, equalTo(1));
    assertThat(
        lastLine(), startsWith("millrace: There is no file /data/words.txt; check the path."));
  }

  @Test
  void debugShowsTheStack() {
    // When
    millrace("run", "count-words", "--words=a", "--ending=BROKEN", "--debug");

    // Then
    assertThat(err(), containsString("\tat dev.millrace.runners.CountWords"));
  }

  @Test
  void jsonLogIsOneObjectALineAndNothingElse() {
    // When
    millrace("run", "count-words", "--words=a", "--ending=BROKEN", "--log=json");

    // Then
    List<String> lines = err().lines().toList();
    assertThat(lines, everyItem(allOf(startsWith("{\"time\":\""), matchesPattern(".*\\}"))));
    assertThat(
        lines,
        hasItem(
            allOf(
                containsString("\"message\":\"begin Running\""),
                containsString("\"phase\":\"Running\""))));
    assertThat(
        lines,
        hasItem(
            allOf(containsString("\"level\":\"ERROR\""), containsString("the counter is stuck"))));
  }

  @Test
  void sqlPrintsATableWithNumbersToTheRight() {
    // When
    int status = millrace("sql", "SELECT * FROM sold ORDER BY day");

    // Then
    assertThat(status, equalTo(0));
    assertThat(
        out(),
        equalTo(
            """
            day        | shop     | revenue | ok
            -----------+----------+---------+-----
            1997-01-01 | Café "9" | 1234.50 | t
            1997-01-02 | NULL     |   -7.00 | f
            1997-01-03 |          |    NULL | NULL
            (3 rows)
            """));
  }

  @Test
  void sqlPrintsCsvThatTellsNullFromEmpty() {
    // When
    millrace("sql", "--format=csv", "SELECT * FROM sold ORDER BY day");

    // Then
    assertThat(
        out(),
        equalTo(
            """
            day,shop,revenue,ok
            1997-01-01,"Café ""9""\",1234.50,t
            1997-01-02,,-7.00,f
            1997-01-03,"",,
            """));
  }

  @Test
  void sqlPrintsJsonWithExactNumbers() {
    // When
    millrace("sql", "--format=json", "SELECT * FROM sold ORDER BY day");

    // Then
    assertThat(
        out(),
        equalTo(
            """
            [
            {"day":"1997-01-01","shop":"Café \\"9\\"","revenue":1234.50,"ok":true},
            {"day":"1997-01-02","shop":null,"revenue":-7.00,"ok":false},
            {"day":"1997-01-03","shop":"","revenue":null,"ok":null}
            ]
            """));
  }

  @Test
  void sqlPrintsMoreRowsThanItLooksAhead() {
    // When
    millrace("sql", "SELECT n FROM generate_series(1, 2500) n");

    // Then
    assertThat(out().lines().count(), equalTo(2503L));
    assertThat(out(), containsString("(2500 rows)"));
  }

  @Test
  void sqlLetsNoValueMoveTheCursor() {
    // When
    millrace("sql", "SELECT E'a\\nb\\x1b[2J' AS x");

    // Then
    assertThat(out(), containsString("a\\nb?[2J\n"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "SELECT revenu FROM sold | SQL error at line 1, column 8: column \"revenu\" does not exist (Perhaps you meant to reference the column \"sold.revenue\").",
        "SELEC 1 | SQL error at line 1, column 1: syntax error at or near \"SELEC\".",
        "SELECT 1 / 0 | SQL error: division by zero.",
        "SELECT * FROM sodl | SQL error at line 1, column 15: relation \"sodl\" does not exist. Did you mean sold? There are sold, words.",
        "\"\" | The statement is empty; write one, such as millrace sql \"SELECT * FROM top_products\".",
        "DELETE FROM sold | This statement changes the warehouse, and sql only reads; add --write if you mean it.",
        "COMMIT; DELETE FROM sold | This statement changes the warehouse, and sql only reads; add --write if you mean it."
      })
  void sqlErrorsAreOneSentenceWithThePosition(String sql, String sentence) {
    // When
    int status = millrace("sql", sql);

    // Then
    assertThat(status, equalTo(2));
    assertThat(err(), equalTo("millrace: " + sentence + "\n"));
  }

  @Test
  void sqlErrorsNameTheLine() {
    millrace("sql", "SELECT 'é',\n  nothing\nFROM sold");
    assertThat(err(), startsWith("millrace: SQL error at line 2, column 3: "));
  }

  @Test
  void sqlSaysWhereNoPostgreSqlAnswers() {
    // When
    int status = millrace("sql", "--warehouse=jdbc:postgresql://127.0.0.1:1/x", "SELECT 1");

    // Then
    assertThat(status, equalTo(1));
    assertThat(
        err(),
        startsWith(
            "millrace: PostgreSQL does not answer at 127.0.0.1:1: connection refused; start it, or check --warehouse."));
  }

  @Test
  void sqlMakesNoWarehouseWhereThereIsNone(@TempDir Path elsewhere) {
    // When
    int status = millrace(elsewhere, "sql", "SELECT 1");

    // Then
    assertThat(status, equalTo(2));
    assertThat(err(), startsWith("millrace: There is no warehouse in " + elsewhere));
    assertThat(Files.exists(elsewhere.resolve(".millrace/postgres")), equalTo(false));
  }

  @Test
  void helpOnAPipelineNamesEveryOption() throws IOException {
    // When
    int status = millrace("help", "count-words");

    // Then
    assertThat(status, equalTo(0));
    assertThat(out(), equalTo(golden("help-count-words.txt")));
  }

  @Test
  void helpIsFoundInTheUsualWays() {
    millrace("run", "count-words", "--help");
    String asked = out();
    out.reset();
    millrace("help", "count-words");
    assertThat(asked, equalTo(out()));
    out.reset();
    millrace("help", "generate", "count-words");
    assertThat(out(), startsWith("Words of no meaning.\n\n  millrace generate count-words"));
    out.reset();
    millrace("sql", "--help");
    assertThat(out(), containsString("--format"));
    out.reset();
    millrace();
    assertThat(out(), containsString("Usage: millrace"));
  }

  @Test
  void listsWhatThereIs() {
    millrace("list");
    assertThat(out(), containsString("  count-words    Words and how often they occur\n"));
    assertThat(out(), containsString("  count-words    Words of no meaning\n"));
  }

  @Test
  void namesItsVersion() {
    millrace("--version");
    assertThat(
        out(),
        matchesPattern("Millrace \\d+\\.\\d+\\.\\S+ \\(Apache Beam 2\\.\\d+\\.\\d+, Java .*\\)\n"));
  }

  private int millrace(String... arguments) {
    return millrace(directory, arguments);
  }

  private int millrace(Path where, String... arguments) {
    return millrace(where, DirectRunner.class, arguments);
  }

  private int millrace(Path where, Class<? extends PipelineRunner<?>> runner, String... arguments) {
    PrintStream before = System.err;
    PrintStream errors = new PrintStream(err, true, StandardCharsets.UTF_8);
    System.setErr(errors);
    try {
      return new Millrace(
              new Engine(
                  runner,
                  DirectOptions.class,
                  List.of("--blockOnRun=false", "--targetParallelism=2")),
              List.of(new CountWords()),
              List.of(new CountWords.Generator()),
              where,
              new PrintStream(out, true, StandardCharsets.UTF_8),
              errors)
          .run(arguments);
    } finally {
      System.setErr(before);
    }
  }

  private String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  private String lastLine() {
    return Stream.of(err().split("\n", -1)).filter(line -> !line.isBlank()).reduce("", (a, b) -> b);
  }

  private String golden(String name) throws IOException {
    Path file = Path.of("src/test/resources/dev/millrace/runners", name);
    if (Boolean.getBoolean("millrace.update")) {
      Files.writeString(file, out());
    }
    return Files.readString(file);
  }
}

package dev.millrace.runners;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.startsWith;

import dev.millrace.runners.JobState.Encoding;
import dev.millrace.runners.JobState.Step;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.apache.beam.runners.direct.DirectOptions;
import org.apache.beam.runners.direct.DirectRunner;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is said of two versions of a job: topic → sum → table, with products on the side. */
class CompatibilityTest {

  private static final Map<String, String> TYPES =
      Map.of("dev.millrace.SumCoder", "serial 1, code aa", "dev.millrace.Click", "schema 77");

  @TempDir Path directory;

  @Test
  void aVersionWithTheSameStepsRestores() {
    assertThat(verdict(job(), job()).restores(), equalTo(true));
    assertThat(verdict(job(), job()).notes(), empty());
  }

  @Test
  void aStepWithoutStateMayBeNew() {
    // Given
    JobState now = with(job(), step("Filter", 2, List.of("Read"), Map.of()));

    // When
    Compatibility.Verdict verdict = verdict(job(), now);

    // Then
    assertThat(verdict.faults(), empty());
    assertThat(verdict.notes(), empty());
  }

  @Test
  void aNewStepWithStateStartsEmpty() {
    // Given
    JobState now =
        with(job(), step("Count", 7, List.of("Read"), Map.of("state seen", sum("a value of Sum"))));

    // When
    Compatibility.Verdict verdict = verdict(job(), now);

    // Then
    assertThat(verdict.faults(), empty());
    assertThat(
        verdict.notes(),
        contains("Count is new. Its state starts empty: state seen (a value of Sum)."));
  }

  @Test
  void aStepThatHeldStateAndIsGoneIsNamedWithWhatItHeld() {
    // Given
    JobState now =
        with(
            without(job(), "Sum"),
            step("Add", 3, List.of("Read"), Map.of("sums", sum("SumCoder"))));

    // When
    List<String> faults = verdict(job(), now).faults();

    // Then
    assertThat(
        faults,
        contains(
            "Sum is gone or has another name. It held sums (SumCoder);"
                + " --allow-non-restored-state=true loses that."));
  }

  @Test
  void anotherCoderIsToldFromWhatToWhat() {
    // Given
    JobState now = with(job(), step("Sum", 3, List.of("Read"), Map.of("sums", sum("OtherCoder"))));

    // When
    List<String> faults = verdict(job(), now).faults();

    // Then
    assertThat(
        faults,
        contains(
            "Sum has its sums as OtherCoder instead of SumCoder, which Flink would read as if"
                + " they were the same."));
  }

  @Test
  void aStateThatIsNoLongerThereIsLost() {
    // Given
    JobState now = with(job(), step("Sum", 3, List.of("Read"), Map.of()));

    // Then
    assertThat(
        verdict(job(), now).faults(),
        contains("Sum no longer has its sums, whose content is lost."));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "dev.millrace.Click | schema 88 | The contract Click has another schema 77 → 88.",
        "dev.millrace.SumCoder | serial 1, code bb | The code of SumCoder is another: it may not",
        "dev.millrace.SumCoder | serial 2, code aa | SumCoder is another class to Java, which",
        "dev.millrace.SumCoder | | SumCoder is gone, and a savepoint names it."
      })
  void whatIsInASavepointAndHasChangedIsNamed(String type, String identity, String sentence) {
    // Given
    Map<String, String> types = new LinkedHashMap<>(TYPES);
    if (identity == null) {
      types.remove(type);
    } else {
      types.put(type, identity);
    }
    JobState now = new JobState("2", "2.70.0", "1.19.3", 128, job().steps(), types);

    // When
    List<String> faults = verdict(job(), now).faults();

    // Then
    assertThat(faults, contains(startsWith(sentence)));
    assertThat(faults, contains(containsString("It is part of Sum")));
  }

  @ParameterizedTest
  @CsvSource({
    "2.71.0, 1.19.3, 128, Beam is 2.71.0 instead of 2.70.0",
    "2.70.0, 1.20.0, 128, It is made for Flink 1.20.0 instead of 1.19.3.",
    "2.70.0, 1.19.3, 256, There are 256 key groups instead of 128"
  })
  void whatFlinkAndBeamDoNotTakeIsNamed(String beam, String flink, int groups, String sentence) {
    // Given
    JobState now = new JobState("2", beam, flink, groups, job().steps(), TYPES);

    // Then
    assertThat(verdict(job(), now).faults(), contains(startsWith(sentence)));
  }

  @Test
  void aPatchOfFlinkDoesNotMatter() {
    // Given
    JobState now = new JobState("2", "2.70.0", "1.19.4", 128, job().steps(), TYPES);

    // Then
    assertThat(verdict(job(), now).restores(), equalTo(true));
  }

  @Test
  void nothingMayBeAddedToWhatHasEnded() {
    // Given: a step more between the products and those who know them
    JobState now =
        with(
            job(),
            new Step("Trim", "id", true, 1, List.of("Products"), null, null, Map.of(), Map.of()));

    // When
    List<String> faults = verdict(job(), now).faults();

    // Then
    assertThat(
        faults,
        contains(
            "Trim is new beside or before Products, which has an end and was over: Flink refuses"
                + " that."));
  }

  @Test
  void aSideInputThatWasReadBeforeDoesNotComeAgain() {
    // Given
    JobState now =
        with(
            job(),
            step(
                "LookUp",
                8,
                List.of("Read", "Products"),
                Map.of("side input rows", sum("Product"))));

    // When
    List<String> faults = verdict(job(), now).faults();

    // Then
    assertThat(
        faults,
        contains(
            "LookUp waits for a side input from Products, which was read to its end before the"
                + " savepoint and is not read again."));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "none.jar | There is no file none.jar; name two bundles",
        "text.jar | text.jar is no jar; name two bundles",
        "other.jar | other.jar is no bundle of Millrace",
        "early.jar | early.jar is a bundle from before bundles told what their savepoints hold"
      })
  void whatIsNoBundleIsRefusedInASentence(String old, String sentence) throws IOException {
    // Given
    Files.writeString(directory.resolve("text.jar"), "text");
    jar("other.jar", "other.txt", "");
    jar("early.jar", "dev/millrace/flink/ClusterMain.class", "");
    bundle("new.jar", job());

    // When
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int status = millrace(new ByteArrayOutputStream(), err, "compat", old, "new.jar");

    // Then
    assertThat(err.toString(StandardCharsets.UTF_8), containsString("millrace: " + sentence));
    assertThat(status, equalTo(2));
  }

  @Test
  void theStatusIsOneIfASavepointDoesNotRestore() throws IOException {
    // Given
    bundle("old.jar", job());
    bundle("new.jar", without(job(), "Sum"));
    ByteArrayOutputStream out = new ByteArrayOutputStream();

    // When
    int refused = millrace(out, new ByteArrayOutputStream(), "compat", "old.jar", "new.jar");
    int taken = millrace(out, new ByteArrayOutputStream(), "compat", "old.jar", "old.jar");

    // Then
    assertThat(refused, equalTo(1));
    assertThat(taken, equalTo(0));
    assertThat(
        out.toString(StandardCharsets.UTF_8),
        equalTo(
            """
            A savepoint of clicks does not restore.
              - Sum is gone or has another name. It held sums (SumCoder); --allow-non-restored-state=true loses that.
            A savepoint of clicks restores.
            """));
  }

  // ----------------------------------------------------------------------------------- given

  private static JobState job() {
    return new JobState(
        "1",
        "2.70.0",
        "1.19.3",
        128,
        List.of(
            step("Read", 0, List.of(), Map.of("position", new Encoding("Topic", List.of()))),
            new Step("Products", "id", true, 1, List.of(), null, null, Map.of(), Map.of()),
            step("Sum", 3, List.of("Read"), Map.of("sums", sum("SumCoder"))),
            step("Write", 4, List.of("Sum"), Map.of())),
        TYPES);
  }

  private static Step step(String name, int task, List<String> after, Map<String, Encoding> state) {
    return new Step(name, "id", false, task, after, null, null, state, Map.of());
  }

  private static Encoding sum(String as) {
    return new Encoding(as, List.of("dev.millrace.SumCoder", "dev.millrace.Click"));
  }

  /** Instead of the step of that name, if there is one. */
  private static JobState with(JobState job, Step step) {
    JobState others = without(job, step.name());
    List<Step> steps = new ArrayList<>(others.steps());
    steps.add(step);
    return new JobState("2", job.beam(), job.flink(), job.keyGroups(), steps, job.types());
  }

  private static JobState without(JobState job, String name) {
    return new JobState(
        "2",
        job.beam(),
        job.flink(),
        job.keyGroups(),
        job.steps().stream().filter(step -> !step.name().equals(name)).toList(),
        job.types());
  }

  private static Compatibility.Verdict verdict(JobState old, JobState now) {
    return Compatibility.of(old, now);
  }

  private void bundle(String name, JobState state) throws IOException {
    ByteArrayOutputStream json = new ByteArrayOutputStream();
    state.write(json);
    jar(name, JobState.DIRECTORY + "clicks.json", json.toString(StandardCharsets.UTF_8));
  }

  private void jar(String name, String entry, String content) throws IOException {
    try (ZipOutputStream jar =
        new ZipOutputStream(Files.newOutputStream(directory.resolve(name)))) {
      jar.putNextEntry(new ZipEntry(entry));
      jar.write(content.getBytes(StandardCharsets.UTF_8));
    }
  }

  private int millrace(ByteArrayOutputStream out, ByteArrayOutputStream err, String... arguments) {
    return new Millrace(
            new Engine(DirectRunner.class, DirectOptions.class, List.of()),
            List.of(),
            List.of(),
            directory,
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8))
        .run(arguments);
  }
}

package dev.millrace.runners;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.pipelines.UserError;
import java.util.List;
import java.util.Map;
import org.apache.beam.runners.direct.DirectOptions;
import org.apache.beam.sdk.options.Default;
import org.apache.beam.sdk.options.PipelineOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ArgumentsTest {

  private final Arguments arguments =
      new Arguments("count-words", List.of(CountWords.Options.class, DirectOptions.class));

  @ParameterizedTest
  @ValueSource(
      strings = {"--max-reject-ratio=0.05", "--maxRejectRatio=0.05", "--max-reject-ratio 0.05"})
  void takesAnOptionInEverySpelling(String typed) {
    // When
    CountWords.Options options =
        arguments.parse(CountWords.Options.class, List.of(), List.of(typed.split(" ", -1)));

    // Then
    assertThat(options.getMaxRejectRatio(), equalTo(0.05));
  }

  @Test
  void whatIsGivenOverridesTheRunnersDefaults() {
    // When
    CountWords.Options options =
        arguments.parse(
            CountWords.Options.class,
            List.of("--targetParallelism=2", "--enforceImmutability=false"),
            List.of("--target-parallelism=7", "--store"));

    // Then
    assertThat(options.as(DirectOptions.class).getTargetParallelism(), equalTo(7));
    assertThat(options.as(DirectOptions.class).isEnforceImmutability(), equalTo(false));
    assertThat(options.isStore(), equalTo(true));
  }

  @Test
  void aValueMayHoldEqualsSignsAndSpaces() {
    assertThat(arguments.values(List.of("--words=a=b, c")), equalTo(Map.of("words", "a=b, c")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "--max-reject-ration=1 | Unknown option --max-reject-ration of count-words. Did you mean --max-reject-ratio?",
        "--bananas=1 | Unknown option --bananas of count-words. All of them: millrace help count-words",
        "words=a | 'words=a' is no option of count-words; options are written --name=value.",
        "--top=many | --top is 'many', which is no whole number; give one, such as --top=10.",
        "--top=3000000000 | --top is '3000000000', which is no whole number",
        "--max-reject-ratio=half | --max-reject-ratio is 'half', which is no number; give one, such as --max-reject-ratio=0.5.",
        "--ending=badly | which is no WELL or REFUSED or BROKEN or MISSING_FILE",
        "--store=maybe | --store is 'maybe', which is no true or false",
        "--words | --words needs a value (text): --words=…",
        "--top=1 --top=2 | --top is given twice; give it once."
      })
  void refusesInOneSentence(String typed, String sentence) {
    UserError refused =
        assertThrows(UserError.class, () -> arguments.values(List.of(typed.split(" ", -1))));
    assertThat(refused.getMessage(), containsString(sentence));
  }

  /** Options of another pipeline, one of which has another default. */
  public interface OtherOptions extends PipelineOptions {
    @Default.Integer(20)
    int getTop();

    void setTop(int value);
  }

  @Test
  void pipelinesOfOneProcessMayHaveOtherDefaults() {
    // When
    CountWords.Options words =
        new Arguments("count-words", List.of(CountWords.Options.class))
            .parse(CountWords.Options.class, List.of(), List.of());
    OtherOptions others =
        new Arguments("others", List.of(OtherOptions.class))
            .parse(OtherOptions.class, List.of(), List.of());

    // Then
    assertThat(words.getTop(), equalTo(10));
    assertThat(others.getTop(), equalTo(20));
  }
}

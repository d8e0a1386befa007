package dev.millrace.runners;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.not;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

class NarratorTest {

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream err = new PrintStream(bytes, true, StandardCharsets.UTF_8);

  @Test
  void onATerminalOneLineIsRewritten() {
    // Given
    Narrator narrator = new Narrator(LogMode.TEXT, err, true, "run");

    // When
    narrator.phase("Running");
    narrator.progress(Map.of("RefineSales", 1_200L, "DedupSales", 10L));
    narrator.close();

    // Then
    assertThat(text(), containsString("\r\u001b[Krun: Running  RefineSales  1,200 records  "));
    assertThat(text().chars().filter(c -> c == '\n').count(), equalTo(1L));
  }

  @Test
  void elsewhereAPhaseHasALineAtItsStartAndOneAtItsEnd() {
    // Given
    Narrator narrator = new Narrator(LogMode.TEXT, err, false, "run");

    // When
    narrator.phase("Running");
    narrator.progress(Map.of("RefineSales", 1_200L));
    narrator.phase("Finishing");
    narrator.close();

    // Then
    assertThat(
        text(),
        matchesPattern(
            "run: Running …\nrun: Running: [0-9.]+ s\nrun: Finishing …\nrun: Finishing: [0-9.]+ s\n"));
  }

  @Test
  void quietSaysNothingButErrors() {
    // Given
    Narrator narrator = new Narrator(LogMode.QUIET, err, true, "run");

    // When
    narrator.phase("Running");
    narrator.progress(Map.of("RefineSales", 1_200L));
    narrator.error("The disk is full.");
    narrator.close();

    // Then
    assertThat(text(), equalTo("millrace: The disk is full.\n"));
  }

  @Test
  void whatIsSaidStandsInALineOfItsOwnAndThePhaseGoesOn() {
    // Given
    Narrator narrator = new Narrator(LogMode.TEXT, err, false, "run");
    Narrator quiet = new Narrator(LogMode.QUIET, err, false, "run");
    narrator.phase("Live");

    // When
    narrator.say("stalled", "No window has closed.");
    quiet.say("stalled", "No window has closed.");
    narrator.close();

    // Then
    assertThat(
        text(),
        matchesPattern("run: Live …\nrun: No window has closed\\.\nrun: Live: [0-9.]+ s\n"));
  }

  @Test
  void theStageThatMovesIsShown() {
    // Given
    Narrator narrator = new Narrator(LogMode.TEXT, err, true, "run");
    narrator.phase("Running");
    narrator.progress(Map.of("RefineSales", 1_200L));
    bytes.reset();

    // When
    narrator.progress(Map.of("RefineSales", 1_200L, "DedupSales", 10L));

    // Then
    assertThat(text(), containsString("DedupSales  10 records"));
    assertThat(text(), not(containsString("RefineSales")));
  }

  private String text() {
    return bytes.toString(StandardCharsets.UTF_8);
  }
}

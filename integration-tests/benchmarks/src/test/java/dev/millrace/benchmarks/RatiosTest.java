package dev.millrace.benchmarks;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.benchmarks.Comparison.Result;
import dev.millrace.benchmarks.Comparison.SideResult;
import dev.millrace.pipelines.UserError;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RatiosTest {

  @TempDir Path directory;

  /** Rounds in which Millrace needs so much of the CPU time of the loop. */
  private static Ratios needing(double... shares) {
    List<Double> loop = java.util.Arrays.stream(shares).map(share -> 2.0).boxed().toList();
    List<Double> ours = java.util.Arrays.stream(shares).map(share -> 2 * share).boxed().toList();
    return Ratios.of(
        List.of(
            new Result(
                "refine",
                10,
                List.of(
                    new SideResult("loop", "", loop, loop),
                    new SideResult("Millrace", "", ours, ours)),
                List.of())),
        "--passes=3");
  }

  @Test
  void theMedianOfTheRoundsCounts() {
    assertThat(
        needing(1, 2, 8).cpu(), equalTo(Map.of("refine: Millrace / loop [--passes=3]", 2.0)));
  }

  @Test
  void whatHasRisenIsToldAndWhatVariesIsNot() {
    Ratios before = needing(1);

    assertThat(needing(1.1).above(before), empty());
    assertThat(needing(0.5).above(before), empty());
    assertThat(
        needing(1.25).above(before),
        contains(
            "Slower: refine: Millrace / loop [--passes=3]: 1.250, and it was 1.000 when it was recorded"));
    assertThat(needing(1.25).above(new Ratios(Map.of())), empty());
  }

  @Test
  void whatWasMeasuredOtherwiseIsNotComparedAndTheUserIsToldSo() {
    Ratios before = new Ratios(Map.of("refine: Millrace / loop [--passes=8]", 0.1));

    assertThat(
        needing(1).above(before),
        contains(
            "Not compared: refine: Millrace / loop [--passes=3] was recorded as refine: Millrace / loop [--passes=8]"));
  }

  @Test
  void whatIsRecordedIsReadAgainBesideOthers() throws Exception {
    // Given
    Path file = directory.resolve("ratios.json");
    new Ratios(Map.of("events: Millrace / tuned", 0.7)).into(file);

    // When
    needing(2).into(file);

    // Then
    assertThat(
        Ratios.in(file).cpu(),
        equalTo(
            Map.of("events: Millrace / tuned", 0.7, "refine: Millrace / loop [--passes=3]", 2.0)));
  }

  @Test
  void withoutARecordTheUserIsToldHowToMakeOne() {
    UserError told =
        assertThrows(UserError.class, () -> Ratios.in(directory.resolve("ratios.json")));

    assertThat(told.getMessage(), containsString("--record"));
  }
}

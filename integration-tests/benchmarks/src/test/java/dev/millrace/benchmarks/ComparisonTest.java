package dev.millrace.benchmarks;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ComparisonTest {

  private static final Answer RIGHT = answer("1 | 10.5", "2 | 20");

  private final List<String> turns = new ArrayList<>();

  @Test
  void sidesTakeTurnsAndTheRoundsOfTheWarmUpDoNotCount() throws Exception {
    // Given
    Comparison comparison = comparing(side("A", 9, 1, 2), side("B", 9, 4, 8));

    // When
    Comparison.Result result = comparison.run(1, 2, progress -> {});

    // Then
    assertThat(turns, equalTo(List.of("A", "B", "A", "B", "A", "B")));
    assertThat(result.yardstick().wallSeconds(), equalTo(List.of(1.0, 2.0)));
    assertThat(result.sides().get(1).wallSeconds(), equalTo(List.of(4.0, 8.0)));
    assertThat(result.sides().get(1).cpuSeconds(), equalTo(List.of(2.0, 4.0)));
  }

  @Test
  void aWrongAnswerInTheLastRoundFailsTheBenchmark() {
    // Given
    Side wrong = new Given("B", new ArrayList<>(List.of(RIGHT, answer("1 | 10.5", "2 | 20.01"))));
    Comparison comparison = comparing(side("A", 1, 1), wrong);

    // When
    WrongAnswer refused = assertThrows(WrongAnswer.class, () -> comparison.run(0, 2, p -> {}));

    // Then
    assertThat(
        refused.getMessage(),
        allOf(
            containsString("B and A do not agree on totals: 2 rows"),
            containsString("only A has: 2 | 20"),
            containsString("only B has: 2 | 20.01")));
  }

  @Test
  void theOrderOfRowsIsNoPartOfTheAnswer() {
    answer("2 | 20", "1 | 10.5").mustEqual(RIGHT, "A", "B");
  }

  @Test
  void aRowThatIsMissingOrThereTwiceIsAWrongAnswer() {
    for (Answer wrong :
        List.of(answer("1 | 10.5"), answer(), answer("1 | 10.5", "2 | 20", "2 | 20"))) {
      assertThrows(WrongAnswer.class, () -> wrong.mustEqual(RIGHT, "A", "B"));
      assertThrows(WrongAnswer.class, () -> RIGHT.mustEqual(wrong, "A", "B"));
    }
  }

  @Test
  void aTableThatIsMissingIsAWrongAnswer() {
    // Given
    Answer more = new Answer(Map.of("totals", List.of("1 | 10.5", "2 | 20"), "tops", List.of()));

    // Then
    assertThrows(WrongAnswer.class, () -> RIGHT.mustEqual(more, "A", "B"));
    assertThrows(WrongAnswer.class, () -> more.mustEqual(RIGHT, "A", "B"));
  }

  @Test
  void sidesThatBothFoundNothingHaveNotDoneTheWork() {
    assertThrows(WrongAnswer.class, () -> answer().mustEqual(answer(), "A", "B"));
  }

  @Test
  void aSlopeIsWhatMoreRecordsCostAndAnswersForBoth() throws Exception {
    // Given
    Side slope = new SlopeSide(side("little", 3), side("much", 10));

    // When
    Measured measured = slope.run();

    // Then
    assertThat(turns, equalTo(List.of("little", "much")));
    assertThat(measured.wallSeconds(), equalTo(7.0));
    assertThat(measured.cpuSeconds(), equalTo(3.5));
    assertThat(
        measured.answer().tables(),
        equalTo(
            Map.of(
                "totals", List.of("1 | 10.5", "2 | 20"),
                "totals of few", List.of("1 | 10.5", "2 | 20"))));
  }

  @Test
  void aSideStandsBesideTheYardstickAndBesideWhomItIsMeantToReach() throws Exception {
    // Given
    Comparison comparison =
        new Comparison(
            "test",
            2,
            List.of(side("plain", 4.0), side("tuned", 2.0), side("Millrace", 3.0)),
            List.of(
                new Comparison.Aim("Millrace", "plain", 0.8),
                new Comparison.Aim("Millrace", "tuned", 1)));

    // When
    Comparison.Result result = comparison.run(0, 1, said -> {});

    // Then
    assertThat(
        result.compared().stream()
            .map(pair -> pair.name() + " " + pair.wall().median() + " " + pair.wanted())
            .toList(),
        equalTo(
            List.of(
                "tuned / plain 0.5 null",
                "Millrace / plain 0.75 0.8",
                "Millrace / tuned 1.5 1.0")));
    assertThat(
        result.compared().stream().map(Comparison.Compared::isReached).toList(),
        equalTo(List.of(false, true, false)));
  }

  private static Answer answer(String... rows) {
    return new Answer(Map.of("totals", List.of(rows)));
  }

  private static Comparison comparing(Side yardstick, Side other) {
    return new Comparison("test", 2, List.of(yardstick, other), List.of());
  }

  /** A side that is right, with these times. */
  private Side side(String name, double... seconds) {
    return new Side() {
      private int run;

      @Override
      public String name() {
        return name;
      }

      @Override
      public String counted() {
        return "";
      }

      @Override
      public Measured run() {
        turns.add(name);
        double time = seconds[run++];
        return new Measured(time, time / 2, RIGHT);
      }
    };
  }

  /** A side with these answers, one after the other. */
  private record Given(String name, List<Answer> answers) implements Side {
    @Override
    public String counted() {
      return "";
    }

    @Override
    public Measured run() {
      return new Measured(1, 1, answers.remove(0));
    }
  }
}

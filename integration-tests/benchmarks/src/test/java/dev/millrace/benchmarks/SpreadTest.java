package dev.millrace.benchmarks;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.closeTo;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.NotEmpty;
import org.junit.jupiter.api.Test;

class SpreadTest {

  @Test
  void theMedianOfAnOddNumberIsTheOneInTheMiddle() {
    // When
    Spread spread = Spread.of(List.of(9.0, 1.0, 3.0));

    // Then
    assertThat(spread, equalTo(new Spread(3.0, 1.0, 9.0)));
  }

  @Test
  void theMedianOfAnEvenNumberLiesBetweenTheTwoInTheMiddle() {
    // When
    Spread spread = Spread.of(List.of(100.0, 2.0, 4.0, 1.0));

    // Then
    assertThat(spread, equalTo(new Spread(3.0, 1.0, 100.0)));
  }

  @Property
  void theOrderOfMeasurementsDoesNotMatterAndAsManyLieBelowTheMedianAsAbove(
      @ForAll @NotEmpty List<@DoubleRange(min = 0.01, max = 1e6) Double> measurements,
      @ForAll long seed) {
    // Given
    List<Double> shuffled = new ArrayList<>(measurements);
    Collections.shuffle(shuffled, new Random(seed));

    // When
    Spread spread = Spread.of(measurements);

    // Then
    assertThat(Spread.of(shuffled), equalTo(spread));
    long below = measurements.stream().filter(m -> m < spread.median()).count();
    long above = measurements.stream().filter(m -> m > spread.median()).count();
    assertThat(below <= measurements.size() / 2 && above <= measurements.size() / 2, is(true));
    assertThat(Collections.min(measurements), equalTo(spread.lowest()));
    assertThat(Collections.max(measurements), equalTo(spread.highest()));
  }

  @Test
  void aRatioIsTakenWithinItsRoundSoThatASlowMachineDoesNotChangeIt() {
    // Given
    List<Double> loop = List.of(1.0, 10.0, 2.0);
    List<Double> millrace = List.of(2.0, 20.0, 5.0);

    // When
    Spread ratios = Spread.ofRatios(loop, millrace);

    // Then
    assertThat(ratios.median(), closeTo(0.5, 1e-12));
    assertThat(ratios.lowest(), closeTo(0.4, 1e-12));
    assertThat(ratios.highest(), closeTo(0.5, 1e-12));
  }

  @Test
  void aSideTakesSoManyTimesTheTimeOfTheYardstick() {
    // Given
    Comparison.SideResult loop = side(List.of(4.0), List.of(3.0));
    Comparison.SideResult millrace = side(List.of(2.0), List.of(4.0));

    // When
    Comparison.Compared pair = new Comparison.Compared(millrace, loop, 1.2);

    // Then
    assertThat(pair.wall().median(), closeTo(0.5, 1e-12));
    assertThat(pair.cpu().median(), closeTo(4.0 / 3, 1e-12));
    assertThat(pair.isReached(), is(false));
  }

  @Test
  void whatWasNotMeasuredInOneRoundIsNotKnown() {
    // When
    Spread spread = Spread.of(List.of(1.0, Double.NaN, 2.0));

    // Then
    assertThat(spread.isKnown(), is(false));
  }

  @Test
  void nothingHasNoMedian() {
    assertThrows(IllegalArgumentException.class, () -> Spread.of(List.of()));
    assertThrows(
        IllegalArgumentException.class, () -> Spread.ofRatios(List.of(1.0, 2.0), List.of(1.0)));
  }

  private static Comparison.SideResult side(List<Double> wall, List<Double> cpu) {
    return new Comparison.SideResult("side", "", wall, cpu);
  }
}

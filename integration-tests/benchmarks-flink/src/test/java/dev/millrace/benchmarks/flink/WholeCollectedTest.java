package dev.millrace.benchmarks.flink;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.is;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class WholeCollectedTest {

  @BeforeEach
  void clear() {
    WholeCollected.clear();
  }

  @Test
  void aVisitTakesThePlaceOfThoseOfItsVisitorThatItOverlaps() {
    // Given
    WholeCollected.visit("a", 90, 95, 1, 1, false, 0);
    WholeCollected.visit("a", 10, 20, 2, 1, false, 5);
    WholeCollected.visit("a", 40, 50, 3, 1, true, 7);
    WholeCollected.visit("b", 10, 20, 1, 0, false, 0);

    // When
    WholeCollected.visit("a", 10, 50, 6, 3, true, 12);

    // Then
    assertThat(
        WholeCollected.answer().minutes(),
        contains(
            "duplicates|0",
            "visitors|2",
            "visit|10|20|1|0|false|0",
            "visit|10|50|6|3|true|12",
            "visit|90|95|1|1|false|0"));
  }

  @Test
  void whatIsStatedAgainCountsOnceAndSourcesAddUp() {
    WholeCollected.count("good", "Dedup|one", 3);
    WholeCollected.count("good", "Dedup|one", 5);
    WholeCollected.count("good", "Dedup|other", 2);
    assertThat(WholeCollected.answer().good(), is(7L));
  }

  @Test
  void aRefusedRecordThatIsNotHandedOnEndsTheBenchmark() {
    WholeCollected.count("late", "Refine|one", 1);
    assertThrows(IllegalStateException.class, WholeCollected::answer);
  }
}

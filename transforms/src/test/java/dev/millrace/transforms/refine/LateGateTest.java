package dev.millrace.transforms.refine;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.nullValue;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.contract.Reason;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class LateGateTest {

  private static final long EVENT = 852_076_800_000L;
  private static final long DAY = Duration.ofDays(1).toMillis();

  private final LateGate gate = new LateGate(Duration.ofDays(7), Duration.ofDays(1));

  @Test
  void aRecordIsOnTimeUpToBothBoundsInclusive() {
    for (long arrival : new long[] {EVENT, EVENT + 7 * DAY, EVENT - DAY}) {
      assertThat(gate.check(arrival, EVENT), is(nullValue()));
    }
  }

  @Test
  void aMillisecondBeyondMaxLatenessIsLate() {
    // When
    Problem problem = Objects.requireNonNull(gate.check(EVENT + 7 * DAY + 1, EVENT));

    // Then
    assertThat(problem.reason(), is(Reason.LATE));
    assertThat(
        problem.detail(),
        is(
            "arrived 1997-01-08T00:00:00.001Z, more than PT168H after its event time"
                + " 1997-01-01T00:00:00Z"));
  }

  @Test
  void aMillisecondBeyondMaxSkewIsFromTheFuture() {
    assertThat(
        Objects.requireNonNull(gate.check(EVENT - DAY - 1, EVENT)).reason(), is(Reason.FUTURE));
  }

  @Test
  void boundsAreNotNegative() {
    assertThrows(
        IllegalArgumentException.class, () -> new LateGate(Duration.ofDays(-1), Duration.ZERO));
  }
}

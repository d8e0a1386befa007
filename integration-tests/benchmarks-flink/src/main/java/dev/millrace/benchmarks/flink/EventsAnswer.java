package dev.millrace.benchmarks.flink;

import java.util.ArrayList;
import java.util.List;

/**
 * What a job found.
 *
 * @param good records that hold
 * @param invalid records that cannot be parsed or break a rule
 * @param late records that came too late, or from the future
 * @param minutes {@code start of the minute|action|events|revenue}, sorted
 */
public record EventsAnswer(long good, long invalid, long late, List<String> minutes) {

  /** Copies and sorts. */
  public EventsAnswer {
    minutes = minutes.stream().sorted().toList();
  }

  /** In what this one differs from another, in short. */
  String difference(EventsAnswer other) {
    List<String> mine = new ArrayList<>(minutes);
    mine.removeAll(other.minutes);
    return "%d, %d, %d against %d, %d, %d good, invalid and late; %d rows differ, such as %s"
        .formatted(
            good,
            invalid,
            late,
            other.good,
            other.invalid,
            other.late,
            mine.size(),
            mine.stream().findFirst().orElse("none"));
  }
}

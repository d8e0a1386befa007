package dev.millrace.benchmarks.flink;

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
}

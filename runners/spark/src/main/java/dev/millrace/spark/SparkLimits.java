package dev.millrace.spark;

import dev.millrace.runners.Limit;
import java.util.List;

/** What Beam's Spark runner cannot do, or does wrong: all of it in streams. */
final class SparkLimits {

  static final List<Limit> ALL =
      List.of(
          new Limit(
              step -> step.isUnbounded() && step.hasTimers(),
              "sets timers, and Spark has none in a stream",
              "https://github.com/apache/beam/issues/20397"),
          new Limit(
              step -> step.isUnbounded() && step.hasWindowExpiration(),
              "waits for the end of windows, which Spark does not tell in a stream",
              "https://github.com/apache/beam/issues/20397"),
          new Limit(
              step -> step.isInStream() && step.isSplittable(),
              "is a splittable function, which Spark does not run beside a stream",
              "https://github.com/apache/beam/issues/19838"),
          new Limit(
              step -> step.groupings() > 1,
              "groups what was grouped before, and Spark has one watermark for the whole of a stream",
              "https://github.com/apache/beam/issues/23129"));

  private SparkLimits() {}
}

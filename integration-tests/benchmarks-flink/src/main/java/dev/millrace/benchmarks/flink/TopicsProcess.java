package dev.millrace.benchmarks.flink;

import org.jspecify.annotations.Nullable;

/**
 * A process that copies a topic in one way, over and over, and measures itself once it is warm.
 *
 * <p>Arguments: the way, the passes, a topic of a few values, and one of many that begins with
 * those, each as {@link EventsInput} takes them; of values in Avro, the address of the registry.
 * After each job every value must have come as it was sent, at least once: none of these jobs is
 * made to fail, so exactly once. Its last line of output is a {@link Passes.Found} as JSON.
 */
public final class TopicsProcess {

  private TopicsProcess() {}

  /** Measures. */
  public static void main(String[] arguments) throws Exception {
    TopicCopy.Way way =
        switch (arguments[0]) {
          case "PLAIN" -> copy -> NativeCopy.run(copy, false);
          case "TUNED" -> copy -> NativeCopy.run(copy, true);
          case "MILLRACE" -> MillraceCopy::run;
          default -> throw new IllegalArgumentException(arguments[0]);
        };
    EventsInput few = EventsInput.of(arguments[2], false);
    EventsInput many = EventsInput.of(arguments[3], false);
    String registry = arguments.length > 4 ? arguments[4] : null;
    Passes.Found<TopicCopy.Values> found =
        Passes.measure(
            arguments[1],
            () -> TopicCopy.run(few, registry, way),
            () -> TopicCopy.run(many, registry, way));
    TopicCopy.Values sent = sent(many, registry);
    if (!sent.equals(found.answer())) {
      throw new IllegalStateException(sent + " were sent, and " + found.answer() + " came");
    }
    Passes.report(found);
  }

  private static TopicCopy.Values sent(EventsInput many, @Nullable String registry) {
    return new TopicCopy(many, registry, "").sent();
  }
}

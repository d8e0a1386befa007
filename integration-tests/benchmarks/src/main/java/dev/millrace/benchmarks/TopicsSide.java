package dev.millrace.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.benchmarks.Comparison.Aim;
import dev.millrace.benchmarks.EventsSide.Input;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Ways to copy the values of a topic to another, each in a fresh process. */
final class TopicsSide {

  private TopicsSide() {}

  /**
   * The comparison: the tuned job is the yardstick.
   *
   * @param registry address of the registry of values in Avro; null if they are strings
   */
  static Comparison comparison(
      Input topics, @Nullable String registry, int passes, Path program, Processes processes) {
    List<Side> sides = new ArrayList<>();
    String[][] ways = {
      {
        "tuned Flink job",
        "TUNED",
        "KafkaSource and KafkaSink, object reuse, an Avro reader and writer of its own"
      },
      {"plain Flink job", "PLAIN", "KafkaSource and KafkaSink, Flink's formats and defaults"},
      {
        "Millrace on Flink",
        "MILLRACE",
        "RecordTopic and WriteValues, with the settings of 'millrace run'"
      }
    };
    for (String[] way : ways) {
      List<String> arguments =
          new ArrayList<>(
              List.of("topics", way[1], Integer.toString(passes), topics.few(), topics.many()));
      if (registry != null) {
        arguments.add(registry);
      }
      sides.add(
          new JobSide(
              way[0],
              way[2]
                  + "; at least once; the broker's time is not counted; what the values beyond the first quarter cost",
              arguments,
              1,
              TopicsSide::answer,
              program,
              processes));
    }
    return new Comparison(
        registry == null ? "topic to topic, strings" : "topic to topic, Avro",
        topics.further(),
        sides,
        List.of(
            new Aim("Millrace on Flink", "tuned Flink job", 1.1),
            new Aim("Millrace on Flink", "plain Flink job", 1.1)));
  }

  private static Answer answer(JsonNode found) {
    return new Answer(
        Map.of(
            "values",
            List.of(
                String.format(
                    Locale.ROOT,
                    "%d values, %s",
                    found.get("values").asLong(),
                    found.get("hash").asText()))));
  }
}

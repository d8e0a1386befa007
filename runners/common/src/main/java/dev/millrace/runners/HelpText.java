package dev.millrace.runners;

import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.GeneratorEntry;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.beam.sdk.options.PipelineOptions;

/** Help on a pipeline, made from the getters of its options. */
final class HelpText {

  private static final int WIDTH = 100;
  private static final String INDENT = "      ";

  /** Options on how runners wait for the end, which is not theirs to decide here. */
  private static final Set<String> WAITING =
      Set.of("blockOnRun", "attachedMode", "jobCheckIntervalInSecs");

  private HelpText() {}

  static String of(CatalogueEntry entry, Engine engine) {
    Map<String, String> defaults = engine.defaultValues();
    return page("run " + entry.name(), entry.summary(), entry.optionsClass())
        + "\nOptions of the runner\n\n"
        + options(
            OptionSpec.of(engine.optionsClass()).stream()
                .filter(option -> option.declaredIn() == engine.optionsClass())
                .filter(option -> !WAITING.contains(option.property()))
                .map(
                    option -> {
                      String value = defaults.get(option.property());
                      return value == null ? option : option.withDefault(value);
                    })
                .toList())
        + """

        Options of every run

          --runner=direct|flink|spark
              What it runs on: in this process alone, Apache Flink, or Apache Spark. Default: direct.
          --every=DURATION
              Run it again so long after the last run began, until interrupted: a batch over what grows.
          --log=text|json|quiet
              What is written to standard error while it runs. Default: text.
          --debug
              Show the stack trace of an error.
        """;
  }

  static String of(GeneratorEntry entry) {
    return page("generate " + entry.name(), entry.summary(), entry.optionsClass());
  }

  private static String page(
      String command, String summary, Class<? extends PipelineOptions> type) {
    return summary
        + ".\n\n  millrace "
        + command
        + " [--option=value ...]\n\nOptions\n\n"
        + options(OptionSpec.of(type).stream().filter(option -> !option.builtIn()).toList());
  }

  private static String options(List<OptionSpec> options) {
    StringBuilder text = new StringBuilder();
    for (OptionSpec option : options) {
      text.append("  ").append(option.name()).append("=").append(placeholder(option)).append('\n');
      StringBuilder meaning = new StringBuilder(option.description());
      if (!option.description().isEmpty() && !option.description().endsWith(".")) {
        meaning.append('.');
      }
      if (option.required()) {
        meaning.append(" Required.");
      } else if (option.defaultValue() != null) {
        meaning.append(" Default: ").append(option.defaultValue()).append('.');
      }
      if (option.example() != null) {
        meaning.append("\nExample: ").append(option.name()).append('=').append(option.example());
      }
      meaning.toString().lines().forEach(line -> text.append(wrapped(line.strip())));
    }
    return text.toString();
  }

  private static String placeholder(OptionSpec option) {
    return switch (option.kind()) {
      case "whole number" -> "INTEGER";
      case "number" -> "NUMBER";
      case "text" -> "TEXT";
      case "list, with commas" -> "LIST";
      default -> option.kind();
    };
  }

  private static String wrapped(String line) {
    StringBuilder text = new StringBuilder();
    StringBuilder current = new StringBuilder(INDENT);
    for (String word : line.split(" ", -1)) {
      if (current.length() + word.length() + 1 > WIDTH && current.length() > INDENT.length()) {
        text.append(current.toString().stripTrailing()).append('\n');
        current.setLength(INDENT.length());
      }
      current.append(word).append(' ');
    }
    return text.append(current.toString().stripTrailing()).append('\n').toString();
  }
}

package dev.millrace.benchmarks;

import dev.millrace.local.LocalKafka;
import dev.millrace.local.LocalPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/** How soon an event is in the warehouse, and how many a second get there, at several rates. */
final class LiveBench {

  private static final String COUNTED =
      "from when an event was due to be sent to Kafka to when shop_minute in PostgreSQL counts it; CPU of all processes, per event read";

  private LiveBench() {}

  /** What to measure. */
  record Settings(
      List<Long> rates,
      Duration warmUp,
      Duration measured,
      String heap,
      List<String> javaOptions,
      List<String> runOptions) {}

  /** Measures one rate after the other, each with a pipeline, a topic and a database of its own. */
  static List<LiveRun.Found> run(
      Settings settings, Path foodMart, Path program, Path work, Consumer<String> say)
      throws Exception {
    if (!Files.isRegularFile(program)) {
      throw new Processes.Failed("the program of the Flink runner is not built: " + program);
    }
    List<LiveRun.Found> all = new ArrayList<>();
    try (LocalKafka kafka = LocalKafka.start(work.resolve("kafka"));
        LocalPostgres postgres = LocalPostgres.in(work.resolve("postgres"))) {
      LiveRun run =
          new LiveRun(
              work,
              foodMart,
              program,
              settings.heap(),
              settings.javaOptions(),
              settings.runOptions(),
              kafka,
              postgres,
              say);
      for (long rate : settings.rates()) {
        LiveRun.Found found = run.at(rate, settings.warmUp(), settings.measured());
        say.accept(row(found).toString());
        all.add(found);
      }
    }
    return all;
  }

  /** The tables. */
  static String text(List<LiveRun.Found> all, Duration measured, boolean markdown) {
    StringBuilder text = new StringBuilder();
    text.append(markdown ? "### live\n\n" : "live: ");
    text.append("each rate for ").append(measured.toSeconds()).append(" s.\n\n");
    Report.table(
        text,
        List.of(
            "events/s", "read/s", "s behind", "p50 ms", "p90", "p99", "max", "probes", "not seen"),
        all.stream().map(LiveBench::row).toList(),
        markdown);
    text.append('\n');
    Report.table(
        text,
        List.of(
            "events/s",
            "CPU µs/event",
            "pipeline",
            "broker",
            "database",
            "sender",
            "cores busy",
            "live MB",
            "longest pause ms",
            "sender late ms",
            "load"),
        all.stream().map(LiveBench::costs).toList(),
        markdown);
    text.append('\n').append(markdown ? "- " : "  ").append(COUNTED).append('\n');
    return text.toString();
  }

  private static List<String> row(LiveRun.Found found) {
    return List.of(
        number("%,.0f", found.rate()),
        number("%,.0f", found.readPerSecond()),
        number("%.1f", found.behind()),
        millis(found, "p50"),
        millis(found, "p90"),
        millis(found, "p99"),
        millis(found, "max"),
        number("%,.0f", found.probes()),
        number("%,.0f", found.missing()));
  }

  private static String millis(LiveRun.Found found, String percentile) {
    return number("%,.0f", found.millis().getOrDefault(percentile, Double.NaN));
  }

  private static List<String> costs(LiveRun.Found found) {
    Map<String, Double> cpu = found.cpuMicros();
    return List.of(
        number("%,.0f", found.rate()),
        number("%.1f", cpu.values().stream().mapToDouble(Double::doubleValue).sum()),
        number("%.1f", cpu.getOrDefault("pipeline", Double.NaN)),
        number("%.1f", cpu.getOrDefault("broker", Double.NaN)),
        number("%.1f", cpu.getOrDefault("database", Double.NaN)),
        number("%.1f", cpu.getOrDefault("sender", Double.NaN)),
        number("%.2f", found.busyCores()),
        found.liveMegabytes().get(0) + " – " + found.liveMegabytes().get(1),
        number("%.0f", found.pausesMillis()),
        number("%.0f", found.senderLateMillis()),
        number("%.1f", found.load().get(0)) + " – " + number("%.1f", found.load().get(1)));
  }

  /** All that was measured, as maps and lists. */
  static Map<String, Object> data(List<LiveRun.Found> all) {
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("benchmark", "live");
    data.put("counted", COUNTED);
    data.put("rates", all);
    return data;
  }

  private static String number(String format, Number value) {
    return Double.isNaN(value.doubleValue())
        ? "?"
        : String.format(Locale.ROOT, format, value.doubleValue());
  }
}

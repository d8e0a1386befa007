package dev.millrace.it.equivalence;

import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.metrics.MetricResult;
import org.apache.beam.sdk.metrics.MetricsFilter;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.state.TimeDomain;
import org.apache.beam.sdk.testing.TestStream;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.Deduplicate;
import org.apache.beam.sdk.transforms.Distinct;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.GroupIntoBatches;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Sum;
import org.apache.beam.sdk.transforms.Values;
import org.apache.beam.sdk.transforms.WithKeys;
import org.apache.beam.sdk.transforms.windowing.AfterPane;
import org.apache.beam.sdk.transforms.windowing.AfterWatermark;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.FixedWindows;
import org.apache.beam.sdk.transforms.windowing.IntervalWindow;
import org.apache.beam.sdk.transforms.windowing.PaneInfo;
import org.apache.beam.sdk.transforms.windowing.Window;
import org.apache.beam.sdk.transforms.windowing.Window.OnTimeBehavior;
import org.apache.beam.sdk.util.ReleaseInfo;
import org.apache.beam.sdk.values.PBegin;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.TimestampedValue;
import org.apache.beam.sdk.values.TypeDescriptors;
import org.joda.time.Duration;
import org.joda.time.Instant;

/**
 * What Beam itself makes of the same few elements on one runner, set up as Millrace does: small
 * pipelines, in a process that has the runner's libraries.
 */
final class Probes {

  /** One key, windows of a minute: in time, and late. */
  private static final String LATE = "1@0 2@30 |120 10@15 |180 100@45";

  private static final String BEYOND = LATE + " |420 1000@20";

  /**
   * Windows of five minutes: two in time, one late, one beyond ten minutes, one of another window.
   */
  private static final String FIVE = "1@60 1@120 |360 1@180 |1000 1@240 1@1010";

  private static final List<Probe> PROBES =
      List.of(
          new Probe("discarding panes", LATE, minutes(5).discardingFiredPanes(), Probes::sum),
          new Probe("accumulating panes", LATE, minutes(5).accumulatingFiredPanes(), Probes::sum),
          new Probe(
              "a record beyond lateness", BEYOND, minutes(5).discardingFiredPanes(), Probes::sum),
          new Probe(
              "two sums, one after the other",
              LATE,
              minutes(5).discardingFiredPanes(),
              values -> sum(Probes.sum(values), "Again")),
          new Probe(
              "lateness above the worst case",
              BEYOND,
              minutes(24 * 60).discardingFiredPanes(),
              Probes::sum),
          new Probe("five minutes, late firings", FIVE, fiveMinutes(), Probes::sum),
          new Probe(
              "the same, `FIRE_IF_NON_EMPTY`",
              FIVE,
              fiveMinutes().withOnTimeBehavior(OnTimeBehavior.FIRE_IF_NON_EMPTY),
              Probes::sum),
          new Probe(
              "`Distinct`, a copy that is late",
              "1@0 2@10 1@20 |120 1@30 10@40",
              minutes(5).discardingFiredPanes(),
              values -> values.apply(Distinct.create()),
              false),
          new Probe(
              "`GroupIntoBatches` of two: sizes",
              "1@0 1@10 1@20",
              minutes(5).discardingFiredPanes(),
              Probes::batches,
              false),
          new Probe(
              "Beam's `Deduplicate`",
              "1@0 2@10 1@20",
              minutes(5).discardingFiredPanes(),
              values ->
                  values.apply(Deduplicate.<Integer>values().withTimeDomain(TimeDomain.EVENT_TIME)),
              false));

  /** What steps of the pipeline that runs have put out. */
  private static final Queue<Seen> SEEN = new ConcurrentLinkedQueue<>();

  private record Seen(long minute, int value, PaneInfo.Timing timing) {
    String text() {
      return switch (timing) {
        case ON_TIME -> String.valueOf(value);
        default -> value + " " + timing.name().toLowerCase(Locale.ROOT);
      };
    }
  }

  /**
   * @param script elements as {@code value@second}, and where the watermark goes to as {@code
   *     |second}
   */
  private record Probe(
      String name,
      String script,
      Window<Integer> windows,
      UnaryOperator<PCollection<Integer>> steps,
      boolean ordered) {
    /** Of one key, whose panes have an order. */
    Probe(
        String name,
        String script,
        Window<Integer> windows,
        UnaryOperator<PCollection<Integer>> steps) {
      this(name, script, windows, steps, true);
    }
  }

  private Probes() {}

  /**
   * Prints a line for each probe: its name, a tab, what was seen.
   *
   * @param arguments {@code stream} or {@code batch}, the runner, and options
   */
  public static void main(String[] arguments) throws Exception {
    PrintStream out = System.out;
    // What libraries print is no answer.
    System.setOut(System.err);
    if (arguments[1].equals("spark")) {
      // Beam looks for it in tests of its own only.
      PipelineOptionsFactory.register(
          Class.forName("org.apache.beam.runners.spark.TestSparkPipelineOptions")
              .asSubclass(PipelineOptions.class));
    }
    List<String> options =
        options(arguments[1], Arrays.asList(arguments).subList(2, arguments.length));
    out.println("Beam\t" + ReleaseInfo.getReleaseInfo().getVersion());
    for (Probe probe : PROBES) {
      out.println(probe.name() + "\t" + cell(probe, arguments[0].equals("stream"), options));
    }
    out.flush();
    // Threads of a runner may live on.
    System.exit(0);
  }

  /** Those that Millrace has for a runner, but where others are given. */
  static List<String> options(String runner, List<String> given) throws Exception {
    // Not on the class path of who compiles this: each runner has libraries of its own.
    Method method =
        Arrays.stream(Class.forName("dev.millrace." + runner + ".Main").getMethods())
            .filter(candidate -> candidate.getName().equals("engine"))
            .findFirst()
            .orElseThrow();
    Object engine =
        method.getParameterCount() == 0
            ? method.invoke(null)
            : method.invoke(null, Path.of("").toAbsolutePath());
    Class<?> type = method.getReturnType();
    List<String> all = new ArrayList<>();
    for (Object option : (List<?>) type.getMethod("defaults").invoke(engine)) {
      all.add(option.toString());
    }
    all.add("--runner=" + ((Class<?>) type.getMethod("runner").invoke(engine)).getName());
    all.addAll(given);
    Map<String, String> last = new LinkedHashMap<>();
    all.forEach(option -> last.put(option.replaceFirst("=.*", ""), option));
    return List.copyOf(last.values());
  }

  private static String cell(Probe probe, boolean stream, List<String> options) {
    SEEN.clear();
    Pipeline pipeline =
        Pipeline.create(PipelineOptionsFactory.fromArgs(options.toArray(String[]::new)).create());
    PTransform<PBegin, PCollection<Integer>> source =
        stream ? live(probe.script()) : whole(probe.script());
    PCollection<Integer> values =
        pipeline.apply("Values", source).apply("Windows", probe.windows());
    probe.steps().apply(values).apply("See", ParDo.of(new See()));
    try {
      PipelineResult result = pipeline.run();
      result.waitUntilFinish();
      String seen = seen(probe.ordered());
      return (seen.isEmpty() ? "nothing" : seen) + dropped(result);
    } catch (RuntimeException refused) {
      Throwable cause = refused;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      return "refused: " + cause.getClass().getSimpleName();
    }
  }

  /** Panes by window, in the order in which they came; how often one came again varies. */
  private static String seen(boolean ordered) {
    Map<Long, List<String>> windows = new TreeMap<>();
    for (Seen one : SEEN) {
      List<String> panes = windows.computeIfAbsent(one.minute(), minute -> new ArrayList<>());
      if (panes.isEmpty() || !panes.get(panes.size() - 1).equals(one.text())) {
        panes.add(one.text());
      }
    }
    if (!ordered) {
      windows.values().forEach(Collections::sort);
    }
    return windows.size() < 2
        ? windows.values().stream()
            .map(panes -> String.join(", ", panes))
            .collect(Collectors.joining())
        : windows.entrySet().stream()
            .map(
                window -> "minute " + window.getKey() + ": " + String.join(", ", window.getValue()))
            .collect(Collectors.joining("; "));
  }

  /** Records that the runner says it has dropped. */
  private static String dropped(PipelineResult result) {
    long dropped = 0;
    for (MetricResult<Long> counter :
        result.metrics().queryMetrics(MetricsFilter.builder().build()).getCounters()) {
      if (counter.getName().getName().equalsIgnoreCase("DroppedDueToLateness")) {
        dropped += counter.getAttempted();
      }
    }
    return dropped == 0 ? "" : "; counts " + dropped + " as dropped";
  }

  private static Window<Integer> minutes(int lateness) {
    return Window.<Integer>into(FixedWindows.of(Duration.standardMinutes(1)))
        .withAllowedLateness(Duration.standardMinutes(lateness));
  }

  private static Window<Integer> fiveMinutes() {
    return Window.<Integer>into(FixedWindows.of(Duration.standardMinutes(5)))
        .withAllowedLateness(Duration.standardMinutes(10))
        .triggering(
            AfterWatermark.pastEndOfWindow().withLateFirings(AfterPane.elementCountAtLeast(1)))
        .accumulatingFiredPanes();
  }

  private static PCollection<Integer> sum(PCollection<Integer> values) {
    return sum(values, "Sum");
  }

  private static PCollection<Integer> sum(PCollection<Integer> values, String step) {
    return values
        .apply(
            step + "Key",
            WithKeys.<String, Integer>of("key").withKeyType(TypeDescriptors.strings()))
        .apply(step, Sum.integersPerKey())
        .apply(step + "Values", Values.create());
  }

  private static PCollection<Integer> batches(PCollection<Integer> values) {
    return values
        .apply(WithKeys.<String, Integer>of("key").withKeyType(TypeDescriptors.strings()))
        .apply(GroupIntoBatches.ofSize(2))
        .apply(Values.create())
        .apply(MapElements.into(TypeDescriptors.integers()).via(Probes::size));
  }

  private static int size(Iterable<Integer> batch) {
    int size = 0;
    for (Integer one : batch) {
      size += one;
    }
    return size;
  }

  private static TestStream<Integer> live(String script) {
    TestStream.Builder<Integer> stream = TestStream.create(VarIntCoder.of());
    for (String word : script.split(" ", -1)) {
      stream =
          word.startsWith("|")
              ? stream.advanceWatermarkTo(second(word.substring(1)))
              : stream.addElements(element(word));
    }
    return stream.advanceWatermarkToInfinity();
  }

  private static Create.TimestampedValues<Integer> whole(String script) {
    return Create.timestamped(
            Arrays.stream(script.split(" ", -1))
                .filter(word -> !word.startsWith("|"))
                .map(Probes::element)
                .toList())
        .withCoder(VarIntCoder.of());
  }

  private static TimestampedValue<Integer> element(String word) {
    String[] parts = word.split("@", -1);
    return TimestampedValue.of(Integer.valueOf(parts[0]), second(parts[1]));
  }

  private static Instant second(String text) {
    return Instant.ofEpochSecond(Long.parseLong(text));
  }

  /** Takes down what comes out. */
  private static final class See extends DoFn<Integer, Void> {
    @ProcessElement
    public void process(@Element Integer value, BoundedWindow window, PaneInfo pane) {
      SEEN.add(new Seen(minute(window), value, pane.getTiming()));
    }

    private static long minute(BoundedWindow window) {
      return window instanceof IntervalWindow interval ? interval.start().getMillis() / 60_000 : 0;
    }
  }
}

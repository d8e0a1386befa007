package dev.millrace.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.millrace.local.LocalKafka;
import dev.millrace.local.LocalRegistry;
import dev.millrace.pipelines.UserError;
import dev.millrace.pipelines.generate.AnswerKey;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * The command {@code millrace bench}: Millrace beside other ways to do the same work, in turns, on
 * this machine.
 *
 * <p>Exit status: 0 if all went well, whatever the ratios; 3 if {@code --check} finds one that has
 * risen; 2 if the user can mend the command; 1 otherwise, above all when two sides do not give the
 * same answer.
 */
@Command(
    name = "millrace bench",
    description =
        "Measure Millrace beside other ways to do the same work: in turns, each run in a process"
            + " of its own, with the answers checked.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true,
    footer = {
      "",
      "Benchmarks:",
      "  refine  the refining of sales (parse, limits, rules, gate) beside a plain loop",
      "  sales   the whole job beside DuckDB",
      "  sql     the whole job on Flink beside Flink SQL, and on Spark beside Spark SQL",
      "  events  events refined and summed by minute, beside jobs written by hand for Flink",
      "  batch   the same events of a file in batch, beside DuckDB",
      "  topics  values from topic to topic, strings and Avro, beside jobs written by hand for Flink",
      "  growth  events by the million, more and more of them, in the same heap",
      "  keys    events summed by few keys, by many, and by one that most have",
      "  whole   clickstream as a whole, beside jobs written by hand for Flink",
      "  live    clickstream on Flink between Kafka and PostgreSQL: how soon, and how many a second",
      "  micro   parts of the transforms by themselves, by JMH: nanoseconds for a record"
    })
public final class Bench implements Callable<Integer> {

  /** The program of the Flink runner, below the house: its libraries are kept apart. */
  private static final String FLINK =
      "runners/flink/target/millrace-runner-flink-0.1.0-SNAPSHOT.jar";

  /** The jobs on Flink that are measured from within. */
  private static final String JOBS =
      "integration-tests/benchmarks-flink/target/millrace-benchmarks-flink-0.1.0-SNAPSHOT.jar";

  /** The program of the Spark runner. */
  private static final String SPARK =
      "runners/spark/target/millrace-runner-spark-0.1.0-SNAPSHOT.jar";

  /** The job for Spark SQL. */
  private static final String SPARK_SQL =
      "integration-tests/benchmarks-spark/target/millrace-benchmarks-spark-0.1.0-SNAPSHOT.jar";

  /** The parts that are measured by themselves. */
  private static final String PARTS =
      "integration-tests/benchmarks-micro/target/millrace-benchmarks-micro-0.1.0-SNAPSHOT.jar";

  private static final Pattern HEAP = Pattern.compile("[1-9]\\d*[kmgKMG]");

  /** What can be measured. */
  enum Benchmark {
    REFINE,
    SALES,
    SQL,
    EVENTS,
    BATCH,
    TOPICS,
    GROWTH,
    KEYS,
    WHOLE,
    LIVE,
    MICRO
  }

  @Parameters(
      arity = "0..*",
      paramLabel = "refine|sales|sql|events|batch|topics|growth|keys|whole|live|micro",
      description = "What to measure. Default: refine and sales.")
  private List<Benchmark> which = List.of(Benchmark.REFINE, Benchmark.SALES);

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "Rounds that count; in each, every side runs once. Default: 5.")
  private int rounds = 5;

  @Option(
      names = "--warm-up",
      paramLabel = "N",
      description = "Rounds before those, that do not count. Default: 1.")
  private int warmUp = 1;

  @Option(
      names = "--passes",
      paramLabel = "N",
      description =
          "refine, events, batch, topics, keys, whole: times a process works through the input while it is measured, after as many"
              + " times that are not. Default: 3.")
  private int passes = 3;

  @Option(
      names = "--scale",
      paramLabel = "N",
      description = "Times the facts of FoodMart are taken, 269,720 each. Default: 1.")
  private int scale = 1;

  @Option(
      names = "--slope",
      description =
          "sql: measure what the sales of --scale beyond the first 269,720 cost, instead of a whole"
              + " run.")
  private boolean slope;

  @Option(
      names = "--events",
      paramLabel = "N",
      description =
          "events, batch, topics, keys, whole: how many; the first quarter is not counted. Default: 1000000.")
  private long events = 1_000_000;

  @Option(
      names = "--millions",
      split = ",",
      paramLabel = "N",
      description = "growth: million events, one after the other. Default: 1,10,100.")
  private List<Integer> millions = List.of(1, 10, 100);

  @Option(
      names = "--sales",
      paramLabel = "PATH",
      description =
          "refine: a file of JSON lines, or a directory of them such as 'millrace generate' makes,"
              + " instead of FoodMart.")
  private @Nullable Path sales;

  @Option(
      names = "--heap",
      paramLabel = "SIZE",
      description = "Heap of each process that is measured, as -Xmx takes it. Default: 1g.")
  private String heap = "1g";

  @Option(
      names = "--rate",
      split = ",",
      paramLabel = "N",
      description = "live: events a second, one after the other. Default: 1000,10000,100000.")
  private List<Long> rates = List.of(1_000L, 10_000L, 100_000L);

  @Option(
      names = "--seconds",
      paramLabel = "N",
      description = "live: how long each rate is measured. Default: 60.")
  private int seconds = 60;

  @Option(
      names = "--warm-up-seconds",
      paramLabel = "N",
      description = "live: how long each rate is sent before. Default: 20.")
  private int warmUpSeconds = 20;

  @Option(
      names = "--java",
      paramLabel = "OPTION",
      description =
          "live: an option of the pipeline's Java, instead of those of 'millrace run'. May be given"
              + " more than once.")
  private List<String> javaOptions = List.of();

  @Option(
      names = "--run",
      paramLabel = "OPTION",
      description =
          "live: an option of 'millrace run clickstream --runner=flink', such as --run=--early=1s."
              + " May be given more than once.")
  private List<String> runOptions = List.of();

  @Option(names = "--json", paramLabel = "FILE", description = "Write all measurements there.")
  private @Nullable Path json;

  @Option(
      names = "--picture",
      paramLabel = "FILE",
      description =
          "Draw the CPU time of each side there, as SVG. Of live and micro there is none.")
  private @Nullable Path picture;

  @Option(
      names = "--check",
      description =
          "Compare with the ratios of CPU time that are recorded with the sources; exit status 3 if one has risen by more than 15 percent, or was recorded with other options.")
  private boolean check;

  @Option(names = "--record", description = "Record the ratios instead.")
  private boolean record;

  @Option(names = "--markdown", description = "Print the tables in Markdown.")
  private boolean markdown;

  @Option(names = "--debug", description = "Show the stack trace of an error.")
  private boolean debug;

  private final Path directory;
  private final PrintStream out;
  private final PrintStream err;

  Bench(Path directory, PrintStream out, PrintStream err) {
    this.directory = directory;
    this.out = out;
    this.err = err;
  }

  /** Carries out the command and ends with its exit status. */
  public static void main(String[] arguments) {
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    System.exit(new Bench(Path.of("").toAbsolutePath(), out, System.err).run(arguments));
  }

  int run(String... arguments) {
    CommandLine command =
        new CommandLine(this)
            .setCaseInsensitiveEnumValuesAllowed(true)
            .setOut(new PrintWriter(out, true, StandardCharsets.UTF_8))
            .setParameterExceptionHandler(
                (refused, given) -> complain(2, refused.getMessage(), refused))
            .setExecutionExceptionHandler((failed, line, parsed) -> report(failed));
    int status = command.execute(arguments);
    out.flush();
    return status;
  }

  private int report(Exception failed) {
    int status = failed instanceof UserError ? 2 : 1;
    boolean known =
        failed instanceof UserError
            || failed instanceof WrongAnswer
            || failed instanceof Processes.Failed;
    String message = String.valueOf(failed.getMessage());
    return complain(status, known ? message : failed.getClass().getName() + ": " + message, failed);
  }

  private int complain(int status, @Nullable String sentence, Exception failed) {
    err.println("millrace bench: " + sentence);
    if (debug) {
      StringWriter stack = new StringWriter();
      failed.printStackTrace(new PrintWriter(stack));
      err.print(stack);
    }
    return status;
  }

  @Override
  public Integer call() throws Exception {
    check();
    Set<Benchmark> chosen = new LinkedHashSet<>(which);
    Path base = Files.createDirectories(directory.resolve(".millrace/bench"));
    Path work = Files.createTempDirectory(base, "run");
    boolean done = false;
    try {
      List<Comparison.Result> results = new ArrayList<>();
      List<LiveRun.Found> live = List.of();
      Path foodMart = work.resolve("foodmart");
      if (sales == null) {
        say("writing the input …");
        FoodMart.writeInto(foodMart, scale);
      }
      List<Path> files = sales == null ? FoodMart.sales(foodMart) : files(sales);
      long records = records(files);
      for (Benchmark benchmark : chosen) {
        switch (benchmark) {
          case REFINE -> results.add(refine(files, records, work));
          case SALES -> results.add(sales(foodMart, records, work));
          case SQL -> results.addAll(sql(foodMart, records, work));
          case EVENTS -> results.addAll(events(work));
          case BATCH -> results.add(batch(work));
          case TOPICS -> results.addAll(topics(work));
          case GROWTH -> results.addAll(growth(work));
          case KEYS -> results.addAll(keys(work));
          case WHOLE -> results.add(whole(work));
          case LIVE -> live = live(foodMart, work);
          case MICRO -> Micro.run(built(PARTS), heap);
        }
      }
      Map<String, Object> machine = machine();
      out.println(machineLine(machine));
      results.forEach(result -> out.println("\n" + Report.text(result, markdown)));
      if (!live.isEmpty()) {
        out.println("\n" + LiveBench.text(live, Duration.ofSeconds(seconds), markdown));
      }
      if (json != null) {
        write(json, results, live, machine, files);
      }
      if (picture != null) {
        Picture.write(picture, results, machineLine(machine));
      }
      done = true;
      return recorded(
          Ratios.of(
              results,
              "--passes=%d --events=%d --scale=%d%s --heap=%s"
                  .formatted(passes, events, scale, slope ? " --slope" : "", heap)));
    } finally {
      if (done) {
        Temporary.delete(work);
      } else {
        err.println("millrace bench: what there is of this run is in " + work);
      }
    }
  }

  private int recorded(Ratios now) throws IOException {
    Path file = built("integration-tests/benchmarks/ratios.json");
    if (record) {
      now.into(file);
    }
    List<String> told = check ? now.above(Ratios.in(file)) : List.of();
    told.forEach(ratio -> out.println("\n" + ratio));
    return told.isEmpty() ? 0 : 3;
  }

  private void check() throws IOException {
    atLeast("--rounds", rounds, 1);
    atLeast("--warm-up", warmUp, 0);
    atLeast("--passes", passes, 1);
    atLeast("--scale", scale, 1);
    atLeast("--events", (int) Math.min(events, Integer.MAX_VALUE), 1_000);
    atLeast("--seconds", seconds, 1);
    atLeast("--warm-up-seconds", warmUpSeconds, 0);
    for (int million : millions) {
      atLeast("--millions", million, 1);
    }
    if (millions.size() < 2) {
      throw new UserError("--millions is " + millions.get(0) + "; give two or more, such as 1,10.");
    }
    for (long rate : rates) {
      if (rate < 1 || rate > 1_000_000) {
        throw new UserError("--rate is " + rate + "; give events a second, from 1 to 1000000.");
      }
    }
    if (!HEAP.matcher(heap).matches()) {
      throw new UserError("--heap is '" + heap + "'; give a size such as 512m or 2g.");
    }
    if (sales != null && !which.equals(List.of(Benchmark.REFINE))) {
      throw new UserError(
          "--sales goes with 'refine' alone: DuckDB takes every record for a good one. Write:"
              + " millrace bench refine --sales="
              + sales);
    }
    if (sales != null && scale != 1) {
      throw new UserError("--scale is for FoodMart; it does not go with --sales.");
    }
    if (slope && scale == 1) {
      throw new UserError("--slope is for more than one --scale, such as --scale=4.");
    }
    canBeFile("--json", json);
    canBeFile("--picture", picture);
  }

  private static void canBeFile(String option, @Nullable Path file) {
    if (file != null) {
      Path parent = file.toAbsolutePath().getParent();
      if (Files.isDirectory(file) || parent == null || !Files.isDirectory(parent)) {
        throw new UserError(
            option + ": '" + file + "' cannot be a file; name one in a directory that is there.");
      }
    }
  }

  private static void atLeast(String option, int value, int least) {
    if (value < least) {
      throw new UserError(option + " is " + value + "; it must be " + least + " or more.");
    }
  }

  private Comparison.Result refine(List<Path> files, long records, Path work) throws Exception {
    return RefineSide.comparison(files, records, passes, new Processes(work, heap))
        .run(warmUp, rounds, this::say);
  }

  private Comparison.Result sales(Path foodMart, long records, Path work) throws Exception {
    Processes processes = new Processes(work, heap);
    try (Warehouse warehouse = Warehouse.in(work)) {
      MillraceSide millrace = MillraceSide.onDirect(work, foodMart, processes, warehouse);
      int threads = Runtime.getRuntime().availableProcessors();
      Side duckDb = new DuckDbSide(work, foodMart, threads, processes);
      return new Comparison("sales", records, List.of(duckDb, millrace), List.of())
          .run(warmUp, rounds, this::say);
    }
  }

  private List<Comparison.Result> events(Path work) throws Exception {
    ShopEvents.Files files = shopEvents(work, events);
    List<Comparison.Result> results = new ArrayList<>();
    results.add(run(sides(work).asStream("events of a file", files.input(), 0.6, passes)));
    try (LocalKafka kafka = LocalKafka.start(work.resolve("kafka"))) {
      EventsSide.Input topics = ShopEvents.send(files, kafka.bootstrapServers());
      results.add(run(sides(work).asStream("events of a topic", topics, 0.7, passes)));
    }
    return results;
  }

  private Comparison.Result batch(Path work) throws Exception {
    return run(sides(work).inBatch(shopEvents(work, events).input(), passes));
  }

  private List<Comparison.Result> topics(Path work) throws Exception {
    ShopEvents.Files files = shopEvents(work, events);
    Processes processes = new Processes(work, heap);
    List<Comparison.Result> results = new ArrayList<>();
    try (LocalKafka kafka = LocalKafka.start(work.resolve("topics"));
        LocalRegistry registry = LocalRegistry.start(work.resolve("registry"))) {
      for (String schemas : new String[] {"", registry.url()}) {
        String address = schemas.isEmpty() ? null : schemas;
        EventsSide.Input topics = ShopEvents.sendGood(files, kafka.bootstrapServers(), address);
        results.add(run(TopicsSide.comparison(topics, address, passes, built(JOBS), processes)));
      }
    }
    return results;
  }

  private List<Comparison.Result> growth(Path work) throws Exception {
    // Few enough that the last of a file are no later than the first of the next one may be.
    ShopEvents.Files files = shopEvents(work, 250_000);
    long events = records(List.of(files.many()));
    Path directory = Files.createDirectories(work.resolve("growth"));
    int first = Math.toIntExact(EventsSide.MILLION / events);
    Path few = ShopEvents.copies(files.many(), directory.resolve("few"), first);
    List<EventsSide.Input> inputs = new ArrayList<>();
    List<Integer> copies = new ArrayList<>();
    for (int million : millions) {
      int further = Math.toIntExact(Math.round((double) million * EventsSide.MILLION / events));
      Path many =
          ShopEvents.copies(files.many(), directory.resolve("more" + million), first + further);
      inputs.add(new EventsSide.Input(few.toString(), many.toString(), further * events));
      copies.add(first + further);
    }
    return List.of(
        run(sides(work).growing(false, inputs, copies)),
        run(sides(work).growing(true, inputs, copies)));
  }

  private List<Comparison.Result> keys(Path work) throws Exception {
    ShopEvents.Files files = shopEvents(work, events);
    List<Comparison.Result> results = new ArrayList<>();
    for (int keys : new int[] {10, 10_000, 1_000_000}) {
      results.add(byKey(files, keys, 0, work));
    }
    results.add(byKey(files, 10_000, 0.8, work));
    return results;
  }

  private Comparison.Result byKey(ShopEvents.Files files, int keys, double hotShare, Path work)
      throws Exception {
    Path directory = work.resolve("keys");
    EventsSide.Input input = ShopEvents.withSessions(files, directory, keys, hotShare).input();
    String words = String.format(Locale.ROOT, "%,d keys", keys);
    String hot =
        hotShare == 0 ? "" : String.format(Locale.ROOT, ", one with %.0f %%", 100 * hotShare);
    return run(sides(work).byKey(words + hot, input, passes));
  }

  private ShopEvents.Files shopEvents(Path work, long events) throws IOException {
    say("writing events …");
    return ShopEvents.write(Files.createDirectories(work.resolve("events")), events);
  }

  private EventsSide sides(Path work) {
    return new EventsSide(built(JOBS), new Processes(work, heap));
  }

  private Comparison.Result run(Comparison comparison) throws Exception {
    return comparison.run(warmUp, rounds, this::say);
  }

  private List<Comparison.Result> sql(Path foodMart, long records, Path work) throws Exception {
    Path few = work.resolve("few");
    long further = records;
    if (slope) {
      FoodMart.writeInto(few, 1);
      further -= records(FoodMart.sales(few));
    }
    return List.of(
        sql("Flink", JOBS, List.of("SQL"), 1.2, FLINK, foodMart, few, further, work),
        sql("Spark", SPARK_SQL, List.of(), 1.5, SPARK, foodMart, few, further, work));
  }

  private Comparison.Result sql(
      String engine,
      String program,
      List<String> arguments,
      double wanted,
      String runner,
      Path foodMart,
      Path few,
      long records,
      Path work)
      throws Exception {
    Processes processes = new Processes(work, heap);
    try (Warehouse warehouse = Warehouse.in(work)) {
      MillraceSide millrace =
          new MillraceSide(
              work, engine, foodMart, run -> processes.runJar(built(runner), run), warehouse);
      SqlSide sql =
          new SqlSide(
              engine + " SQL", built(program), arguments, work, foodMart, processes, warehouse);
      List<Side> sides =
          slope
              ? List.of(
                  new SlopeSide(sql.over(few), sql), new SlopeSide(millrace.over(few), millrace))
              : List.of(sql, millrace);
      String name = "sales on " + engine + (slope ? ", for each further sale" : "");
      return new Comparison(
              name,
              records,
              sides,
              List.of(new Comparison.Aim(sides.get(1).name(), sides.get(0).name(), wanted)))
          .run(warmUp, rounds, this::say);
    }
  }

  private Comparison.Result whole(Path work) throws Exception {
    say("writing events …");
    // The dimensions of an event lie beside it.
    Path directory = FoodMart.writeInto(work.resolve("whole"), 1);
    return run(sides(work).asAWhole(ShopEvents.write(directory, events).input(), passes));
  }

  private static Path built(String program) {
    String home = System.getProperty("millrace.home");
    return Path.of(home == null ? "" : home, program).toAbsolutePath();
  }

  private List<LiveRun.Found> live(Path foodMart, Path work) throws Exception {
    return LiveBench.run(
        new LiveBench.Settings(
            rates,
            Duration.ofSeconds(warmUpSeconds),
            Duration.ofSeconds(seconds),
            heap,
            javaOptions,
            runOptions),
        foodMart,
        built(FLINK),
        work,
        this::say);
  }

  private void say(String what) {
    err.println("millrace bench: " + what);
  }

  /** The files of JSON lines that a path names. */
  static List<Path> files(Path path) throws IOException {
    List<Path> files = new ArrayList<>();
    if (Files.isDirectory(path)) {
      try (Stream<Path> all = Files.list(path)) {
        all.filter(Files::isRegularFile)
            .filter(file -> isJsonLines(String.valueOf(file.getFileName())))
            .sorted()
            .forEach(file -> files.add(file.toAbsolutePath()));
      }
    } else if (Files.isRegularFile(path)) {
      files.add(path.toAbsolutePath());
    }
    if (files.isEmpty()) {
      throw new UserError("--sales: there are no JSON lines (*.json, *.jsonl) in '" + path + "'.");
    }
    return files;
  }

  private static boolean isJsonLines(String name) {
    return (name.endsWith(".json") || name.endsWith(".jsonl")) && !name.equals(AnswerKey.FILE_NAME);
  }

  private static long records(List<Path> files) throws IOException {
    long[] records = new long[1];
    for (Path file : files) {
      Lines.forEach(file, 1 << 20, (bytes, start, end, position) -> records[0]++);
    }
    return records[0];
  }

  private Map<String, Object> machine() {
    Map<String, Object> machine = new LinkedHashMap<>();
    machine.put("time", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    machine.put("cores", Runtime.getRuntime().availableProcessors());
    machine.put("system", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    machine.put(
        "java", System.getProperty("java.vm.name") + " " + System.getProperty("java.version"));
    machine.put("heap", heap);
    return machine;
  }

  private static String machineLine(Map<String, Object> machine) {
    return String.format(
        Locale.ROOT,
        "%s cores, %s, %s, heap %s, %s",
        machine.get("cores"),
        machine.get("system"),
        machine.get("java"),
        machine.get("heap"),
        machine.get("time"));
  }

  private void write(
      Path file,
      List<Comparison.Result> results,
      List<LiveRun.Found> live,
      Map<String, Object> machine,
      List<Path> files)
      throws IOException {
    long bytes = 0;
    for (Path input : files) {
      bytes += Files.size(input);
    }
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("machine", machine);
    all.put(
        "settings", Map.of("rounds", rounds, "warmUp", warmUp, "passes", passes, "scale", scale));
    all.put("input", Map.of("files", files.size(), "bytes", bytes));
    List<Map<String, Object>> data = new ArrayList<>(results.stream().map(Report::data).toList());
    if (!live.isEmpty()) {
      data.add(LiveBench.data(live));
    }
    all.put("results", data);
    new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValue(file.toFile(), all);
  }
}

package dev.millrace.runners;

import dev.millrace.local.LocalServerException;
import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.Durations;
import dev.millrace.pipelines.GeneratorEntry;
import dev.millrace.pipelines.UserError;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.beam.sdk.options.PipelineOptions;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * The command line: {@code run}, {@code backfill}, {@code generate}, {@code sql}, {@code
 * dead-letters}, {@code stack}, {@code submit} and what else is done with a cluster, {@code list},
 * {@code help}, {@code version}.
 *
 * <p>Exit status: 0 if all went well, 2 if the user can mend the command, 3 if {@code stack status}
 * finds a server that is not up, 1 otherwise. What went wrong stands on standard error in one
 * sentence, results on standard output; the whole story of an error is in the log file.
 */
@Command(
    name = "millrace",
    description = "Complete data pipelines: every record accounted for.",
    synopsisSubcommandLabel = "COMMAND",
    sortOptions = false,
    usageHelpAutoWidth = true)
public final class Millrace {

  private final Engine engine;
  private final List<CatalogueEntry> pipelines;
  private final List<GeneratorEntry> generators;
  private final Path directory;
  private final PrintStream out;
  private final PrintStream err;

  /**
   * A command line with these pipelines.
   *
   * @param directory what relative paths and {@code .millrace} are below of
   */
  public Millrace(
      Engine engine,
      List<CatalogueEntry> pipelines,
      List<GeneratorEntry> generators,
      Path directory,
      PrintStream out,
      PrintStream err) {
    this.engine = engine;
    this.pipelines = List.copyOf(pipelines);
    this.generators = List.copyOf(generators);
    this.directory = directory;
    this.out = out;
    this.err = err;
  }

  /** The command line of a runner: every pipeline on the classpath, in the working directory. */
  public static Millrace on(Engine engine) {
    return on(
        engine,
        new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8),
        System.err);
  }

  /** The same, which prints elsewhere. */
  public static Millrace on(Engine engine, PrintStream out, PrintStream err) {
    return new Millrace(
        engine,
        ServiceLoader.load(CatalogueEntry.class).stream().map(ServiceLoader.Provider::get).toList(),
        ServiceLoader.load(GeneratorEntry.class).stream().map(ServiceLoader.Provider::get).toList(),
        Path.of("").toAbsolutePath(),
        out,
        err);
  }

  /** Carries out a command and returns the exit status. */
  public int run(String... arguments) {
    CommandLine commands =
        new CommandLine(this)
            .addSubcommand(
                "run", new CommandLine(new Run()).setUnmatchedOptionsArePositionalParams(true))
            .addSubcommand(
                "backfill",
                new CommandLine(new Backfill()).setUnmatchedOptionsArePositionalParams(true))
            .addSubcommand(
                "generate",
                new CommandLine(new Generate()).setUnmatchedOptionsArePositionalParams(true))
            .addSubcommand("sql", new Sql())
            .addSubcommand("dead-letters", new DeadLetterCommands(this).commands())
            .addSubcommand("stack", new Stack());
    new ClusterCommands(this).addTo(commands);
    commands
        .addSubcommand("list", new Listing())
        .addSubcommand("help", new Help())
        .addSubcommand("version", new Version())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setOut(new PrintWriter(out, true, StandardCharsets.UTF_8))
        .setParameterExceptionHandler(this::refuse)
        .setExecutionExceptionHandler((failed, command, parsed) -> report(failed));
    int status = commands.execute(withHelpFirst(arguments));
    out.flush();
    return status;
  }

  /** Help and version, asked for in the ways people are used to, are commands here. */
  private static String[] withHelpFirst(String[] arguments) {
    List<String> given = new ArrayList<>(List.of(arguments));
    if (given.isEmpty()) {
      return new String[] {"help"};
    }
    if (given.get(0).equals("--version") || given.get(0).equals("-V")) {
      return new String[] {"version"};
    }
    if (given.contains("--help") || given.contains("-h")) {
      Stream<String> topic = given.stream().takeWhile(word -> !word.startsWith("-")).limit(2);
      topic = given.get(0).equals("run") && given.size() > 2 ? topic.skip(1) : topic;
      topic = given.get(0).equals("stack") ? topic.limit(1) : topic;
      return Stream.concat(Stream.of("help"), topic).toArray(String[]::new);
    }
    return arguments;
  }

  private int refuse(CommandLine.ParameterException refused, String[] arguments) {
    CommandLine command = refused.getCommandLine();
    List<String> commands = List.copyOf(command.getSubcommands().keySet());
    String sentence = refused.getMessage();
    if (command.getParent() == null && arguments.length > 0) {
      String wanted = arguments[0];
      sentence =
          pipelines.stream().anyMatch(pipeline -> pipeline.name().equals(wanted))
              ? "There is no command '" + wanted + "'. Did you mean millrace run " + wanted + "?"
              : "There is no command '"
                  + wanted
                  + "'."
                  + Nearest.hint(wanted, commands)
                  + " There are "
                  + String.join(", ", commands)
                  + ".";
    } else if (refused instanceof CommandLine.UnmatchedArgumentException unmatched) {
      String wanted = unmatched.getUnmatched().get(0).replaceFirst("=.*", "");
      List<String> options =
          command.getCommandSpec().options().stream()
              .map(CommandLine.Model.OptionSpec::longestName)
              .toList();
      sentence =
          !commands.isEmpty() && !wanted.startsWith("-")
              ? "There is no millrace "
                  + command.getCommandName()
                  + " "
                  + wanted
                  + "."
                  + Nearest.hint(wanted, commands)
                  + " There are "
                  + String.join(", ", commands)
                  + "."
              : wanted.startsWith("-")
                  ? "Unknown option "
                      + wanted
                      + " of "
                      + command.getCommandName()
                      + "."
                      + Nearest.hint(wanted, options)
                  : "'"
                      + wanted
                      + "' is one argument too many for "
                      + command.getCommandName()
                      + "; put what belongs together into quotes.";
    }
    err.println("millrace: " + sentence);
    return Failure.USER;
  }

  private int report(Exception failed) {
    Failure failure = Failure.of(failed);
    err.println("millrace: " + failure.sentence());
    return failure.status();
  }

  // ---------------------------------------------------------------------------------- commands

  /** What every command that works takes. */
  abstract static class Working {
    @Option(
        names = "--log",
        paramLabel = "text|json|quiet",
        defaultValue = "text",
        description =
            "What is written to standard error meanwhile: ${COMPLETION-CANDIDATES}. Default: text.")
    LogMode log = LogMode.TEXT;

    @Option(names = "--debug", description = "Show the stack trace of an error.")
    boolean debug;
  }

  @Command(
      name = "run",
      description =
          "Run a pipeline: millrace run PIPELINE [--runner=direct|flink|spark] [--option=value ...]; see millrace help PIPELINE.")
  private final class Run extends Working implements Callable<Integer> {
    @Option(
        names = "--every",
        paramLabel = "DURATION",
        description =
            "Run it again and again, so long after the last run began: 5m, 1h. For a batch over what grows, such as a topic up to now: its answers follow. It ends when it is interrupted, or a run fails.")
    @Nullable String every;

    @Parameters(arity = "0..*", paramLabel = "PIPELINE [--option=value]")
    List<String> arguments = new ArrayList<>();

    @Override
    public Integer call() {
      return working(
          "run",
          this,
          narrator -> {
            CatalogueEntry pipeline = named("pipeline", arguments, pipelines, CatalogueEntry::name);
            if (every == null) {
              out.println(launch(narrator).run(pipeline, options(pipeline, arguments, narrator)));
            } else {
              again(pipeline, Durations.parse("--every", every), narrator);
            }
          });
    }

    /** Until a run fails, or the process is ended. */
    private void again(CatalogueEntry pipeline, Duration pace, Narrator narrator) throws Exception {
      while (true) {
        long begun = System.nanoTime();
        out.println(
            launch(narrator)
                .run(
                    pipeline,
                    options(pipeline, arguments, narrator),
                    job -> {
                      if (job.isLive()) {
                        throw new UserError(
                            "--every is for a batch, and this run is live: it has no end. Leave --every out, or let its topic end: ?until=end.");
                      }
                    }));
        narrator.phase("Waiting for the next run");
        narrator.ifInterrupted("Stopped between two runs: what the last one stated is published.");
        TimeUnit.NANOSECONDS.sleep(pace.toNanos() - (System.nanoTime() - begun));
        narrator.ifInterrupted(Narrator.IN_A_RUN);
      }
    }
  }

  @Command(
      name = "backfill",
      description =
          "Compute windows again from the archive, also while a live run goes on: millrace backfill PIPELINE --from=TIME --to=TIME [--option=value ...]; the options are those of run.")
  private final class Backfill extends Working implements Callable<Integer> {
    @Option(
        names = "--from",
        required = true,
        paramLabel = "TIME",
        description = "Windows that begin then or later, such as 2026-01-01T00:00:00Z.")
    String from = "";

    @Option(
        names = "--to",
        required = true,
        paramLabel = "TIME",
        description =
            "And before then. They must be closed: nothing that is on time can reach them.")
    String to = "";

    @Parameters(arity = "0..*", paramLabel = "PIPELINE [--option=value]")
    List<String> arguments = new ArrayList<>();

    @Override
    public Integer call() {
      return working(
          "backfill",
          this,
          narrator -> {
            CatalogueEntry pipeline = named("pipeline", arguments, pipelines, CatalogueEntry::name);
            Instant first = time("--from", from);
            Instant end = time("--to", to);
            out.println(
                launch(narrator)
                    .run(
                        pipeline,
                        options(pipeline, arguments, narrator),
                        job -> job.backfill(first, end)));
          });
    }
  }

  private static Instant time(String option, String text) {
    try {
      return Instant.parse(text);
    } catch (DateTimeException noTime) {
      throw new UserError(
          option + " is '" + text + "', which is no time; write it like 2026-01-01T00:00:00Z.",
          noTime);
    }
  }

  @Command(
      name = "generate",
      description = "Generate test data: millrace generate PIPELINE [--option=value ...].")
  private final class Generate extends Working implements Callable<Integer> {
    @Parameters(arity = "0..*", paramLabel = "PIPELINE [--option=value]")
    List<String> arguments = new ArrayList<>();

    @Override
    public Integer call() {
      return working(
          "generate",
          this,
          narrator -> {
            GeneratorEntry generator =
                named("generator", arguments, generators, GeneratorEntry::name);
            PipelineOptions options =
                options(
                    generator.name(),
                    generator.optionsClass(),
                    arguments.subList(1, arguments.size()),
                    narrator);
            narrator.phase("Generating");
            String summary =
                generator.generate(
                    options, records -> narrator.progress(Map.of("Generate", records)));
            narrator.close();
            out.println(summary);
          });
    }
  }

  @Command(name = "sql", description = "Ask the warehouse: millrace sql \"SELECT ...\".")
  private final class Sql extends Working implements Callable<Integer> {
    @Parameters(
        arity = "1",
        paramLabel = "STATEMENT",
        description = "SQL; - reads it from standard input.")
    String statement = "";

    @Option(
        names = "--format",
        paramLabel = "table|csv|json",
        defaultValue = "table",
        description = "Form of the result. Default: table.")
    ResultPrinter.Format format = ResultPrinter.Format.TABLE;

    @Option(names = "--write", description = "Let the statement change the warehouse.")
    boolean write;

    @CommandLine.Mixin WarehouseAccess warehouse = new WarehouseAccess();

    @Override
    public Integer call() {
      return working(
          "sql",
          this,
          narrator -> {
            String sql =
                statement.equals("-")
                    ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8)
                    : statement;
            warehouse.open(directory, access -> Queries.run(access, sql, write, format, out));
          });
    }
  }

  @Command(
      name = "stack",
      description =
          "Real servers on this machine, Kafka, PostgreSQL, a schema registry and Flink: millrace stack up.")
  private final class Stack extends Working implements Callable<Integer> {
    @Parameters(
        arity = "0..1",
        paramLabel = "up|status|down|reset",
        description =
            "up: start them, and wait until they answer. status: how they are; exit status 3 unless all are up. down: stop them. reset: stop them and remove their data.")
    @Nullable String action;

    @Option(
        names = "--kafka-port",
        paramLabel = "PORT",
        description = "Where Kafka listens on 127.0.0.1, for up. Default: 9092.")
    @Nullable Integer kafkaPort;

    @Option(
        names = "--registry",
        description =
            "Have a schema registry too, Apicurio, for up; 142 MB are fetched the first time. From then on it belongs to the stack, until reset.")
    boolean registry;

    @Option(
        names = "--registry-port",
        paramLabel = "PORT",
        description = "Have it listen there on 127.0.0.1. Default: 8081.")
    @Nullable Integer registryPort;

    @Option(
        names = "--flink",
        description =
            "Have a Flink cluster too, for up; 110 MB are fetched the first time. From then on it belongs to the stack, until reset.")
    boolean flink;

    @Option(
        names = "--flink-port",
        paramLabel = "PORT",
        description = "Have its REST interface and web page there on 127.0.0.1. Default: 8081.")
    @Nullable Integer flinkPort;

    private int status;

    @Override
    public Integer call() {
      int failed =
          working(
              "stack",
              this,
              narrator ->
                  status =
                      new StackCommand(directory, narrator, out)
                          .run(action, kafkaPort, registry, registryPort, flink, flinkPort));
      return failed == 0 ? status : failed;
    }
  }

  @Command(name = "list", description = "List the pipelines and generators.")
  private final class Listing implements Callable<Integer> {
    @Override
    public Integer call() {
      out.println("Pipelines (millrace run NAME):");
      pipelines.forEach(
          pipeline -> out.printf("  %-14s %s%n", pipeline.name(), pipeline.summary()));
      if (!generators.isEmpty()) {
        out.println("Generators (millrace generate NAME):");
        generators.forEach(
            generator -> out.printf("  %-14s %s%n", generator.name(), generator.summary()));
      }
      return 0;
    }
  }

  @Command(
      name = "help",
      description = "Explain a pipeline with all its options: millrace help PIPELINE.")
  private final class Help implements Callable<Integer> {
    @Parameters(arity = "0..*", paramLabel = "PIPELINE | COMMAND")
    List<String> topic = new ArrayList<>();

    @CommandLine.Spec CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

    @Override
    public Integer call() {
      CommandLine all = spec.parent().commandLine();
      if (topic.isEmpty()) {
        all.usage(out);
        out.println();
        return new Listing().call();
      }
      String last = topic.get(topic.size() - 1);
      boolean generating = topic.get(0).equals("generate") && topic.size() > 1;
      CommandLine first = all.getSubcommands().get(topic.get(0));
      CommandLine part = first == null ? null : first.getSubcommands().get(last);
      CommandLine command = all.getSubcommands().get(last);
      if (part != null && topic.size() == 2) {
        part.usage(out);
      } else if (command != null && topic.size() == 1) {
        command.usage(out);
      } else if (generating) {
        out.print(HelpText.of(named("generator", List.of(last), generators, GeneratorEntry::name)));
      } else {
        out.print(
            HelpText.of(named("pipeline", List.of(last), pipelines, CatalogueEntry::name), engine));
        if (generators.stream().anyMatch(generator -> generator.name().equals(last))) {
          out.println("\nTest data for it: millrace help generate " + last);
        }
      }
      return 0;
    }
  }

  @Command(name = "version", description = "Show the version.")
  private final class Version implements Callable<Integer> {
    @Override
    public Integer call() throws IOException {
      Properties versions = new Properties();
      try (InputStream in = Millrace.class.getResourceAsStream("version.properties")) {
        versions.load(Objects.requireNonNull(in));
      }
      out.println(
          "Millrace "
              + versions.getProperty("version")
              + " (Apache Beam "
              + versions.getProperty("beam")
              + ", Java "
              + System.getProperty("java.version")
              + ")");
      return 0;
    }
  }

  // ---------------------------------------------------------------------------------- shared

  Engine engine() {
    return engine;
  }

  List<CatalogueEntry> pipelines() {
    return pipelines;
  }

  Path directory() {
    return directory;
  }

  PrintStream out() {
    return out;
  }

  /** Work that can fail. */
  interface Work {
    void with(Narrator narrator) throws Exception;
  }

  int working(String command, Working settings, Work work) {
    Path logs =
        Logs.start(directory.resolve(".millrace/logs"), command, settings.log, settings.debug);
    Narrator narrator =
        new Narrator(settings.log, err, Boolean.getBoolean("millrace.terminal"), command);
    Thread interrupted = new Thread(narrator::interrupted, "interrupted");
    Runtime.getRuntime().addShutdownHook(interrupted);
    try {
      work.with(narrator);
      narrator.close();
      return 0;
    } catch (Exception | OutOfMemoryError | StackOverflowError | LinkageError failed) {
      Failure failure = Failure.of(failed);
      if (settings.log == LogMode.TEXT && failed instanceof LocalServerException server) {
        narrator.abandon();
        server.lastLines().forEach(line -> err.println("  " + line));
      }
      if (failure.status() == Failure.USER) {
        narrator.error(failure.sentence());
      } else {
        // INFO, of a logger whose events go to the file only: the stack is for the log, the
        // sentence for the user.
        LoggerFactory.getLogger("millrace.failure").info("The command failed", failed);
        // Where nothing can be written, there is no log either.
        narrator.error(
            failure.sentence()
                + (Files.exists(logs) ? " Details: " + directory.relativize(logs) : ""));
      }
      if (settings.debug) {
        failed.printStackTrace(err);
      }
      return failure.status();
    } finally {
      forget(interrupted);
    }
  }

  private static void forget(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException alreadyRunning) {
      // The program is being ended from outside, and the hook says so.
    }
  }

  /** Runs pipelines on this command line's runner. */
  Launch launch(Narrator narrator) {
    return new Launch(
        engine, () -> Launch.Warehouse.in(WarehouseAccess.place(directory)), narrator);
  }

  /** The options of a pipeline, of arguments that begin with its name. */
  PipelineOptions options(CatalogueEntry pipeline, List<String> arguments, Narrator narrator)
      throws IOException {
    return options(
        pipeline.name(), pipeline.optionsClass(), arguments.subList(1, arguments.size()), narrator);
  }

  private <T extends PipelineOptions> T options(
      String name, Class<T> type, List<String> given, Narrator narrator) throws IOException {
    return options(engine, name, type, given, narrator);
  }

  /** The same on another engine. */
  <T extends PipelineOptions> T options(
      Engine engine, String name, Class<T> type, List<String> given, Narrator narrator)
      throws IOException {
    Arguments arguments = new Arguments(name, List.of(type, engine.optionsClass()));
    List<String> defaults = new ArrayList<>(engine.defaults());
    defaults.add("--jobName=" + name);
    T options = arguments.parse(type, defaults, given);
    Map<String, String> typed = arguments.values(given);
    List<String> values = new ArrayList<>(typed.values());
    OptionSpec.of(type).stream()
        .filter(option -> option.defaultValue() != null && !typed.containsKey(option.property()))
        .forEach(option -> values.add(Objects.requireNonNull(option.defaultValue())));
    if (SampleData.isMissing(directory, values)) {
      narrator.phase("Fetching the FoodMart data (18 MB, once)");
      String home = System.getProperty("millrace.home");
      SampleData.fetch(directory, home == null ? null : Path.of(home));
    }
    return options;
  }

  static <T> T named(String kind, List<String> arguments, List<T> all, Function<T, String> name) {
    List<String> names = all.stream().map(name).toList();
    if (arguments.isEmpty() || arguments.get(0).startsWith("--")) {
      throw new UserError("Name a " + kind + " first: " + String.join(", ", names) + ".");
    }
    String wanted = arguments.get(0);
    return all.stream()
        .filter(entry -> name.apply(entry).equals(wanted))
        .findFirst()
        .orElseThrow(
            () ->
                new UserError(
                    "There is no "
                        + kind
                        + " '"
                        + wanted
                        + "'."
                        + Nearest.hint(wanted, names)
                        + " There "
                        + (names.size() == 1 ? "is " : "are ")
                        + String.join(", ", names)
                        + "."));
  }
}

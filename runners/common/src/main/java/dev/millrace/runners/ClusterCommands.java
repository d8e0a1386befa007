package dev.millrace.runners;

import dev.millrace.local.LocalStack;
import dev.millrace.local.LocalStack.Server;
import dev.millrace.local.LocalStack.State;
import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.UserError;
import dev.millrace.pipelines.job.EdgeOptions;
import dev.millrace.pipelines.report.RunReport.Column;
import dev.millrace.pipelines.report.RunReport.Kind;
import dev.millrace.pipelines.report.TextTable;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.beam.sdk.options.PipelineOptions;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Pipelines on a Flink cluster: handed over, looked at, saved, stopped, taken up again. */
final class ClusterCommands {

  private static final Logger LOG = LoggerFactory.getLogger(ClusterCommands.class);

  /** How long the doctor watches what moves. */
  private static final Duration LOOK = Duration.ofSeconds(5);

  private final Millrace millrace;
  private final PrintStream out;

  ClusterCommands(Millrace millrace) {
    this.millrace = millrace;
    this.out = millrace.out();
  }

  void addTo(CommandLine commands) {
    commands
        .addSubcommand(
            "submit", new CommandLine(new Submit()).setUnmatchedOptionsArePositionalParams(true))
        .addSubcommand("jobs", new Jobs())
        .addSubcommand("doctor", new Examination())
        .addSubcommand("savepoint", new Savepoint())
        .addSubcommand("stop", new Stop())
        .addSubcommand(
            "resume", new CommandLine(new Resume()).setUnmatchedOptionsArePositionalParams(true))
        .addSubcommand("cancel", new Cancel())
        .addSubcommand("compat", new CompatCommand(millrace));
  }

  /** Which cluster is meant. */
  private static final class Where {
    @Option(
        names = "--flink",
        paramLabel = "HOST:PORT",
        description =
            "REST interface of the cluster. Default: that of millrace stack, else 127.0.0.1:8081.")
    @Nullable String flink;

    FlinkRest open(Path directory) {
      String address = flink;
      if (address == null) {
        // One that is too busy to answer the look is still the one that is meant.
        address =
            server(directory, LocalStack.FLINK, State.UP, State.SILENT)
                .orElse("127.0.0.1:" + LocalStack.FLINK_PORT);
      }
      return new FlinkRest(address);
    }
  }

  /** Where a server of the stack is, if it is so. */
  private static Optional<String> server(Path directory, String name, State... states) {
    return new LocalStack(directory.resolve(".millrace"))
        .status().stream()
            .filter(
                server -> server.name().equals(name) && List.of(states).contains(server.state()))
            .map(Server::address)
            .findFirst();
  }

  // ------------------------------------------------------------------------------- handing over

  private void submit(
      FlinkRest cluster,
      CatalogueEntry pipeline,
      List<String> given,
      Optional<String> savepoint,
      Narrator narrator)
      throws Exception {
    ClusterEngine made =
        millrace
            .engine()
            .cluster()
            .orElseThrow(
                () ->
                    new UserError(
                        "This program has no Flink in it; use the script, which starts the one that has: ./millrace submit."));
    checkVersion(cluster, made.version());
    Engine engine =
        new Engine(
            millrace.engine().runner(),
            millrace.engine().optionsClass(),
            made.defaults(cluster.address(), cluster.slots()),
            millrace.engine().limits(),
            Optional.of(made));
    List<String> arguments = new ArrayList<>(given);
    Path directory = millrace.directory();
    savepoint.ifPresent(
        path ->
            arguments.add(
                "--savepoint-path="
                    + (path.contains(":") || !cluster.isHere() ? path : directory.resolve(path))));
    Submission submission =
        new Submission(
            engine,
            cluster.configuration(),
            cluster.isHere() ? Optional.of(directory) : Optional.empty());
    CatalogueEntry.Surroundings surroundings =
        new Submission.Surroundings() {
          @Override
          public String embeddedWarehouse() {
            return warehouse(cluster, directory);
          }
        };
    PipelineOptions options =
        submission.options(
            pipeline,
            arguments,
            parsed ->
                millrace.options(
                    engine, pipeline.name(), pipeline.optionsClass(), parsed, narrator),
            surroundings);
    if (!pipeline.job(options, surroundings).isLive()) {
      batch(
          engine,
          made,
          pipeline,
          options,
          savepoint,
          () -> warehouse(cluster, directory),
          narrator);
      return;
    }
    narrator.phase("Handing over");
    String id = submission.submit(pipeline, options, surroundings);
    narrator.phase("Starting there");
    Optional<String> remark = begun(cluster, id);
    narrator.close();
    out.println(
        pipeline.name()
            + (remark.isEmpty() ? " runs on the cluster at " : " was handed to the cluster at ")
            + cluster.address()
            + ", as job "
            + id
            + ".");
    remark.ifPresent(out::println);
    out.println();
    out.println("  page                    " + cluster.page(id));
    out.println("  millrace jobs           how it is");
    out.println("  millrace stop " + pipeline.name() + "   end it, with a savepoint");
  }

  /** What is to be told of a job that was handed over, if it does not run yet. */
  private static Optional<String> begun(FlinkRest cluster, String id) {
    try {
      return cluster.begun(id);
    } catch (UserError silent) {
      if (silent.getCause() instanceof IOException) {
        return Optional.of("Whether it runs is not known. " + silent.getMessage());
      }
      throw silent;
    }
  }

  /** Has a batch run on a cluster, waits for its end, and publishes what it comes to. */
  private void batch(
      Engine engine,
      ClusterEngine cluster,
      CatalogueEntry pipeline,
      PipelineOptions options,
      Optional<String> savepoint,
      Supplier<String> warehouse,
      Narrator narrator)
      throws Exception {
    if (savepoint.isPresent()) {
      throw new UserError(
          "Every input of this run has an end, so it is a batch, and has no savepoint to go on from; run it anew: millrace submit "
              + pipeline.name()
              + ".");
    }
    cluster.stage(options);
    out.println(
        new Launch(engine, () -> Launch.Warehouse.at(warehouse.get()), narrator)
            .run(pipeline, options));
  }

  /** A job runs on the minor version it is made for. */
  private static void checkVersion(FlinkRest cluster, String made) {
    String there = cluster.version();
    if (there.equals(made)) {
      return;
    }
    String sentence =
        "The cluster at "
            + cluster.address()
            + " runs Flink "
            + there
            + ", and the bundle is made for Flink "
            + made;
    if (!minor(there).equals(minor(made))) {
      throw new UserError(
          sentence + "; jobs do not run there: use a cluster of " + minor(made) + ".");
    }
    LOG.warn("{}: that should do.", sentence);
  }

  private static String minor(String version) {
    return version.replaceFirst("^(\\d+\\.\\d+).*", "$1");
  }

  /** The PostgreSQL of the stack, which stays when this command has ended. */
  private static String warehouse(FlinkRest cluster, Path directory) {
    if (!cluster.isHere()) {
      throw Submission.noWarehouse();
    }
    return server(directory, LocalStack.POSTGRES, State.UP)
        .map(address -> "jdbc:postgresql://" + address + "/millrace?user=millrace")
        .orElseThrow(
            () ->
                new UserError(
                    "The embedded warehouse is not up, and must be when this command has ended; start it with millrace stack up, or name another with --warehouse."));
  }

  @Command(
      name = "submit",
      sortOptions = false,
      description =
          "Run a pipeline on a Flink cluster: millrace submit PIPELINE [--flink=host:port] [--option=value ...]. A live run is handed over and goes on there; a batch is waited for, and its answers are published at its end.")
  private final class Submit extends Millrace.Working implements Callable<Integer> {
    @Mixin Where where = new Where();

    @Parameters(arity = "0..*", paramLabel = "PIPELINE [--option=value]")
    List<String> arguments = new ArrayList<>();

    @Override
    public Integer call() {
      return millrace.working(
          "submit",
          this,
          narrator -> {
            CatalogueEntry pipeline = pipeline(arguments);
            submit(
                where.open(millrace.directory()),
                pipeline,
                arguments.subList(1, arguments.size()),
                Optional.empty(),
                narrator);
          });
    }
  }

  @Command(
      name = "resume",
      sortOptions = false,
      description =
          "The same from a savepoint or a retained checkpoint, as if it had never stopped: millrace resume SAVEPOINT PIPELINE [--flink=host:port] [--option=value ...].")
  private final class Resume extends Millrace.Working implements Callable<Integer> {
    @Mixin Where where = new Where();

    @Parameters(arity = "0..*", paramLabel = "SAVEPOINT PIPELINE [--option=value]")
    List<String> arguments = new ArrayList<>();

    @Override
    public Integer call() {
      return millrace.working(
          "resume",
          this,
          narrator -> {
            if (arguments.isEmpty() || arguments.get(0).startsWith("--")) {
              throw new UserError(
                  "Name the savepoint first, as millrace stop prints it: millrace resume SAVEPOINT"
                      + " PIPELINE.");
            }
            List<String> rest = arguments.subList(1, arguments.size());
            CatalogueEntry pipeline = pipeline(rest);
            submit(
                where.open(millrace.directory()),
                pipeline,
                rest.subList(1, rest.size()),
                Optional.of(arguments.get(0)),
                narrator);
          });
    }
  }

  private CatalogueEntry pipeline(List<String> arguments) {
    return Millrace.named("pipeline", arguments, millrace.pipelines(), CatalogueEntry::name);
  }

  // -------------------------------------------------------------------------- what runs already

  @Command(name = "jobs", description = "Show the jobs of a Flink cluster, the latest first.")
  private final class Jobs extends Millrace.Working implements Callable<Integer> {
    @Mixin Where where = new Where();

    @Override
    public Integer call() {
      return millrace.working(
          "jobs",
          this,
          narrator -> {
            FlinkRest cluster = where.open(millrace.directory());
            List<FlinkRest.Job> jobs = cluster.jobs();
            if (jobs.isEmpty()) {
              out.println("The cluster at " + cluster.address() + " has no jobs.");
              return;
            }
            List<List<String>> rows = new ArrayList<>();
            for (FlinkRest.Job job : jobs) {
              rows.add(
                  List.of(
                      job.id(),
                      job.name(),
                      job.state().toLowerCase(java.util.Locale.ROOT),
                      job.since().truncatedTo(ChronoUnit.SECONDS).toString(),
                      cluster.failure(job.id()).or(() -> cluster.checkpoint(job.id())).orElse("")));
            }
            TextTable.lines(
                    List.of(
                        new Column("job", Kind.TEXT),
                        new Column("name", Kind.TEXT),
                        new Column("state", Kind.TEXT),
                        new Column("since, UTC", Kind.TEXT),
                        new Column("last failure, else last checkpoint", Kind.TEXT)),
                    rows)
                .forEach(out::println);
          });
    }
  }

  /** What is done with one job. */
  private abstract class OnJob extends Millrace.Working implements Callable<Integer> {
    @Mixin Where where = new Where();

    @Parameters(
        arity = "1",
        paramLabel = "JOB",
        description = "Its id, the beginning of it, or its name.")
    String job = "";

    abstract String carriedOut(FlinkRest cluster, FlinkRest.Job job);

    @Override
    public Integer call() {
      return millrace.working(
          "job",
          this,
          narrator -> {
            FlinkRest cluster = where.open(millrace.directory());
            String said = carriedOut(cluster, cluster.job(job));
            narrator.close();
            out.println(said);
          });
    }
  }

  @Command(
      name = "savepoint",
      description = "Make a savepoint of a job, which goes on: millrace savepoint JOB.")
  private final class Savepoint extends OnJob {
    @Override
    String carriedOut(FlinkRest cluster, FlinkRest.Job job) {
      return cluster.savepoint(job);
    }
  }

  @Command(
      name = "stop",
      description = "End a job with a savepoint, from which it can go on: millrace stop JOB.")
  private final class Stop extends OnJob {
    @Override
    String carriedOut(FlinkRest cluster, FlinkRest.Job job) {
      return cluster.stop(job);
    }
  }

  @Command(
      name = "cancel",
      description =
          "End a job without a savepoint; its last checkpoints stay: millrace cancel JOB.")
  private final class Cancel extends OnJob {
    @Override
    String carriedOut(FlinkRest cluster, FlinkRest.Job job) {
      cluster.cancel(job);
      return job.name()
          + " is ended."
          + cluster
              .checkpoint(job.id())
              .map(path -> " It can go on from its last checkpoint: " + path)
              .or(
                  () ->
                      cluster
                          .restored(job.id())
                          .map(path -> " It can go on from where it went on before: " + path))
              .orElse(" It had made no checkpoint yet, so it can only begin anew.");
    }
  }

  @Command(
      name = "doctor",
      description =
          "Say why a live job is slow or stuck, one finding a line, with what to do; exit status 3 if there is one: millrace doctor JOB.")
  private final class Examination extends Millrace.Working implements Callable<Integer> {
    @Mixin Where where = new Where();

    @Parameters(
        arity = "1",
        paramLabel = "JOB",
        description = "Its id, the beginning of it, or its name.")
    String job = "";

    private boolean healthy;

    @Override
    public Integer call() {
      int failed =
          millrace.working(
              "doctor",
              this,
              narrator -> {
                FlinkRest cluster = where.open(millrace.directory());
                healthy = examine(cluster, cluster.anyJob(job), narrator);
              });
      return failed == 0 && !healthy ? StackCommand.NOT_UP : failed;
    }
  }

  /** Looks at a job, its topics and its warehouse, and tells what is wrong; true if nothing is. */
  private boolean examine(FlinkRest cluster, FlinkRest.Job job, Narrator narrator)
      throws Exception {
    narrator.phase("Looking");
    List<StreamLook> looks = new ArrayList<>();
    Optional<Doctor.Finding> unseen = Optional.empty();
    if (!job.hasEnded()) {
      unseen = streams(cluster, job, narrator, looks);
    }
    ClusterLook look = cluster.look(job);
    boolean seen = looks.size() == 2;
    List<Doctor.Finding> findings = new ArrayList<>();
    unseen.ifPresent(findings::add);
    findings.addAll(
        Doctor.findings(
            look,
            seen ? looks.get(0) : null,
            seen ? looks.get(1) : null,
            look.checkpoints().failed() > 0 || !look.failures().isEmpty()
                ? cluster.checkpointFailure(job)
                : Optional.empty(),
            cluster.page(job.id())));
    narrator.close();
    out.println(
        job.name() + ", job " + job.id() + ", " + job.state().toLowerCase(java.util.Locale.ROOT));
    findings.forEach(finding -> out.println("  " + finding));
    if (findings.isEmpty()) {
      out.println("  " + Doctor.healthy(look, seen ? looks.get(1) : null));
    }
    return findings.isEmpty();
  }

  /** Looks twice at what goes in and comes out, if it is a pipeline of this house. */
  private Optional<Doctor.Finding> streams(
      FlinkRest cluster, FlinkRest.Job job, Narrator narrator, List<StreamLook> looks)
      throws Exception {
    Optional<CatalogueEntry> entry =
        millrace.pipelines().stream()
            .filter(pipeline -> pipeline.name().equals(job.name()))
            .findFirst();
    if (entry.isEmpty()) {
      return Optional.empty();
    }
    Map<String, String> made = cluster.options(job);
    List<String> given =
        OptionSpec.of(entry.get().optionsClass()).stream()
            .filter(
                option -> !option.builtIn() && !made.getOrDefault(option.property(), "").isEmpty())
            .map(option -> "--" + option.property() + "=" + made.get(option.property()))
            .toList();
    PipelineOptions options =
        millrace.options(
            millrace.engine(), entry.get().name(), entry.get().optionsClass(), given, narrator);
    try {
      CatalogueEntry.Job run =
          entry
              .get()
              .job(
                  options,
                  new Submission.Surroundings() {
                    @Override
                    public String embeddedWarehouse() {
                      return warehouse(cluster, millrace.directory());
                    }
                  });
      WarehouseAccess access = WarehouseAccess.of(options.as(EdgeOptions.class));
      access.open(
          millrace.directory(),
          warehouse -> {
            try (Connection connection = warehouse.connect("millrace doctor")) {
              StreamLook first =
                  StreamLook.at(Instant.now(), run.partitions(), connection, job.name());
              looks.add(first);
              if (first.isAtRest()) {
                looks.add(first);
              } else {
                TimeUnit.NANOSECONDS.sleep(LOOK.toNanos());
                looks.add(StreamLook.at(Instant.now(), run.partitions(), connection, job.name()));
              }
            }
          });
      return Optional.empty();
    } catch (UserError | SQLException unseen) {
      return Optional.of(
          new Doctor.Finding(
              "not seen",
              Failure.of(unseen).sentence().replaceFirst("\\.$", ""),
              "mend that first, if the job cannot reach it either; the rest below is what the cluster tells"));
    }
  }
}

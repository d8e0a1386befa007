package dev.millrace.runners;

import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.Durations;
import dev.millrace.pipelines.UserError;
import dev.millrace.pipelines.deadletters.Explanation;
import dev.millrace.pipelines.deadletters.Fix;
import dev.millrace.pipelines.deadletters.LetterFilter;
import dev.millrace.pipelines.deadletters.LetterTable;
import dev.millrace.pipelines.deadletters.Replay;
import dev.millrace.pipelines.job.EdgeOptions;
import dev.millrace.schemas.system.DeadLetter;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.beam.sdk.options.PipelineOptions;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code millrace dead-letters}: what was refused, why, and what becomes of it. */
@Command(
    name = "dead-letters",
    description = "Records that were refused: millrace dead-letters list.",
    synopsisSubcommandLabel = "COMMAND",
    sortOptions = false,
    usageHelpAutoWidth = true)
final class DeadLetterCommands implements Callable<Integer> {

  private final Millrace millrace;
  private final PrintStream out;

  @CommandLine.Spec CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

  DeadLetterCommands(Millrace millrace) {
    this.millrace = millrace;
    this.out = millrace.out();
  }

  CommandLine commands() {
    return new CommandLine(this)
        .addSubcommand("list", new ListCommand())
        .addSubcommand("explain", new ExplainCommand())
        .addSubcommand(
            "replay",
            new CommandLine(new ReplayCommand()).setUnmatchedOptionsArePositionalParams(true))
        .addSubcommand("purge", new PurgeCommand());
  }

  @Override
  public Integer call() {
    throw new CommandLine.ParameterException(
        spec.commandLine(),
        "Say what to do with dead letters: "
            + String.join(", ", spec.subcommands().keySet())
            + ". More: millrace help dead-letters");
  }

  /** Which dead letters are meant. */
  private static final class Filter {
    @Option(
        names = "--reason",
        split = ",",
        paramLabel = "REASON",
        description = "Refused for this reason; several with commas.")
    List<String> reasons = new ArrayList<>();

    @Option(names = "--stage", paramLabel = "STAGE", description = "Refused in this stage.")
    @Nullable String stage;

    @Option(names = "--source", paramLabel = "SOURCE", description = "Read from this source.")
    @Nullable String source;

    @Option(
        names = "--since",
        paramLabel = "TIME",
        description = "Arrived then or later, such as 2026-01-01T00:00:00Z.")
    @Nullable String since;

    LetterFilter filter() {
      return new LetterFilter(
          Optional.empty(),
          reasons,
          Optional.ofNullable(stage),
          Optional.ofNullable(source),
          Optional.ofNullable(since).map(time -> LetterFilter.time("--since", time)),
          Optional.empty(),
          List.of());
    }
  }

  /** Any pipeline, or one. */
  private static final class OfPipeline {
    @Option(names = "--pipeline", paramLabel = "NAME", description = "Refused by this pipeline.")
    @Nullable String pipeline;

    LetterFilter of(LetterFilter filter) {
      return pipeline == null ? filter : filter.ofPipeline(pipeline);
    }
  }

  @Command(
      name = "list",
      sortOptions = false,
      description = "Show dead letters, the latest first, and how many there are of each reason.")
  private final class ListCommand extends Millrace.Working implements Callable<Integer> {
    @Mixin OfPipeline pipeline = new OfPipeline();
    @Mixin Filter filter = new Filter();

    @Option(
        names = "--limit",
        paramLabel = "NUMBER",
        defaultValue = "100",
        description = "Show so many at most. Default: 100.")
    int limit = 100;

    @Option(
        names = "--format",
        paramLabel = "table|csv|json",
        defaultValue = "table",
        description = "Form of the list; the totals come with a table only. Default: table.")
    ResultPrinter.Format format = ResultPrinter.Format.TABLE;

    @Mixin WarehouseAccess warehouse = new WarehouseAccess();

    @Override
    public Integer call() {
      return millrace.working(
          "dead-letters",
          this,
          narrator -> {
            if (limit < 1) {
              throw new UserError("--limit is " + limit + "; give at least 1.");
            }
            LetterFilter wanted = pipeline.of(filter.filter());
            warehouse.ask(
                millrace.directory(),
                table -> {
                  table.list(wanted, limit, rows -> ResultPrinter.print(rows, format, out));
                  if (format == ResultPrinter.Format.TABLE) {
                    out.println();
                    print(table.totals(wanted));
                  }
                  return 0;
                });
          });
    }
  }

  private void print(Map<String, Long> totals) {
    totals.forEach((reason, number) -> out.printf("%,10d  %s%n", number, reason));
    out.printf("%,10d  in all%n", totals.values().stream().mapToLong(Long::longValue).sum());
  }

  @Command(
      name = "explain",
      sortOptions = false,
      description = "All that is known of a dead letter: millrace dead-letters explain ID.")
  private final class ExplainCommand extends Millrace.Working implements Callable<Integer> {
    @Parameters(
        arity = "1",
        paramLabel = "ID",
        description = "Its id, or as much of its beginning as tells it from others.")
    String id = "";

    @Option(
        names = "--payload",
        description = "Show its bytes too; what cannot be printed is made visible.")
    boolean payload;

    @Option(
        names = "--secret",
        paramLabel = "REFERENCE",
        defaultValue = EdgeOptions.DEFAULT_SECRET,
        description =
            "Key of private fields, if the payload is encrypted: env:NAME or file:PATH. Default: "
                + EdgeOptions.DEFAULT_SECRET
                + ".")
    String secret = EdgeOptions.DEFAULT_SECRET;

    @Mixin WarehouseAccess warehouse = new WarehouseAccess();

    @Override
    public Integer call() {
      return millrace.working(
          "dead-letters",
          this,
          narrator ->
              warehouse.ask(
                  millrace.directory(),
                  table -> {
                    DeadLetter letter = table.find(id);
                    out.print(
                        payload ? Explanation.withPayload(letter, secret) : Explanation.of(letter));
                    return 0;
                  }));
    }
  }

  @Command(
      name = "replay",
      sortOptions = false,
      description = {
        "Try dead letters of a pipeline again: millrace dead-letters replay PIPELINE.",
        "Their records are mended in the lake, and the pipeline runs over the same inputs: give the"
            + " options of the run that refused them (millrace help PIPELINE)."
      })
  private final class ReplayCommand extends Millrace.Working implements Callable<Integer> {
    @Parameters(arity = "0..*", paramLabel = "PIPELINE [--option=value]")
    List<String> arguments = new ArrayList<>();

    @Mixin Filter filter = new Filter();
    @Mixin Ids ids = new Ids();

    @Option(
        names = "--fix",
        paramLabel = "JSONATA",
        description =
            "The new record, such as '$merge([$, {\"price\": $number(price)}])': $$ is the record,"
                + " $$raw its text. As it was if not given.")
    @Nullable String fix;

    @Option(
        names = "--max-attempts",
        paramLabel = "NUMBER",
        defaultValue = "5",
        description = "One that was refused so often is tried again only by its --id. Default: 5.")
    int maxAttempts = 5;

    @Override
    public Integer call() {
      return millrace.working("dead-letters", this, this::replay);
    }

    private void replay(Narrator narrator) throws Exception {
      if (maxAttempts < 1) {
        throw new UserError("--max-attempts is " + maxAttempts + "; give at least 1.");
      }
      Fix mending = fix == null ? Fix.none() : Fix.of(fix);
      LetterFilter wanted = filter.filter();
      CatalogueEntry pipeline =
          Millrace.named("pipeline", arguments, millrace.pipelines(), CatalogueEntry::name);
      PipelineOptions options = millrace.options(pipeline, arguments, narrator);
      EdgeOptions edges = options.as(EdgeOptions.class);
      narrator.phase("Mending");
      CatalogueEntry.Job job = pipeline.job(options, new NoSurroundings());
      if (job.isLive()) {
        throw new UserError(
            "A replay is a batch, and an input of this run has no end; add 'until=end' to its topic,"
                + " as in --events='kafka://host:port/topic?until=end'.");
      }
      Replay replay =
          new Replay(
              mending, maxAttempts, Path.of(edges.getLake()), edges.getSecret(), job::inputOf);
      WarehouseAccess warehouse = WarehouseAccess.of(edges);
      int mended =
          warehouse.ask(
              millrace.directory(),
              table -> replay.prepare(table, ids.in(table, wanted.ofPipeline(pipeline.name()))));
      if (mended > 0) {
        out.println(millrace.launch(narrator).run(pipeline, options));
        out.println();
        String outcome =
            warehouse.ask(millrace.directory(), table -> replay.outcome(table, pipeline.name()));
        out.println(outcome);
      } else {
        out.println("There is no dead letter to replay; nothing was run.");
      }
      if (!replay.leftOut().isEmpty()) {
        out.println(replay.leftOut());
      }
    }
  }

  @Command(
      name = "purge",
      sortOptions = false,
      description = {
        "Delete dead letters from the warehouse: millrace dead-letters purge --older-than=30d.",
        "Shows what it would delete; --yes does it. A batch states the dead letters of its inputs"
            + " anew, and the lake keeps those of its last run."
      })
  private final class PurgeCommand extends Millrace.Working implements Callable<Integer> {
    @Mixin OfPipeline pipeline = new OfPipeline();
    @Mixin Filter filter = new Filter();
    @Mixin Ids ids = new Ids();

    @Option(
        names = "--older-than",
        paramLabel = "DURATION",
        description = "Arrived longer ago than this, such as 30d or 12h.")
    @Nullable String olderThan;

    @Option(names = "--yes", description = "Delete them.")
    boolean yes;

    @Mixin WarehouseAccess warehouse = new WarehouseAccess();

    @Override
    public Integer call() {
      return millrace.working("dead-letters", this, narrator -> purge());
    }

    private void purge() throws Exception {
      if (olderThan == null && ids.ids.isEmpty()) {
        throw new UserError("Say which dead letters to delete: --older-than=30d, or --id=ID.");
      }
      LetterFilter given = pipeline.of(filter.filter());
      LetterFilter wanted =
          olderThan == null
              ? given
              : given.arrivedBefore(
                  Instant.now().minus(Durations.parse("--older-than", olderThan)));
      warehouse.ask(
          millrace.directory(),
          table -> {
            LetterFilter doomed = ids.in(table, wanted);
            Map<String, Long> totals = table.totals(doomed);
            print(totals);
            if (totals.isEmpty()) {
              out.println("There is nothing to delete.");
            } else if (yes) {
              out.printf("Deleted %,d from the warehouse.%n", table.delete(doomed));
            } else {
              out.println("Nothing was deleted; add --yes to delete them.");
            }
            return 0;
          });
    }
  }

  /** Dead letters by their ids. */
  private static final class Ids {
    @Option(
        names = "--id",
        split = ",",
        paramLabel = "ID",
        description = "This one, by its id or the beginning of it; several with commas.")
    List<String> ids = new ArrayList<>();

    LetterFilter in(LetterTable table, LetterFilter filter) throws SQLException, IOException {
      List<String> whole = new ArrayList<>();
      for (String id : ids) {
        whole.add(table.idOf(id));
      }
      return filter.withIds(whole);
    }
  }

  /** For a job that is asked what it would do, and does nothing. */
  private static final class NoSurroundings implements CatalogueEntry.Surroundings {
    @Override
    public String embeddedWarehouse() {
      throw new IllegalStateException("a job that is only asked needs no warehouse");
    }

    @Override
    public void phase(String name) {}
  }
}

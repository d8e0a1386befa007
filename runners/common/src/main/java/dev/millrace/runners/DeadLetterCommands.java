package dev.millrace.runners;

import dev.millrace.pipelines.EdgeOptions;
import dev.millrace.pipelines.UserError;
import dev.millrace.pipelines.deadletters.Explanation;
import dev.millrace.pipelines.deadletters.LetterFilter;
import dev.millrace.pipelines.deadletters.LetterTable;
import dev.millrace.schemas.system.DeadLetter;
import java.io.PrintStream;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
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

  private static final String APPLICATION = "millrace dead-letters";

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
        .addSubcommand("explain", new ExplainCommand());
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
            warehouse.open(
                millrace.directory(),
                access -> {
                  try (Connection connection = access.connect(APPLICATION)) {
                    LetterTable table = LetterTable.of(connection);
                    table.list(wanted, limit, rows -> ResultPrinter.print(rows, format, out));
                    if (format == ResultPrinter.Format.TABLE) {
                      print(table.totals(wanted));
                    }
                  }
                });
          });
    }
  }

  private void print(Map<String, Long> totals) {
    out.println();
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
              warehouse.open(
                  millrace.directory(),
                  access -> {
                    try (Connection connection = access.connect(APPLICATION)) {
                      DeadLetter letter = LetterTable.of(connection).find(id);
                      out.print(
                          payload
                              ? Explanation.withPayload(letter, secret)
                              : Explanation.of(letter));
                    }
                  }));
    }
  }
}

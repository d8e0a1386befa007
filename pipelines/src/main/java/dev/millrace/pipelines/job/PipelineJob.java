package dev.millrace.pipelines.job;

import dev.millrace.contract.Contract;
import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.RunGate;
import dev.millrace.pipelines.UserError;
import dev.millrace.pipelines.io.Lake;
import dev.millrace.pipelines.io.LakeLock;
import dev.millrace.pipelines.io.Manifest;
import dev.millrace.pipelines.io.Mend;
import dev.millrace.pipelines.io.Mends;
import dev.millrace.pipelines.io.RecordSource;
import dev.millrace.pipelines.io.TopicEnds;
import dev.millrace.pipelines.io.WriteTopic;
import dev.millrace.pipelines.io.warehouse.PreparedWarehouse;
import dev.millrace.pipelines.io.warehouse.Run;
import dev.millrace.pipelines.io.warehouse.TableChange;
import dev.millrace.pipelines.io.warehouse.TimeRange;
import dev.millrace.pipelines.io.warehouse.Warehouse;
import dev.millrace.pipelines.io.warehouse.WarehouseConfig;
import dev.millrace.pipelines.report.ReportFiles;
import dev.millrace.pipelines.report.ReportReader;
import dev.millrace.pipelines.report.RunInfo;
import dev.millrace.pipelines.report.RunReport;
import dev.millrace.pipelines.report.RunReport.Column;
import dev.millrace.pipelines.report.RunReport.Kind;
import dev.millrace.pipelines.report.RunSummary;
import dev.millrace.pipelines.report.TextTable;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.refine.Vault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.transforms.Combine;
import org.apache.beam.sdk.transforms.Count;
import org.apache.beam.sdk.transforms.Filter;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.Wait;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.TypeDescriptors;
import org.jspecify.annotations.Nullable;

/**
 * One run of a pipeline: what all pipelines share, from the check of the options to the report. A
 * subclass names its inputs and tables, joins its flow to them in {@link #build}, and says what its
 * report shows.
 *
 * <p>A batch stages a lake and tables, and publishes both at once when its ledger balances. A
 * {@link #isLive live} run upserts its tables as it goes, and has no lake: a batch over the topic
 * makes that.
 */
public abstract class PipelineJob implements CatalogueEntry.Job {

  private final String name;
  private final String version;
  private final List<Class<? extends SpecificRecord>> tables;
  private final EdgeOptions options;
  private final CatalogueEntry.Surroundings surroundings;
  private final Run run;
  private final List<Input> inputs = new ArrayList<>();
  private final List<PCollection<RawRecord>> arrived = new ArrayList<>();
  private final List<PCollection<Void>> written = new ArrayList<>();
  private @Nullable Warehouse warehouse;
  private @Nullable PreparedWarehouse prepared;
  private @Nullable LakeLock lock;
  private @Nullable TimeRange backfill;
  private @Nullable WriteTopic<DeadLetter> letterTopic;
  private @Nullable PCollection<DeadLetter> untold;

  /** A logical input. */
  private record Input(String name, RecordSource source, long files, List<String> chain) {
    private String step(String verb) {
      return Arrays.stream(name.split("_", -1))
          .map(word -> word.substring(0, 1).toUpperCase(java.util.Locale.ROOT) + word.substring(1))
          .collect(Collectors.joining("", verb, ""));
    }
  }

  /** A run that states these tables; {@code DeadLetter} and {@code LedgerEntry} among them. */
  protected PipelineJob(
      String name,
      String version,
      List<Class<? extends SpecificRecord>> tables,
      EdgeOptions options,
      CatalogueEntry.Surroundings surroundings) {
    this.name = name;
    this.version = version;
    this.tables = List.copyOf(tables);
    this.options = options;
    this.surroundings = surroundings;
    this.run = new Run(UUID.randomUUID().toString().substring(0, 13), name, version, Instant.now());
  }

  // ------------------------------------------------------------------------------------ inputs

  /**
   * Adds an input, and checks that it is there.
   *
   * @param option the option that names it, such as {@code --product-classes}; the input is called
   *     {@code product_classes}, and read in the step {@code ReadProductClasses}
   * @param chain stages that its records go through, one after the other
   */
  protected final void input(
      String option,
      String uri,
      Class<? extends SpecificRecord> type,
      Duration maxLateness,
      List<String> chain) {
    add(option, RecordSource.of(option, uri, Contract.of(type), maxLateness).ending(), chain);
  }

  /** The same for an input that may be without an end: then the run is live. */
  protected final void liveInput(
      String option,
      String uri,
      Class<? extends SpecificRecord> type,
      Duration maxLateness,
      List<String> chain) {
    add(option, RecordSource.of(option, uri, Contract.of(type), maxLateness), chain);
  }

  private void add(String option, RecordSource bare, List<String> chain) {
    RecordSource secret = bare.withSecret(options.getSecret());
    RecordSource source = surroundings.isConnected() ? secret : secret.unconnected();
    long files = surroundings.isConnected() ? source.check() : 0;
    inputs.add(new Input(option.substring(2).replace('-', '_'), source, files, chain));
  }

  @Override
  public final String id() {
    return run.id();
  }

  /** Whether an input has no end, so that the run ends when it is stopped. */
  @Override
  public final boolean isLive() {
    return inputs.stream().anyMatch(input -> !input.source().isBounded());
  }

  /** Whether the first input is a topic whose own clock says when its records arrived. */
  protected final boolean arrivesInOrder() {
    return surroundings.isConnected() && inputs.get(0).source().arrivesInOrder();
  }

  /**
   * Reads all inputs, in the order they were added: as they arrived, but for the records that the
   * lake has mended.
   */
  protected final List<PCollection<RawRecord>> readAll(Pipeline pipeline) {
    List<PCollection<RawRecord>> mended = new ArrayList<>();
    for (Input input : inputs) {
      PCollection<RawRecord> records = pipeline.apply(input.step("Read"), input.source());
      arrived.add(records);
      Path mends = mends(input);
      if (isLive()) {
        // There or not: a step that came with the first mend would keep a run from being resumed.
        mended.add(records.apply(input.step("Mend"), Mend.holding(mends, options.getSecret())));
      } else if (Files.exists(mends)) {
        mended.add(records.apply(input.step("Mend"), Mend.from(mends, options.getSecret())));
      } else {
        mended.add(records);
      }
    }
    return mended;
  }

  /** Rejects that know how often they were tried. */
  protected final PCollection<DeadLetter> counted(PCollection<DeadLetter> rejects) {
    Map<Path, List<String>> mended =
        inputs.stream()
            .filter(input -> isLive() || Files.exists(mends(input)))
            .collect(Collectors.toMap(this::mends, Input::chain));
    if (isLive()) {
      return rejects.apply("Attempts", Mend.attemptsHolding(mended));
    }
    return mended.isEmpty() ? rejects : rejects.apply("Attempts", Mend.attempts(mended));
  }

  @Override
  public final Map<String, String> files() {
    Map<String, String> files = new TreeMap<>();
    for (Input input : inputs) {
      if (!input.source().isTopic()) {
        files.put("--" + input.name().replace('_', '-'), input.source().uri());
      }
      if (!isLive() && Files.exists(mends(input))) {
        files.put("--lake", options.getLake());
      }
    }
    files.put("--secret", options.getSecret());
    String password = options.getWarehousePassword();
    if (password != null) {
      files.put("--warehouse-password", password);
    }
    return files;
  }

  private Path mends(Input input) {
    return Mends.file(Path.of(options.getLake()), input.name());
  }

  @Override
  public final Optional<String> inputOf(String stage) {
    return inputs.stream()
        .filter(input -> input.chain().contains(stage))
        .map(Input::name)
        .findFirst();
  }

  @Override
  public final Optional<CatalogueEntry.Watch> watch() {
    if (!isLive()) {
      return Optional.empty();
    }
    List<LiveWatch.Input> topics = new ArrayList<>();
    for (Input input : inputs) {
      if (!input.source().isBounded()) {
        input
            .source()
            .ends()
            .ifPresent(ends -> topics.add(new LiveWatch.Input(ends, input.chain().get(0))));
      }
    }
    return Optional.of(new LiveWatch(topics, prepared(), Instant.now()));
  }

  @Override
  public final List<CatalogueEntry.Partition> partitions() {
    List<CatalogueEntry.Partition> partitions = new ArrayList<>();
    for (Input input : inputs) {
      if (!input.source().isBounded()) {
        try (TopicEnds topic = input.source().ends().orElseThrow()) {
          for (TopicEnds.End end : topic.look()) {
            partitions.add(
                new CatalogueEntry.Partition(
                    topic.name(),
                    end.partition(),
                    end.source(),
                    input.chain().get(0),
                    end.offsets(),
                    end.newest()));
          }
        }
      }
    }
    return partitions;
  }

  // ---------------------------------------------------------------------------------- backfill

  /**
   * Which arrivals a window is made of.
   *
   * @param before how long before its beginning the first record can have arrived that decides
   *     about it
   * @param after how long after its beginning the last one can; after its end, where windows are
   *     {@code disjoint}, for these last as long as they grow
   */
  public record Reach(Duration before, Duration after) {}

  /** Tables of windows; none if there are none. */
  protected Map<Class<? extends SpecificRecord>, Reach> windows() {
    return Map.of();
  }

  /** Whether this run states the windows of a time only, and neither lake nor ledger. */
  protected final boolean isBackfill() {
    return backfill != null;
  }

  @Override
  public final void backfill(Instant from, Instant to) {
    if (windows().isEmpty()) {
      CatalogueEntry.Job.super.backfill(from, to);
    }
    TimeRange range = new TimeRange(from, to);
    if (isLive()) {
      throw new UserError(
          "A backfill reads what has an end: the archive, or the topic with ?until=end.");
    }
    Instant closed = run.startedAt().minus(open());
    if (to.isAfter(closed)) {
      throw new UserError(
          "--to is "
              + to
              + ", and windows that begin after "
              + closed
              + " can still change: wait until then, or end earlier.");
    }
    backfill = range;
  }

  /** How long after its beginning, or after its end, a window of any table can change. */
  private Duration open() {
    return longest(Reach::after);
  }

  private Duration longest(Function<Reach, Duration> of) {
    return windows().values().stream().map(of).max(Comparator.naturalOrder()).orElseThrow();
  }

  /**
   * Publishes the windows that were written, when the gate has let the run pass. They are made of
   * the first input.
   */
  protected final void publishBackfill(PCollection<Long> go) {
    TimeRange range = Objects.requireNonNull(backfill);
    RecordSource archive = inputs.get(0).source();
    // Asked when the reading has its offsets: what is there from its first record now was so then.
    ArchiveCovers covers =
        ArchiveCovers.from(range.from().minus(longest(Reach::before)))
            .withWhole(surroundings.isConnected() ? archive.whole() : Set.of());
    // A topic is read until now, when no window of that time can change any more.
    written.add(
        arrived
            .get(0)
            .apply(
                "ArchiveCoversThem",
                archive.isTopic() ? covers : covers.until(range.to().plus(open()))));
    go.apply("PublishWarehouse", warehouse().publish(range).after(written));
  }

  // ----------------------------------------------------------------------------------- outputs

  @Override
  public void prepare() {
    if (!surroundings.isConnected()) {
      warehouse = warehouse("jdbc:postgresql://127.0.0.1/");
      return;
    }
    if (options.getDeadLetters() != null && !isBackfill()) {
      letterTopic =
          WriteTopic.deadLetters(
              "--dead-letters", options.getDeadLetters(), run.id(), topicOfStage());
      letterTopic.prepare();
    }
    try {
      if (options.getSecret().equals(EdgeOptions.DEFAULT_SECRET)) {
        Vault.createIfAbsent(Path.of(options.getSecret().substring("file:".length())));
      }
    } catch (IOException unwritable) {
      throw new UserError(
          "The key of private fields cannot be made at "
              + options.getSecret()
              + " ("
              + UserError.reason(unwritable)
              + "); give another place with --secret.",
          unwritable);
    }
    try {
      Vault.open(options.getSecret());
    } catch (IllegalArgumentException unusable) {
      throw new UserError("--secret: " + unusable.getMessage() + ".", unusable);
    }
    if (!isLive() && !isBackfill()) {
      writable("--lake", options.getLake());
    }
    writable("--report", options.getReport());
    if (!isLive() && !isBackfill()) {
      lock = LakeLock.of(Path.of(options.getLake()));
    }
    String url =
        options.getWarehouse().equals("embedded")
            ? surroundings.embeddedWarehouse()
            : options.getWarehouse();
    warehouse = warehouse(url);
    prepared =
        isLive()
            ? warehouse.prepareLive()
            : isBackfill() ? warehouse.prepareBackfill() : warehouse.prepare();
  }

  private Warehouse warehouse(String url) {
    return Warehouse.at(
            WarehouseConfig.of(url, options.getWarehouseUser(), options.getWarehousePassword()))
        .forRun(run)
        .withTables(
            tables.stream()
                .filter(table -> !isBackfill() || windows().containsKey(table))
                .map(Contract::of)
                .toList());
  }

  private static void writable(String option, String directory) {
    if (directory.isBlank()) {
      throw new UserError(option + " is empty; name a directory.");
    }
    if (Files.isRegularFile(Path.of(directory))) {
      throw new UserError(
          option + ": '" + directory + "' is a file; name another place, for a directory.");
    }
    try {
      Path path = Files.createDirectories(Path.of(directory));
      Files.delete(Files.createTempFile(path, ".writable", null));
    } catch (IOException | SecurityException refused) {
      throw new UserError(
          option
              + ": the directory '"
              + directory
              + "' cannot be written ("
              + UserError.reason(refused)
              + "); name another one.",
          refused);
    }
  }

  /** A lake for this run, with the bronze of all inputs: their records as they arrived. */
  protected final Lake lakeWithBronze() {
    Lake lake = staged();
    for (int i = 0; i < arrived.size(); i++) {
      Input input = inputs.get(i);
      boolean isPrivate = input.source().contract().hasPrivateFields();
      lake.add(
          "Bronze_" + input.name(),
          arrived.get(i),
          Lake.bronze(
              input.name(), isPrivate ? options.getSecret() : null, input.source().counting()));
    }
    return lake;
  }

  private Lake staged() {
    return Lake.at(Path.of(options.getLake()), name, run.id());
  }

  /** Writes the lake; the tables are published when that is done. */
  protected final PCollection<String> write(Lake lake) {
    PCollection<String> files = lake.write();
    // The lake first: a disk that is full is found before anything is published.
    written.add(
        files.apply(
            "LakeWritten", MapElements.into(TypeDescriptors.voids()).via(path -> (Void) null)));
    return files;
  }

  /**
   * Writes the rows of a table, in a step {@code Warehouse_<step>}: in a batch to be published, in
   * a live run at once.
   */
  protected final <T extends SpecificRecord> void table(
      String step, PCollection<T> rows, Class<T> type) {
    if (isLive()) {
      rows.apply(
          "Warehouse_" + step,
          surroundings.isConnected() ? prepared().upsert(type) : warehouse().outline(type));
    } else if (isBackfill()) {
      if (windows().containsKey(type)) {
        TimeRange range = Objects.requireNonNull(backfill);
        Contract contract = Contract.of(type);
        written.add(
            rows.apply("Within_" + step, Filter.by(row -> range.holds(contract, row)))
                .apply("Warehouse_" + step, warehouse().table(type)));
      }
    } else {
      written.add(rows.apply("Warehouse_" + step, warehouse().table(type)));
    }
  }

  /**
   * Writes the rejects to their table, and to a topic if that was asked for: live at once, in a
   * batch when they are published, since outside nothing can be taken back.
   */
  protected final void deadLetters(PCollection<DeadLetter> rejects) {
    table("DeadLetters", rejects, DeadLetter.class);
    if (letterTopic != null && isLive()) {
      rejects.apply("DeadLetterTopic", letterTopic);
    } else if (letterTopic != null) {
      untold = rejects;
    }
  }

  /** The topic each stage refuses records of. */
  private Map<String, String> topicOfStage() {
    Map<String, String> topics = new HashMap<>();
    for (Input input : inputs) {
      input
          .source()
          .topic()
          .ifPresent(topic -> input.chain().forEach(stage -> topics.put(stage, topic)));
    }
    return topics;
  }

  /**
   * Publishes the tables that were written, and then the lake, when the gate has let the run pass.
   * What it returns comes when the tables are published.
   */
  protected final PCollection<TableChange> publish(
      PCollection<Long> go, Lake lake, PCollection<String> files) {
    PCollection<TableChange> published =
        go.apply("PublishWarehouse", warehouse().publish().after(written));
    published
        .apply(
            "WarehousePublished",
            Combine.globally(Count.<TableChange>combineFn()).withoutDefaults())
        .apply("PublishLake", lake.publish().after(files));
    if (letterTopic != null && untold != null) {
      untold
          .apply("PublishedDeadLetters", Wait.on(published))
          .apply("DeadLetterTopic", letterTopic);
    }
    return published;
  }

  private Warehouse warehouse() {
    if (warehouse == null) {
      throw new IllegalStateException("prepare() comes before build()");
    }
    return warehouse;
  }

  // -------------------------------------------------------------------------------- the report

  /** What the answers depend on, by option, for the report. */
  protected abstract Map<String, String> config();

  /** What the report shows of the answers. */
  protected abstract ReportReader.Answers answers();

  /** What a person sees at the end of the run. */
  protected abstract String summary(RunReport report, Path page);

  @Override
  public final String finish(PipelineResult result) throws Exception {
    surroundings.phase("Reporting");
    try {
      if (isBackfill()) {
        return backfilled();
      }
      RunInfo.Outcome outcome = isLive() ? RunInfo.Outcome.STOPPED : RunInfo.Outcome.PUBLISHED;
      RunReport report;
      try (Connection warehouse = prepared().connect()) {
        report = ReportReader.read(warehouse, info(outcome, ""), answers());
      }
      Manifest manifest = isLive() ? null : Manifest.read(Path.of(options.getLake()));
      if (manifest != null) {
        report = report.withLake(ReportReader.lake(manifest));
      }
      Path directory = Path.of(options.getReport());
      ReportFiles.write(report, directory);
      return summary(report, directory.resolve(ReportFiles.HTML));
    } finally {
      close();
    }
  }

  /** What a backfill has changed, a line for each table. */
  private String backfilled() throws SQLException {
    List<List<String>> rows = new ArrayList<>();
    try (Connection warehouse = prepared().connect();
        PreparedStatement changes =
            warehouse.prepareStatement(
                "SELECT table_name, rows, inserted, updated, deleted FROM run_change"
                    + " WHERE run_id = ? ORDER BY 1")) {
      changes.setString(1, run.id());
      try (ResultSet row = changes.executeQuery()) {
        while (row.next()) {
          List<String> cells = new ArrayList<>();
          for (int i = 1; i <= 5; i++) {
            cells.add(row.getString(i));
          }
          rows.add(cells);
        }
      }
    }
    TimeRange range = Objects.requireNonNull(backfill);
    return "Windows of "
        + name
        + " that begin from "
        + range.from()
        + " until "
        + range.to()
        + " are as the archive has them.\n\n"
        + String.join(
            "\n",
            TextTable.lines(
                List.of(
                    new Column("table", Kind.TEXT),
                    new Column("windows", Kind.COUNT),
                    new Column("inserted", Kind.COUNT),
                    new Column("updated", Kind.COUNT),
                    new Column("deleted", Kind.COUNT)),
                rows));
  }

  private PreparedWarehouse prepared() {
    if (prepared == null) {
      throw new IllegalStateException("prepare() comes before finish()");
    }
    return prepared;
  }

  /** Says in the report that the run was refused or failed: the last report is of the last run. */
  @Override
  public final void abandon(Throwable cause) {
    try {
      if (prepared != null) {
        String message = messageOf(cause);
        RunInfo.Outcome outcome =
            message.startsWith(RunGate.REFUSED) ? RunInfo.Outcome.REFUSED : RunInfo.Outcome.FAILED;
        if (isBackfill()) {
          return;
        }
        if (!isLive()) {
          staged().discard();
        }
        ReportFiles.write(RunReport.of(info(outcome, message)), Path.of(options.getReport()));
      }
    } catch (IOException unwritten) {
      cause.addSuppressed(unwritten);
    } finally {
      close();
    }
  }

  /** What the user is told; of other failures the type alone, for a message may quote a record. */
  private static String messageOf(Throwable failed) {
    for (Throwable cause = failed; cause != null; cause = cause.getCause()) {
      String message = cause.getMessage();
      if (cause instanceof UserError && message != null) {
        return message;
      }
    }
    return "It failed with " + failed.getClass().getName() + ".";
  }

  private RunInfo info(RunInfo.Outcome outcome, String message) {
    return new RunInfo(
        run.id(),
        name,
        version,
        options.getRunner().getSimpleName(),
        run.startedAt(),
        Instant.now(),
        inputs.stream()
            .map(
                input ->
                    RunInfo.Input.of(
                        input.name(), input.source().uri(), input.files(), input.chain()))
            .toList(),
        config(),
        outcome,
        message,
        Map.of(
            "lake", isLive() ? "none: a live run writes tables" : options.getLake(),
            "warehouse",
                options.getWarehouse().equals("embedded")
                    ? RunSummary.EMBEDDED
                    : "PostgreSQL " + warehouse().where(),
            "report", options.getReport()));
  }

  @Override
  public final void handedOver() {
    close();
  }

  private void close() {
    if (lock != null) {
      lock.close();
      lock = null;
    }
    if (prepared != null) {
      prepared.close();
      prepared = null;
    }
  }
}

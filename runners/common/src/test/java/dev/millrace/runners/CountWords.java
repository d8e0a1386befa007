package dev.millrace.runners;

import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.Example;
import dev.millrace.pipelines.GeneratorEntry;
import dev.millrace.pipelines.UserError;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.metrics.Counter;
import org.apache.beam.sdk.metrics.Metrics;
import org.apache.beam.sdk.options.Default;
import org.apache.beam.sdk.options.Description;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.ParDo;
import org.jspecify.annotations.Nullable;

/** A tiny pipeline, to test the command line with. */
public final class CountWords implements CatalogueEntry {

  /** How it ends. */
  public enum Ending {
    WELL,
    REFUSED,
    BROKEN,
    MISSING_FILE,
    REFUSED_THE_THIRD_TIME
  }

  /** Its options. */
  public interface Options extends PipelineOptions {

    @Description("Share of rejected words above which the run is refused")
    @Default.Double(0.5)
    double getMaxRejectRatio();

    void setMaxRejectRatio(double value);

    @Description("Words to count, with commas")
    @Example("to,be,or,not")
    @Nullable String getWords();

    void setWords(@Nullable String value);

    @Description("Rows in the answer")
    @Default.Integer(10)
    int getTop();

    void setTop(int value);

    @Description("How the run ends")
    @Default.Enum("WELL")
    Ending getEnding();

    void setEnding(Ending value);

    @Description("Whether the answer goes to the warehouse")
    @Default.Boolean(false)
    boolean isStore();

    void setStore(boolean value);
  }

  @Override
  public String name() {
    return "count-words";
  }

  @Override
  public String summary() {
    return "Words and how often they occur";
  }

  @Override
  public Class<? extends PipelineOptions> optionsClass() {
    return Options.class;
  }

  @Override
  public Job job(PipelineOptions given, Surroundings surroundings) {
    Options options = given.as(Options.class);
    String words = options.getWords();
    if (words == null) {
      throw new UserError("There are no words; give some: --words=to,be.");
    }
    return new Counting(options, words, surroundings);
  }

  private static final AtomicInteger RUNS = new AtomicInteger();

  private record Counting(Options options, String words, Surroundings surroundings) implements Job {

    @Override
    public void prepare() throws Exception {
      if (options.isStore()) {
        execute("CREATE TABLE IF NOT EXISTS words (run TEXT)");
      }
    }

    @Override
    public void build(Pipeline pipeline) {
      pipeline
          .apply("Words", Create.of(List.of(words.split(",", -1))).withCoder(StringUtf8Coder.of()))
          .apply("Count", ParDo.of(new Count(options.getEnding())));
    }

    @Override
    public String finish(PipelineResult result) throws Exception {
      if (options.getEnding() == Ending.REFUSED_THE_THIRD_TIME && RUNS.incrementAndGet() == 3) {
        throw new UserError("Three are enough.");
      }
      if (options.isStore()) {
        surroundings.phase("Publishing");
        execute("INSERT INTO words VALUES ('" + options.getJobName() + "')");
      }
      return "top " + options.getTop() + " of " + words.split(",", -1).length + " words";
    }

    private void execute(String sql) throws Exception {
      try (Connection connection = DriverManager.getConnection(surroundings.embeddedWarehouse());
          Statement statement = connection.createStatement()) {
        statement.execute(sql);
      }
    }
  }

  private static final class Count extends DoFn<String, String> {
    private static final long serialVersionUID = 1L;

    private final Counter records = Metrics.counter("millrace", "CountWords.records");
    private final Ending ending;

    Count(Ending ending) {
      this.ending = ending;
    }

    @ProcessElement
    public void process() throws Exception {
      records.inc();
      switch (ending) {
        case WELL, REFUSED_THE_THIRD_TIME -> {}
        case REFUSED ->
            throw new UserError("Too many words were rejected; raise --max-reject-ratio.");
        case BROKEN -> throw new IllegalStateException("the counter is stuck");
        case MISSING_FILE -> throw new NoSuchFileException("/data/words.txt");
      }
    }
  }

  /** Test data for it. */
  public static final class Generator implements GeneratorEntry {

    /** Its options. */
    public interface GeneratorOptions extends PipelineOptions {
      @Description("How many")
      @Default.Long(1000)
      long getRecords();

      void setRecords(long value);

      @Description("Where to")
      @Default.String("out/words.txt")
      String getOut();

      void setOut(String value);
    }

    @Override
    public String name() {
      return "count-words";
    }

    @Override
    public String summary() {
      return "Words of no meaning";
    }

    @Override
    public Class<? extends PipelineOptions> optionsClass() {
      return GeneratorOptions.class;
    }

    @Override
    public String generate(PipelineOptions given) throws Exception {
      GeneratorOptions options = given.as(GeneratorOptions.class);
      Files.writeString(Path.of(options.getOut()), "word\n".repeat((int) options.getRecords()));
      return options.getRecords() + " words in " + options.getOut();
    }
  }
}

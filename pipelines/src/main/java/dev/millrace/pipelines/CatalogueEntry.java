package dev.millrace.pipelines;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.options.PipelineOptions;
import org.jspecify.annotations.Nullable;

/**
 * A pipeline that the command line offers. Implementations have a public constructor without
 * arguments and stand in {@code META-INF/services/dev.millrace.pipelines.CatalogueEntry}.
 *
 * <p>A run is: {@link #job}, {@link Job#prepare}, {@link Job#build}, the runner runs the pipeline,
 * {@link Job#finish}. When anything after {@link #job} fails, {@link Job#abandon} is called instead
 * of the rest.
 */
public interface CatalogueEntry {

  /** The name as it is typed: lower case, words joined by hyphens. */
  String name();

  /** What the pipeline does, in one line without a full stop. */
  String summary();

  /**
   * The options. Help and checks of the command line are made from its getters:
   * {@code @Description}, {@code @Default} and {@link Example}.
   */
  Class<? extends PipelineOptions> optionsClass();

  /**
   * One run with these options. Reads and checks all of them; starts nothing but what {@code
   * surroundings} offers.
   *
   * @throws UserError if an option is refused
   */
  Job job(PipelineOptions options, Surroundings surroundings);

  /** One run of the pipeline. */
  interface Job {

    /** What tells this run apart from others; empty if nothing does. */
    default String id() {
      return "";
    }

    /** Makes ready what the pipeline writes to, before it is built: tables, directories. */
    void prepare() throws Exception;

    /**
     * Whether the run has no end of its own. It is then stopped by the user, and {@link #finish}
     * tells what it has done so far.
     */
    default boolean isLive() {
      return false;
    }

    /**
     * Makes this run a backfill: it states the windows that begin in a time, and leaves all others
     * as they are. Called before {@link #prepare}.
     *
     * @throws UserError if the pipeline has no windows, or these can still change
     */
    default void backfill(Instant from, Instant to) {
      throw new UserError(
          "This pipeline has no windows to fill: every run of it states its tables as a whole.");
    }

    /** How long a live run lasts; until it is interrupted if empty. */
    default Optional<Duration> runFor() {
      return Optional.empty();
    }

    /**
     * Watches a live run for what holds its windows open; called when it has been built. Empty for
     * what has an end.
     */
    default Optional<Watch> watch() {
      return Optional.empty();
    }

    /**
     * The partitions that a live run reads, as they are now. Asked by those who look at a run that
     * goes on elsewhere.
     */
    default List<Partition> partitions() {
      return List.of();
    }

    /**
     * Options that name files which the running pipeline reads, wherever it runs, with what they
     * name: paths, globs, several with commas, {@code file:} references.
     */
    default Map<String, String> files() {
      return Map.of();
    }

    /**
     * The pipeline was handed to a cluster and runs on without this process, which gives back what
     * it holds. Called instead of {@link #finish}.
     */
    default void handedOver() throws Exception {}

    /** The input whose records a stage refuses, if it is one that can be mended. */
    default Optional<String> inputOf(String stage) {
      return Optional.empty();
    }

    /** Adds every step to {@code pipeline}. */
    void build(Pipeline pipeline) throws Exception;

    /**
     * Publishes, balances, reports. Called when the pipeline has ended well.
     *
     * @return the lines to show the user at the end
     * @throws UserError if the run is refused, for example because too much was rejected
     */
    String finish(PipelineResult result) throws Exception;

    /** Tidies up after a run that failed; {@code cause} is reported by the caller. */
    default void abandon(Throwable cause) throws Exception {}
  }

  /**
   * A partition of a topic without end.
   *
   * @param topic what names its topic
   * @param partition its number
   * @param source its name as a source of records
   * @param stage the first stage that counts its records
   * @param offsets that it has had since where the run began to read
   * @param newest when its newest record arrived, if it has any
   */
  record Partition(
      String topic,
      int partition,
      String source,
      String stage,
      long offsets,
      @Nullable Instant newest) {}

  /** Looks, now and then, why a live run states nothing new. */
  interface Watch extends AutoCloseable {

    /** One thing, if there is something to say that was not said of late. */
    Optional<Notice> look(Instant now);

    @Override
    void close();
  }

  /**
   * What is told of a run.
   *
   * @param event what programs know it by: {@code stalled}, {@code flowing}, {@code no-input},
   *     {@code idle-partition}, {@code not-seen}
   * @param sentence the same for people
   */
  record Notice(String event, String sentence) {}

  /** What the launcher lends to a run. */
  interface Surroundings {

    /**
     * JDBC URL of the PostgreSQL that is kept beside the user's data, user included. It is started
     * on the first call and stopped after the run.
     */
    String embeddedWarehouse();

    /**
     * Begins a phase of the run, such as {@code "Publishing"}; shown to the user, with its time.
     */
    void phase(String name);
  }
}

package dev.millrace.pipelines.report;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What is known of a run without a look at its results.
 *
 * @param id id of the run
 * @param pipeline name of the pipeline
 * @param version version of the pipeline
 * @param runner what ran it, in words
 * @param started when it began
 * @param ended when it ended
 * @param inputs logical inputs, the most important first
 * @param config options the answers depend on; references to secrets, never secrets
 * @param outcome how it ended
 * @param message why it ended so, where that is not plain success; else empty
 * @param places where lake, warehouse and report are, by name
 */
@JsonPropertyOrder({
  "id",
  "pipeline",
  "version",
  "runner",
  "started",
  "ended",
  "elapsedMillis",
  "outcome",
  "message",
  "inputs",
  "config",
  "places"
})
public record RunInfo(
    String id,
    String pipeline,
    String version,
    String runner,
    Instant started,
    Instant ended,
    List<Input> inputs,
    Map<String, String> config,
    Outcome outcome,
    String message,
    Map<String, String> places) {

  /** How a run ended. */
  public enum Outcome {
    /** Its results are published. */
    PUBLISHED,
    /** It ran to its end, but its results were refused; the former ones are still in place. */
    REFUSED,
    /** It was live, and was stopped. */
    STOPPED,
    /** It did not run to its end. */
    FAILED
  }

  /**
   * A logical input.
   *
   * @param name what it holds, such as {@code sales}
   * @param uri where it was read
   * @param files files found there
   * @param records records read; {@link ReportReader} takes it from the ledger
   * @param stages stages its records go through, one after the other
   */
  @JsonPropertyOrder({"name", "uri", "files", "records", "stages"})
  public record Input(String name, String uri, long files, long records, List<String> stages) {

    /** Copies the list. */
    public Input {
      stages = List.copyOf(stages);
    }

    /** An input whose records are not counted yet. */
    public static Input of(String name, String uri, long files, List<String> stages) {
      return new Input(name, uri, files, 0, stages);
    }

    /** The same with another number of records. */
    public Input withRecords(long count) {
      return new Input(name, uri, files, count, stages);
    }
  }

  /** Copies the collections; maps are kept by name. */
  public RunInfo {
    inputs = List.copyOf(inputs);
    config = Collections.unmodifiableMap(new TreeMap<>(config));
    places = Collections.unmodifiableMap(new TreeMap<>(places));
  }

  /** How long it took. */
  @JsonProperty(access = JsonProperty.Access.READ_ONLY)
  public long elapsedMillis() {
    return Duration.between(started, ended).toMillis();
  }

  /** The same, with the records of each input. */
  RunInfo withInputs(List<Input> counted) {
    return new RunInfo(
        id, pipeline, version, runner, started, ended, counted, config, outcome, message, places);
  }

  /** Names of all stages, in the order of the flow. */
  List<String> stagesInOrder() {
    List<String> stages = new ArrayList<>();
    inputs.forEach(input -> stages.addAll(input.stages()));
    return stages;
  }
}

package dev.millrace.runners;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a savepoint of a pipeline's job holds on Flink. A bundle carries it, per pipeline that runs
 * live, so that two versions can be compared before one is deployed.
 *
 * @param version of the program
 * @param beam version
 * @param flink version
 * @param keyGroups how many parts the state of a step can be cut into
 * @param steps in the order of the flow
 * @param types what a savepoint knows of the classes that are in it, by their names: the schema of
 *     a contract, the version of what is serialized by Java, the code of a coder
 */
public record JobState(
    String version,
    String beam,
    String flink,
    int keyGroups,
    List<Step> steps,
    Map<String, String> types) {

  /** Where a bundle has them, as {@code <pipeline>.json}. */
  public static final String DIRECTORY = "META-INF/millrace/state/";

  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  /**
   * A step of the job.
   *
   * @param name its name, which Flink finds its state by
   * @param id what Flink makes of the name
   * @param ends whether what it reads has an end: it is over when the savepoint is made
   * @param task steps of one number run together
   * @param after the steps it reads from
   * @param key how its keys are encoded, if it has keys
   * @param windows what its state depends on of windows and panes
   * @param state what is lost if the step is
   * @param buffers what a savepoint holds besides: elements that wait
   */
  public record Step(
      String name,
      String id,
      boolean ends,
      int task,
      List<String> after,
      @Nullable String key,
      @Nullable String windows,
      Map<String, Encoding> state,
      Map<String, Encoding> buffers) {

    /** Keeps copies, in order. */
    public Step {
      after = List.copyOf(after);
      state = ordered(state);
      buffers = ordered(buffers);
    }
  }

  /**
   * How something is encoded.
   *
   * @param as in words
   * @param types names of the classes that have to do with it, which {@link JobState#types} tells
   *     of
   */
  public record Encoding(String as, List<String> types) {
    /** Keeps a copy. */
    public Encoding {
      types = List.copyOf(types);
    }
  }

  /** Keeps copies, in order. */
  public JobState {
    steps = List.copyOf(steps);
    types = ordered(types);
  }

  private static <T> Map<String, T> ordered(Map<String, T> map) {
    return Collections.unmodifiableMap(new TreeMap<>(map));
  }

  /** Writes it as JSON. */
  public void write(OutputStream out) throws IOException {
    JSON.writeValue(out, this);
  }

  /** Reads what {@link #write} has written. */
  public static JobState read(InputStream in) throws IOException {
    return JSON.readValue(in, JobState.class);
  }
}

package dev.millrace.pipelines.generate;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonFormat.Shape;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.millrace.contract.Reason;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a pipeline must find in a generated set. Counted while the set was written, so exact.
 *
 * @param config how the set was made: option to value
 * @param total counts of the whole set
 * @param files counts of each file, by its name
 */
public record AnswerKey(Map<String, String> config, Counts total, Map<String, Counts> files) {

  /** Name of the file that holds the key, beside the files it is for. */
  public static final String FILE_NAME = "answer-key.json";

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  /** Makes it immutable. */
  public AnswerKey {
    config = Collections.unmodifiableMap(new LinkedHashMap<>(config));
    files = Collections.unmodifiableMap(new LinkedHashMap<>(files));
  }

  /** The key that stands in a directory. */
  public static AnswerKey readFrom(Path directory) throws IOException {
    return readFromFile(directory.resolve(FILE_NAME));
  }

  /** The key that stands in a file. */
  public static AnswerKey readFromFile(Path file) throws IOException {
    return JSON.readValue(Files.readAllBytes(file), AnswerKey.class);
  }

  void writeTo(Path directory) throws IOException {
    Files.writeString(directory.resolve(FILE_NAME), toJson());
  }

  /** The same set, of which it does not matter how it was spread over files. */
  AnswerKey inOne() {
    return new AnswerKey(config, total, Map.of());
  }

  String toJson() throws IOException {
    return JSON.writeValueAsString(this) + "\n";
  }

  /**
   * What became of records. {@code read} is the sum of {@code written}, all of {@code invalid},
   * {@code late}, {@code future}, {@code duplicate} and all of {@code orphans}.
   *
   * @param read records there are
   * @param written records that survive all stages
   * @param invalid records refused while read and checked, by reason
   * @param late records refused as late
   * @param future records refused as from the future
   * @param duplicate records that lose against another of the same identity
   * @param orphans records refused for a foreign key that points to nothing, by field
   * @param revenue revenue of the records that survive: of sales the sum of {@code store_sales}, of
   *     a clickstream that of price times quantity of its purchases
   * @param units units of the records that survive: of sales the sum of {@code unit_sales}, of a
   *     clickstream that of the quantities of its purchases
   */
  public record Counts(
      long read,
      long written,
      Map<Reason, Long> invalid,
      long late,
      long future,
      long duplicate,
      Map<String, Long> orphans,
      @JsonFormat(shape = Shape.STRING) BigDecimal revenue,
      @JsonFormat(shape = Shape.STRING) BigDecimal units) {

    /** Makes it immutable. */
    public Counts {
      Map<Reason, Long> byReason = new EnumMap<>(Reason.class);
      byReason.putAll(invalid);
      invalid = Collections.unmodifiableMap(byReason);
      orphans = Collections.unmodifiableMap(new TreeMap<>(orphans));
    }

    /** Dead letters there must be, by reason: invalid records, orphans, late and future ones. */
    public Map<Reason, Long> rejects() {
      Map<Reason, Long> rejects = new EnumMap<>(Reason.class);
      rejects.putAll(invalid);
      rejects.put(Reason.LATE, late);
      rejects.put(Reason.FUTURE, future);
      rejects.put(Reason.ORPHAN_KEY, sum(orphans));
      rejects.values().removeIf(count -> count == 0);
      return rejects;
    }

    /** What a person is told of them. */
    String words() {
      return "%,d good, %,d copies, %,d late or from the future, %,d invalid."
          .formatted(
              written,
              duplicate,
              late + future,
              invalid.values().stream().mapToLong(Long::longValue).sum());
    }

    /** Whether every record is accounted for. */
    public boolean balances() {
      return read == written + sum(rejects()) + duplicate;
    }

    private static long sum(Map<?, Long> counts) {
      return counts.values().stream().mapToLong(Long::longValue).sum();
    }
  }
}

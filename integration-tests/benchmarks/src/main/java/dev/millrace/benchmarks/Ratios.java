package dev.millrace.benchmarks;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.millrace.benchmarks.Comparison.Compared;
import dev.millrace.benchmarks.Comparison.Result;
import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Ratios of CPU time that were recorded when all was well, to be held against what is measured now.
 * Times differ from machine to machine, and from hour to hour; how two sides compare does not.
 *
 * @param cpu how many times the CPU time of the yardstick a side takes, by the words for the two
 */
record Ratios(Map<String, Double> cpu) {

  /** What a ratio may rise by before it counts: rounds of one evening differ by half of it. */
  static final double TOLERANCE = 0.15;

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  /** Those that were measured. */
  static Ratios of(List<Result> results) {
    Map<String, Double> ratios = new TreeMap<>();
    for (Result result : results) {
      for (Compared pair : result.compared()) {
        ratios.put(
            result.name() + ": " + pair.name(), Math.round(1000 * pair.cpu().median()) / 1000.0);
      }
    }
    return new Ratios(ratios);
  }

  /**
   * Those of a file.
   *
   * @throws UserError if there is none
   */
  static Ratios in(Path file) throws IOException {
    if (!Files.exists(file)) {
      throw new UserError(
          "There is no "
              + file
              + " to compare with; make it: millrace bench refine events --record.");
    }
    return new Ratios(
        JSON.readValue(file.toFile(), new TypeReference<TreeMap<String, Double>>() {}));
  }

  /** Writes them into a file; ratios of other benchmarks that it has stay. */
  void into(Path file) throws IOException {
    Map<String, Double> all = new TreeMap<>();
    if (Files.exists(file)) {
      all.putAll(in(file).cpu);
    }
    all.putAll(cpu);
    Files.writeString(file, JSON.writeValueAsString(all) + "\n");
  }

  /** What has risen, in words; of a ratio that was not recorded nothing is known. */
  List<String> above(Ratios recorded) {
    List<String> risen = new ArrayList<>();
    cpu.forEach(
        (name, now) -> {
          Double before = recorded.cpu.get(name);
          if (before != null && now > before * (1 + TOLERANCE)) {
            risen.add(
                String.format(
                    Locale.ROOT,
                    "%s: %.3f, and it was %.3f when it was recorded",
                    name,
                    now,
                    before));
          }
        });
    return risen;
  }
}

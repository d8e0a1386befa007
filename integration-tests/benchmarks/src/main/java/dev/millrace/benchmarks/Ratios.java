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
 * Times differ from machine to machine, and from hour to hour; how two sides compare does not. But
 * it does with what they are given: a side of more code is compiled for longer.
 *
 * @param cpu how many times the CPU time of the yardstick a side takes, by the words for the two
 *     and, in brackets, the options of the benchmark
 */
record Ratios(Map<String, Double> cpu) {

  /** What a ratio may rise by before it counts: rounds of one evening differ by half of it. */
  static final double TOLERANCE = 0.15;

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  /**
   * Those that were measured.
   *
   * @param options what the sides were given, as options of the benchmark
   */
  static Ratios of(List<Result> results, String options) {
    Map<String, Double> ratios = new TreeMap<>();
    for (Result result : results) {
      for (Compared pair : result.compared()) {
        ratios.put(
            result.name() + ": " + pair.name() + " [" + options + "]",
            Math.round(1000 * pair.cpu().median()) / 1000.0);
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

  /**
   * What has risen, or was recorded with other options, in words; of a ratio that was not recorded
   * nothing is known.
   */
  List<String> above(Ratios recorded) {
    List<String> told = new ArrayList<>();
    cpu.forEach(
        (name, now) -> {
          Double before = recorded.cpu.get(name);
          if (before != null && now > before * (1 + TOLERANCE)) {
            told.add(
                String.format(
                    Locale.ROOT,
                    "Slower: %s: %.3f, and it was %.3f when it was recorded",
                    name,
                    now,
                    before));
          } else if (before == null) {
            String pair = name.substring(0, name.indexOf('[') + 1);
            recorded.cpu.keySet().stream()
                .filter(other -> other.startsWith(pair))
                .forEach(other -> told.add("Not compared: " + name + " was recorded as " + other));
          }
        });
    return told;
  }
}

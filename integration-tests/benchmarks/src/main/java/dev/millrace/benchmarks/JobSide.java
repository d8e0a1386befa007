package dev.millrace.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;

/**
 * A side whose process works through a small input and a large one by turns, and measures itself
 * once it is warm: what counts is what the further records cost.
 *
 * @param arguments of the program
 * @param share of what was measured that counts
 * @param answer of the program, as it stands in its last line of output
 */
record JobSide(
    String name,
    String counted,
    List<String> arguments,
    double share,
    Function<JsonNode, Answer> answer,
    Path program,
    Processes processes)
    implements Side {

  @Override
  public Measured run() throws IOException, InterruptedException {
    String out = processes.runJar(program, arguments).out();
    JsonNode found =
        new ObjectMapper().readTree(out.strip().lines().reduce((a, b) -> b).orElse(""));
    return new Measured(
        share * found.get("wallSeconds").asDouble(),
        share * found.get("cpuSeconds").asDouble(),
        answer.apply(found.get("answer")));
  }
}

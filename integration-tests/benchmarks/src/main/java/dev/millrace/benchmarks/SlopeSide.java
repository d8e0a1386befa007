package dev.millrace.benchmarks;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What more records cost: the difference between much and little of the same work. What any run
 * costs, to start, to warm up and to end, is in neither.
 *
 * @param little the work over few records
 * @param much the work over more
 */
record SlopeSide(Side little, Side much) implements Side {

  @Override
  public String name() {
    return much.name();
  }

  @Override
  public String counted() {
    return "what the further sales cost, of: " + much.counted();
  }

  @Override
  public Measured run() throws Exception {
    Measured few = little.run();
    Measured many = much.run();
    Map<String, List<String>> answers = new HashMap<>(many.answer().tables());
    few.answer().tables().forEach((table, rows) -> answers.put(table + " of few", rows));
    return new Measured(
        many.wallSeconds() - few.wallSeconds(),
        many.cpuSeconds() - few.cpuSeconds(),
        new Answer(answers));
  }
}

package dev.millrace.benchmarks;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What one side answers: the rows of each of its tables, as text.
 *
 * @param tables name to rows, in any order
 */
public record Answer(Map<String, List<String>> tables) {

  /** Copies it. */
  public Answer {
    Map<String, List<String>> copy = new TreeMap<>();
    tables.forEach((name, rows) -> copy.put(name, List.copyOf(rows)));
    tables = copy;
  }

  /**
   * Fails if the other side does not answer the same: the same tables, and in each the same rows as
   * often.
   *
   * @param mine who gave this answer
   * @param theirs who gave the other one
   */
  public void mustEqual(Answer other, String mine, String theirs) {
    if (!tables.keySet().equals(other.tables.keySet())) {
      throw new WrongAnswer(
          "%s answers %s, and %s answers %s."
              .formatted(mine, tables.keySet(), theirs, other.tables.keySet()));
    }
    if (tables.values().stream().allMatch(List::isEmpty)) {
      throw new WrongAnswer(
          "%s and %s agree, but on nothing: no table has a row.".formatted(mine, theirs));
    }
    tables.forEach((name, rows) -> mustEqual(name, rows, other.rows(name), mine, theirs));
  }

  private List<String> rows(String table) {
    return tables.getOrDefault(table, List.of());
  }

  private static void mustEqual(
      String table, List<String> rows, List<String> others, String mine, String theirs) {
    Map<String, Integer> surplus = new HashMap<>();
    rows.forEach(row -> surplus.merge(row, 1, Integer::sum));
    others.forEach(row -> surplus.merge(row, -1, Integer::sum));
    List<String> differences = new ArrayList<>();
    for (String row : new TreeSet<>(surplus.keySet())) {
      int count = surplus.getOrDefault(row, 0);
      if (count != 0) {
        differences.add("only %s has: %s".formatted(count > 0 ? mine : theirs, row));
      }
    }
    if (!differences.isEmpty()) {
      throw new WrongAnswer(
          "%s and %s do not agree on %s: %d rows differ. %s"
              .formatted(
                  mine,
                  theirs,
                  table,
                  differences.size(),
                  String.join("; ", differences.subList(0, Math.min(4, differences.size())))));
    }
  }
}

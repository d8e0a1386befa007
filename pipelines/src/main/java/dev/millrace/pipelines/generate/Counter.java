package dev.millrace.pipelines.generate;

import dev.millrace.contract.Reason;
import dev.millrace.pipelines.generate.AnswerKey.Counts;
import java.math.BigDecimal;
import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;

/** Counts what is written. Amounts in ten-thousandths. */
final class Counter {

  private long written;
  private long duplicate;
  private long sales;
  private long units;
  private final Map<Reason, Long> rejects = new EnumMap<>(Reason.class);
  private final Map<String, Long> orphans = new TreeMap<>();

  void written(long revenue, long units) {
    written++;
    sales = Math.addExact(sales, revenue);
    this.units = Math.addExact(this.units, units);
  }

  void duplicate() {
    duplicate++;
  }

  void reject(Reason reason) {
    rejects.merge(reason, 1L, Long::sum);
  }

  void orphan(String field) {
    orphans.merge(field, 1L, Long::sum);
  }

  void add(Counter other) {
    written += other.written;
    duplicate += other.duplicate;
    sales = Math.addExact(sales, other.sales);
    units = Math.addExact(units, other.units);
    other.rejects.forEach((reason, count) -> rejects.merge(reason, count, Long::sum));
    other.orphans.forEach((field, count) -> orphans.merge(field, count, Long::sum));
  }

  Counts counts() {
    Map<Reason, Long> invalid = new EnumMap<>(Reason.class);
    invalid.putAll(rejects);
    invalid.keySet().removeIf(Reason::isLateness);
    return new Counts(
        written + duplicate + sum(rejects) + sum(orphans),
        written,
        invalid,
        rejects.getOrDefault(Reason.LATE, 0L),
        rejects.getOrDefault(Reason.FUTURE, 0L),
        duplicate,
        orphans,
        BigDecimal.valueOf(sales, 4),
        BigDecimal.valueOf(units, 4));
  }

  private static long sum(Map<?, Long> counts) {
    return counts.values().stream().mapToLong(Long::longValue).sum();
  }
}

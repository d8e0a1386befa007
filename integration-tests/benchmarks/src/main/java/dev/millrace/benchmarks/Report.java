package dev.millrace.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Results as tables, for a terminal or in Markdown, and as data. */
final class Report {

  private static final List<String> TIMES =
      List.of(
          "side",
          "wall s",
          "from – to",
          "CPU s",
          "from – to",
          "CPU µs/record",
          "records/s per core");
  private static final List<String> RATIOS =
      List.of("compared", "times the CPU", "from – to", "times the wall", "from – to", "wanted");

  private Report() {}

  /** The tables of a benchmark, and what they count. */
  static String text(Comparison.Result result, boolean markdown) {
    StringBuilder text = new StringBuilder();
    int rounds = result.yardstick().wallSeconds().size();
    text.append(
        String.format(
            Locale.ROOT,
            markdown ? "### %s%n%n%,d records, %d rounds.%n%n" : "%s: %,d records, %d rounds%n%n",
            result.name(),
            result.records(),
            rounds));
    table(text, TIMES, result.sides().stream().map(s -> times(s, result)).toList(), markdown);
    text.append('\n');
    table(text, RATIOS, result.compared().stream().map(Report::ratios).toList(), markdown);
    text.append('\n');
    for (Comparison.SideResult side : result.sides()) {
      text.append(markdown ? "- " : "  ").append(side.name()).append(": ");
      text.append(side.counted()).append('\n');
    }
    return text.toString();
  }

  private static List<String> times(Comparison.SideResult side, Comparison.Result result) {
    Spread cpu = side.cpu();
    return List.of(
        side.name(),
        number("%.2f", side.wall().median()),
        range("%.2f", side.wall()),
        number("%.2f", cpu.median()),
        range("%.2f", cpu),
        number("%.3f", cpu.median() * 1e6 / result.records()),
        number("%,.0f", result.records() / cpu.median()));
  }

  private static List<String> ratios(Comparison.Compared pair) {
    return List.of(
        pair.name(),
        number("%.2f", pair.cpu().median()),
        range("%.2f", pair.cpu()),
        number("%.2f", pair.wall().median()),
        range("%.2f", pair.wall()),
        verdict(pair));
  }

  private static String verdict(Comparison.Compared pair) {
    Double wanted = pair.wanted();
    if (wanted == null) {
      return "";
    }
    String verdict = !pair.cpu().isKnown() ? "unknown" : pair.isReached() ? "reached" : "missed";
    return String.format(Locale.ROOT, "%.2f: %s", wanted, verdict);
  }

  /** Times in words. */
  static String seconds(double wall, double cpu) {
    return number("%.2f", wall) + " s, CPU " + number("%.2f", cpu) + " s";
  }

  private static String range(String format, Spread spread) {
    return spread.isKnown()
        ? number(format, spread.lowest()) + " – " + number(format, spread.highest())
        : "?";
  }

  static String number(String format, double value) {
    return Double.isNaN(value) ? "?" : String.format(Locale.ROOT, format, value);
  }

  /** Words to the left, in the first column; numbers to the right. */
  static void table(
      StringBuilder text, List<String> heading, List<List<String>> rows, boolean markdown) {
    List<List<String>> all = new ArrayList<>();
    all.add(heading);
    all.addAll(rows);
    String between = markdown ? " | " : "  ";
    for (int r = 0; r < all.size(); r++) {
      StringBuilder line = new StringBuilder();
      for (int c = 0; c < heading.size(); c++) {
        int column = c;
        int width = all.stream().mapToInt(row -> row.get(column).length()).max().orElse(1);
        line.append(between)
            .append(
                String.format(Locale.ROOT, (c == 0 ? "%-" : "%") + width + "s", all.get(r).get(c)));
      }
      line.append(markdown ? " |" : "");
      text.append(markdown ? line.toString().strip() : line.toString().stripTrailing())
          .append('\n');
      if (markdown && r == 0) {
        text.append("|---").append("|--:".repeat(heading.size() - 1)).append("|\n");
      }
    }
  }

  /** All that was measured, as maps and lists. */
  static Map<String, Object> data(Comparison.Result result) {
    List<Map<String, Object>> sides = new ArrayList<>();
    for (Comparison.SideResult side : result.sides()) {
      Map<String, Object> data = new LinkedHashMap<>();
      data.put("name", side.name());
      data.put("counted", side.counted());
      data.put("wallSeconds", side.wallSeconds());
      data.put("cpuSeconds", side.cpu().isKnown() ? side.cpuSeconds() : null);
      data.put("wall", spread(side.wall()));
      data.put("cpu", spread(side.cpu()));
      sides.add(data);
    }
    List<Map<String, Object>> compared = new ArrayList<>();
    for (Comparison.Compared pair : result.compared()) {
      Map<String, Object> data = new LinkedHashMap<>();
      data.put("side", pair.side().name());
      data.put("yardstick", pair.yardstick().name());
      data.put("timesTheCpu", spread(pair.cpu()));
      data.put("timesTheWall", spread(pair.wall()));
      data.put("wantedTimesTheCpu", pair.wanted());
      compared.add(data);
    }
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("benchmark", result.name());
    data.put("records", result.records());
    data.put("yardstick", result.yardstick().name());
    data.put("sides", sides);
    data.put("compared", compared);
    return data;
  }

  private static @Nullable Map<String, Double> spread(Spread spread) {
    return spread.isKnown()
        ? Map.of("median", spread.median(), "lowest", spread.lowest(), "highest", spread.highest())
        : null;
  }
}

package dev.millrace.pipelines.report;

import dev.millrace.pipelines.report.RunReport.Column;
import dev.millrace.pipelines.report.RunReport.Kind;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A table for a terminal: words to the left, numbers to the right, a heading over each column. */
public final class TextTable {

  private TextTable() {}

  /** The lines of a table, heading first, indented by two. */
  public static List<String> lines(List<Column> columns, List<List<String>> rows) {
    List<List<String>> all = new ArrayList<>();
    all.add(columns.stream().map(Column::name).toList());
    for (List<String> row : rows) {
      List<String> cells = new ArrayList<>();
      for (int i = 0; i < columns.size(); i++) {
        cells.add(cell(columns.get(i).kind(), row.get(i)));
      }
      all.add(cells);
    }
    List<String> lines = new ArrayList<>();
    for (List<String> cells : all) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < columns.size(); i++) {
        int column = i;
        int width = all.stream().mapToInt(r -> r.get(column).length()).max().orElse(0);
        boolean left = columns.get(i).kind() == Kind.TEXT;
        line.append("  ");
        line.append(String.format(Locale.ROOT, (left ? "%-" : "%") + width + "s", cells.get(i)));
      }
      lines.add(line.toString().stripTrailing());
    }
    return lines;
  }

  private static String cell(Kind kind, String value) {
    return switch (kind) {
      case MONEY -> String.format(Locale.ROOT, "%,.2f", new BigDecimal(value));
      case COUNT -> String.format(Locale.ROOT, "%,.0f", new BigDecimal(value));
      default -> value;
    };
  }
}

package dev.millrace.runners;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import de.siegmar.fastcsv.writer.CsvWriter;
import de.siegmar.fastcsv.writer.LineDelimiter;
import de.siegmar.fastcsv.writer.QuoteStrategies;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.StringWriter;
import java.io.Writer;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Prints the rows of a query. Rows are streamed; a table looks ahead a little to learn how wide its
 * columns are.
 */
final class ResultPrinter {

  /** How a result looks. */
  enum Format {
    TABLE,
    CSV,
    JSON
  }

  private static final int LOOK_AHEAD = 1_000;

  private ResultPrinter() {}

  static void print(ResultSet rows, Format format, PrintStream out)
      throws SQLException, IOException {
    switch (format) {
      case TABLE -> table(rows, out);
      case CSV -> csv(rows, out);
      case JSON -> json(rows, out);
    }
    out.flush();
  }

  private static void table(ResultSet rows, PrintStream out) throws SQLException {
    ResultSetMetaData columns = rows.getMetaData();
    int n = columns.getColumnCount();
    boolean[] right = new boolean[n];
    int[] width = new int[n];
    String[] names = new String[n];
    for (int i = 0; i < n; i++) {
      right[i] = isNumber(columns.getColumnType(i + 1));
      names[i] = printable(columns.getColumnLabel(i + 1));
      width[i] = length(names[i]);
    }
    List<String[]> ahead = new ArrayList<>();
    boolean more = rows.next();
    while (more && ahead.size() < LOOK_AHEAD) {
      String[] row = row(rows, n);
      for (int i = 0; i < n; i++) {
        width[i] = Math.max(width[i], length(row[i]));
      }
      ahead.add(row);
      more = rows.next();
    }
    line(names, right, width, out);
    StringBuilder rule = new StringBuilder();
    for (int i = 0; i < n; i++) {
      rule.append(i == 0 ? "" : "-+-").append("-".repeat(width[i]));
    }
    out.println(rule);
    ahead.forEach(row -> line(row, right, width, out));
    long count = ahead.size();
    while (more) {
      line(row(rows, n), right, width, out);
      count++;
      more = rows.next();
    }
    out.println(count == 1 ? "(1 row)" : "(" + count + " rows)");
  }

  private static String[] row(ResultSet rows, int n) throws SQLException {
    String[] row = new String[n];
    for (int i = 0; i < n; i++) {
      String value = rows.getString(i + 1);
      row[i] = value == null ? "NULL" : printable(value);
    }
    return row;
  }

  private static void line(String[] cells, boolean[] right, int[] width, PrintStream out) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < cells.length; i++) {
      String pad = " ".repeat(Math.max(0, width[i] - length(cells[i])));
      line.append(i == 0 ? "" : " | ").append(right[i] ? pad + cells[i] : cells[i] + pad);
    }
    out.println(line.toString().stripTrailing());
  }

  /** A value could hold what moves the cursor or breaks the line. */
  private static String printable(String value) {
    return value.codePoints().noneMatch(Character::isISOControl)
        ? value
        : value.replace("\n", "\\n").replace("\t", "\\t").replaceAll("\\p{Cntrl}", "?");
  }

  private static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  private static void csv(ResultSet rows, PrintStream out) throws SQLException, IOException {
    int n = rows.getMetaData().getColumnCount();
    Writer writer = new OutputStreamWriter(out, StandardCharsets.UTF_8);
    CsvWriter csv =
        CsvWriter.builder()
            .lineDelimiter(LineDelimiter.LF)
            .quoteStrategy(QuoteStrategies.EMPTY) // tells an empty text from NULL
            .build(writer);
    List<@Nullable String> cells = new ArrayList<>();
    for (int i = 1; i <= n; i++) {
      cells.add(rows.getMetaData().getColumnLabel(i));
    }
    csv.writeRecord(cells);
    while (rows.next()) {
      cells.clear();
      for (int i = 1; i <= n; i++) {
        cells.add(rows.getString(i));
      }
      csv.writeRecord(cells);
    }
    csv.flush();
  }

  private static void json(ResultSet rows, PrintStream out) throws SQLException, IOException {
    ResultSetMetaData columns = rows.getMetaData();
    out.print("[");
    boolean first = true;
    JsonFactory factory = JsonFactory.builder().build();
    while (rows.next()) {
      out.print(first ? "\n" : ",\n");
      first = false;
      StringWriter line = new StringWriter();
      try (JsonGenerator json = factory.createGenerator(line)) {
        json.writeStartObject();
        for (int i = 1; i <= columns.getColumnCount(); i++) {
          json.writeFieldName(columns.getColumnLabel(i));
          value(rows, i, columns.getColumnType(i), json);
        }
        json.writeEndObject();
      }
      out.print(line);
    }
    out.println(first ? "]" : "\n]");
  }

  private static void value(ResultSet rows, int i, int type, JsonGenerator json)
      throws SQLException, IOException {
    String text = rows.getString(i);
    if (text == null) {
      json.writeNull();
    } else if (type == Types.BIT || type == Types.BOOLEAN) {
      json.writeBoolean(rows.getBoolean(i));
    } else if (isNumber(type) && text.matches("-?\\d+(\\.\\d+)?([eE][+-]?\\d+)?")) {
      json.writeNumber(new BigDecimal(text).toPlainString());
    } else {
      json.writeString(text); // NaN and Infinity are no numbers in JSON
    }
  }

  private static boolean isNumber(int type) {
    return switch (type) {
      case Types.SMALLINT,
          Types.INTEGER,
          Types.BIGINT,
          Types.NUMERIC,
          Types.DECIMAL,
          Types.REAL,
          Types.FLOAT,
          Types.DOUBLE ->
          true;
      default -> false;
    };
  }
}

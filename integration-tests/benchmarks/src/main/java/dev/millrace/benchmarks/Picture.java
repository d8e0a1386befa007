package dev.millrace.benchmarks;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/**
 * Results as a picture (SVG): a bar for each side, as long as its CPU time per record, with a line
 * from the lowest to the highest of its rounds, and a mark where the bar is meant to end.
 */
final class Picture {

  private static final int WIDTH = 900;
  private static final int LEFT = 190;
  private static final int LONGEST = 470;
  private static final int BAR = 18;
  private static final int STEP = 26;
  private static final int HEADING = 46;
  private static final String YARDSTICK = "#9aa5b1";
  private static final String OTHER = "#2f6f9f";
  private static final String REACHED = "#2e7d4f";
  private static final String MISSED = "#b4541a";
  private static final String INK = "#1f2933";

  private final XMLStreamWriter xml;
  private int y = 30;

  private Picture(XMLStreamWriter xml) {
    this.xml = xml;
  }

  /**
   * Draws.
   *
   * @param machine what was measured on, in words
   */
  static void write(Path file, List<Comparison.Result> results, String machine) throws IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      XMLStreamWriter xml =
          XMLOutputFactory.newInstance().createXMLStreamWriter(out, StandardCharsets.UTF_8.name());
      new Picture(xml).draw(results, machine);
      xml.close();
    } catch (XMLStreamException unwritten) {
      throw new IOException(unwritten);
    }
  }

  private void draw(List<Comparison.Result> results, String machine) throws XMLStreamException {
    int bars = results.stream().mapToInt(result -> result.sides().size()).sum();
    int height = 50 + results.size() * HEADING + bars * STEP;
    xml.writeStartDocument();
    xml.writeStartElement("svg");
    xml.writeDefaultNamespace("http://www.w3.org/2000/svg");
    attributes("viewBox", "0 0 " + WIDTH + " " + height, "width", WIDTH, "height", height);
    attributes("font-family", "system-ui, sans-serif", "font-size", 13, "fill", INK);
    xml.writeEmptyElement("rect");
    attributes("width", WIDTH, "height", height, "fill", "#ffffff");
    text(20, y, "start", "font-size", 12, machine + ". Shorter is better.");
    for (Comparison.Result result : results) {
      draw(result);
    }
    xml.writeEndElement();
    xml.writeEndDocument();
  }

  private void draw(Comparison.Result result) throws XMLStreamException {
    y += HEADING;
    int rounds = result.yardstick().wallSeconds().size();
    text(
        20,
        y - 12,
        "start",
        "font-weight",
        "bold",
        String.format(
            Locale.ROOT,
            "%s: CPU µs for a record (%,d records, %d round%s)",
            result.name(),
            result.records(),
            rounds,
            rounds == 1 ? "" : "s"));
    double longest =
        result.sides().stream()
            .mapToDouble(side -> Math.max(side.cpu().highest(), wantedSeconds(side, result)))
            .max()
            .orElse(1);
    for (Comparison.SideResult side : result.sides()) {
      if (side.cpu().isKnown()) {
        bar(side, result, LONGEST / longest);
      }
      y += STEP;
    }
  }

  private void bar(Comparison.SideResult side, Comparison.Result result, double scale)
      throws XMLStreamException {
    Spread cpu = side.cpu();
    double width = cpu.median() * scale;
    text(LEFT - 10, y + BAR - 4, "end", "font-weight", "normal", side.name());
    xml.writeEmptyElement("rect");
    attributes("x", LEFT, "y", y, "width", width, "height", BAR, "fill", color(side, result));
    if (cpu.lowest() < cpu.highest()) {
      line(LEFT + cpu.lowest() * scale, LEFT + cpu.highest() * scale, y + BAR / 2, y + BAR / 2);
    }
    double wantedEnd = wantedSeconds(side, result);
    if (wantedEnd > 0) {
      double mark = LEFT + wantedEnd * scale;
      line(mark, mark, y - 3, y + BAR + 3);
    }
    double right = LEFT + Math.max(cpu.highest(), wantedEnd) * scale;
    text(right + 8, y + BAR - 4, "start", "font-weight", "normal", words(side, result));
  }

  private static String words(Comparison.SideResult side, Comparison.Result result) {
    StringBuilder words = new StringBuilder(number(side.cpu().median() * 1e6 / result.records()));
    String before = ", ";
    for (Comparison.Compared pair : compared(side, result)) {
      words.append(before).append(number(pair.cpu().median()));
      before = " and ";
    }
    if (!side.equals(result.yardstick())) {
      words.append(" times");
    }
    before = ", wanted ";
    for (Comparison.Compared pair : compared(side, result)) {
      if (pair.wanted() != null) {
        words.append(before).append(number(pair.wanted()));
        before = " and ";
      }
    }
    return words.toString();
  }

  private static String number(double value) {
    return Report.number("%.2f", value);
  }

  private static List<Comparison.Compared> compared(
      Comparison.SideResult side, Comparison.Result result) {
    return result.compared().stream().filter(pair -> pair.side().equals(side)).toList();
  }

  /** Where the bar of a side is meant to end, in seconds; 0 if nowhere. */
  private static double wantedSeconds(Comparison.SideResult side, Comparison.Result result) {
    return compared(side, result).stream()
        .filter(pair -> pair.wanted() != null)
        .mapToDouble(
            pair -> pair.yardstick().cpu().median() * Objects.requireNonNull(pair.wanted()))
        .min()
        .orElse(0);
  }

  private static String color(Comparison.SideResult side, Comparison.Result result) {
    if (side.equals(result.yardstick())) {
      return YARDSTICK;
    }
    List<Comparison.Compared> aims =
        compared(side, result).stream().filter(pair -> pair.wanted() != null).toList();
    if (aims.isEmpty()) {
      return OTHER;
    }
    return aims.stream().allMatch(Comparison.Compared::isReached) ? REACHED : MISSED;
  }

  private void line(double from, double to, double top, double bottom) throws XMLStreamException {
    xml.writeEmptyElement("line");
    attributes("x1", from, "x2", to, "y1", top, "y2", bottom, "stroke", INK, "stroke-width", 2);
  }

  private void text(double x, double at, String anchor, String style, Object value, String words)
      throws XMLStreamException {
    xml.writeStartElement("text");
    attributes("x", x, "y", at, "text-anchor", anchor, style, value);
    xml.writeCharacters(words);
    xml.writeEndElement();
  }

  private void attributes(Object... namesAndValues) throws XMLStreamException {
    for (int i = 0; i < namesAndValues.length; i += 2) {
      Object value = namesAndValues[i + 1];
      xml.writeAttribute(
          namesAndValues[i].toString(),
          value instanceof Double number
              ? String.format(Locale.ROOT, "%.1f", number)
              : value.toString());
    }
  }
}

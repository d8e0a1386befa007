package dev.millrace.pipelines.report;

import dev.millrace.pipelines.report.Flow.Amount;
import dev.millrace.pipelines.report.Flow.Exit;
import dev.millrace.pipelines.report.Flow.Lane;
import dev.millrace.pipelines.report.Flow.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Draws the flow twice: from left to right for a wide page, from top to bottom for a phone. The
 * width of a band is its number of records, on one scale in all lanes, but never too thin to be
 * seen. Every label has a row of its own, so that none can lie on another.
 */
final class FlowPicture {

  private static final double THINNEST = 2.5;

  /** Generous widths of a character, since nothing here can measure text. */
  private static final double SANS = 7.2;

  private static final double MONO = 7.6;

  private final Flow flow;
  private final String description;

  FlowPicture(Flow flow, String description) {
    this.flow = flow;
    this.description = description;
  }

  // ------------------------------------------------------------------ from left to right

  private static final double WIDE = 1120;
  private static final double FIRST = 340;
  private static final double LAST = 940;
  private static final double NODE = 8;
  private static final double ROW = 22;
  private static final double WIDEST = 140;

  /** For a wide page. */
  void wide(Html out) {
    Html body = new Html();
    double y = 0;
    for (Lane lane : flow.lanes()) {
      y = wide(body, lane, y) + 16;
    }
    frame(out, "wide", WIDE, y - 8, body);
  }

  private double wide(Html out, Lane lane, double top) {
    int stages = lane.stages().size();
    double step = (LAST - FIRST) / Math.max(3, deepest());
    double y0 = top + 22;
    double bottom = y0;

    double in = 0;
    double row = y0;
    List<Double> widths = new ArrayList<>();
    for (Amount<String> source : lane.sources()) {
      double width = width(source.count(), WIDEST);
      widths.add(width);
      in += width;
    }
    double enter = y0;
    for (int i = 0; i < widths.size(); i++) {
      Amount<String> source = lane.sources().get(i);
      double width = widths.get(i);
      double slot = lane.sources().size() == 1 ? Math.max(width, 14) : Math.max(width + 6, ROW);
      // A lone source flows straight in; several are spread, and gather on the way.
      double from = lane.sources().size() == 1 ? y0 : row + (slot - width) / 2;
      double middle = from + width / 2;
      String count = Figures.count(source.count());
      band(
          out,
          "good",
          lane.name() + ": " + source.of() + " " + count,
          FIRST - 68,
          from,
          FIRST,
          enter,
          width);
      double room = FIRST - 76 - count.length() * MONO - 8;
      label(out, 0, middle, shorten(source.of(), room, SANS), "name", source.of());
      number(out, FIRST - 76, middle, count, "count");
      row += slot;
      enter += width;
      bottom = Math.max(bottom, row);
    }

    double[] exitRows = exitRows(lane, y0, step);
    for (int i = 0; i < stages; i++) {
      Stage stage = lane.stages().get(i);
      double x = FIRST + i * step;
      double good = width(stage.written(), WIDEST);
      double outs = good;
      for (Amount<Exit> exit : stage.exits()) {
        outs += width(exit.count(), WIDEST);
      }
      double height = Math.max(Math.max(in, outs), 3);
      out.put(
          "text", shorten(stage.name(), step - 12, SANS), "x", x, "y", y0 - 7, "class", "stage");
      boolean last = i + 1 == stages;
      double next = last ? LAST : x + step;
      band(
          out,
          "good",
          stage.name() + ": " + Figures.count(stage.written()) + " written",
          x + NODE,
          y0,
          next,
          y0,
          good);
      double leave = y0 + good;
      double exitRow = exitRows[i];
      for (Amount<Exit> exit : stage.exits()) {
        double width = width(exit.count(), WIDEST);
        double slot = slot(exit);
        double middle = exitRow + slot / 2;
        String text = Figures.count(exit.count()) + " " + exit.of().label;
        band(
            out,
            style(exit.of()),
            stage.name() + ": " + text,
            x + NODE,
            leave,
            x + 44,
            middle - width / 2,
            width);
        label(out, x + 50, middle, text, "exit " + style(exit.of()), text);
        leave += width;
        exitRow += slot;
        bottom = Math.max(bottom, exitRow);
      }
      node(out, x, y0, NODE, height, stage);
      bottom = Math.max(bottom, y0 + height);
      in = good;
    }
    double end = Math.max(in, 3);
    out.open(
            "rect",
            "x",
            LAST,
            "y",
            y0,
            "width",
            NODE,
            "height",
            end,
            "rx",
            1.5,
            "class",
            "node end")
        .close("rect");
    String written = Figures.count(lane.written()) + " written";
    label(out, LAST + NODE + 8, y0 + end / 2, written, "total", lane.name() + ": " + written);
    return Math.max(bottom, y0 + 14);
  }

  /**
   * Where the exits of each stage begin. Where the columns are narrow, those of a stage stand below
   * those of the stages after it, since their labels reach under these.
   */
  private double[] exitRows(Lane lane, double y0, double step) {
    double[] rows = new double[lane.stages().size()];
    double below = 0;
    for (int i = rows.length - 1; i >= 0; i--) {
      Stage stage = lane.stages().get(i);
      rows[i] = Math.max(y0 + Math.max(width(stage.written(), WIDEST), 3) + 16, below);
      if (step < 190 && !stage.exits().isEmpty()) {
        below = rows[i] + stage.exits().stream().mapToDouble(this::slot).sum();
      }
    }
    return rows;
  }

  private double slot(Amount<Exit> exit) {
    return Math.max(width(exit.count(), WIDEST) + 4, ROW - 2);
  }

  private int deepest() {
    return flow.lanes().stream().mapToInt(lane -> lane.stages().size()).max().orElse(1);
  }

  /** A band that may bend: flat where it begins and where it ends. */
  private static void band(
      Html out,
      String style,
      String title,
      double x0,
      double y0,
      double x1,
      double y1,
      double width) {
    if (width == 0) {
      return;
    }
    double middle = (x0 + x1) / 2;
    String path =
        y0 == y1
            ? path("M", x0, y0, "H", x1, "V", y1 + width, "H", x0, "Z")
            : path(
                "M",
                x0,
                y0,
                "C",
                middle,
                y0,
                middle,
                y1,
                x1,
                y1,
                "V",
                y1 + width,
                "C",
                middle,
                y1 + width,
                middle,
                y0 + width,
                x0,
                y0 + width,
                "Z");
    out.open("path", "d", path, "class", "band " + style).put("title", title).close("path");
  }

  private static String path(Object... parts) {
    StringBuilder text = new StringBuilder();
    for (Object part : parts) {
      text.append(text.isEmpty() ? "" : " ")
          .append(part instanceof Double number ? Html.coordinate(number) : part);
    }
    return text.toString();
  }

  // ------------------------------------------------------------------ from top to bottom

  private static final double TALL = 372;
  private static final double LABEL = 112;
  private static final double TALL_WIDEST = 92;

  /** For a phone. */
  void tall(Html out) {
    Html body = new Html();
    double y = 0;
    for (Lane lane : flow.lanes()) {
      y = tall(body, lane, y) + 18;
    }
    frame(out, "tall", TALL, y - 10, body);
  }

  private double tall(Html out, Lane lane, double top) {
    double y = top;
    double x = 0;
    double in = 0;
    List<Double> tops = new ArrayList<>();
    for (Amount<String> source : lane.sources()) {
      double width = width(source.count(), TALL_WIDEST);
      String count = Figures.count(source.count());
      double room = TALL - LABEL - count.length() * MONO - 10;
      leader(out, "good", x + width, y + 11);
      label(out, LABEL, y + 11, shorten(source.of(), room, SANS), "name", source.of());
      number(out, TALL, y + 11, count, "count");
      tops.add(y + 11);
      x += width;
      in += width;
      y += ROW;
    }
    double start = y + 6;
    x = 0;
    for (int i = 0; i < tops.size(); i++) {
      double width = width(lane.sources().get(i).count(), TALL_WIDEST);
      column(out, "good", lane.sources().get(i).of(), x, tops.get(i), width, start);
      x += width;
    }
    y = start;
    if (lane.isPlain()) {
      // Nothing happened on the way: one line says so.
      out.open("rect", "x", 0, "y", y, "width", Math.max(in, 3), "height", 6, "class", "node end")
          .close("rect");
      leader(out, "good", Math.max(in, 3), y + 3);
      String through = "written, after " + Figures.plural(lane.stages().size(), "stage", "stages");
      label(out, LABEL, y + 3, through, "total", through);
      number(out, TALL, y + 3, Figures.count(lane.written()), "total");
      return y + 12;
    }
    for (Stage stage : lane.stages()) {
      double good = width(stage.written(), TALL_WIDEST);
      double outs = good;
      for (Amount<Exit> exit : stage.exits()) {
        outs += width(exit.count(), TALL_WIDEST);
      }
      double wide = Math.max(Math.max(in, outs), 3);
      double bar = y;
      leader(out, "good", wide, bar + 3);
      label(out, LABEL, bar + 3, shorten(stage.name(), TALL - LABEL, SANS), "stage", stage.name());
      // The outermost leaves first, so that the lines to the labels cross nothing.
      double right = good;
      List<Amount<Exit>> exits = stage.exits();
      for (int i = exits.size() - 1; i >= 0; i--) {
        double width = width(exits.get(i).count(), TALL_WIDEST);
        double to = bar + 3 + ROW + i * (ROW - 2);
        String count = Figures.count(exits.get(i).count());
        String kind = style(exits.get(i).of());
        column(out, kind, exits.get(i).of().label + " " + count, right, bar + 6, width, to);
        leader(out, kind, right + width, to);
        label(out, LABEL + 14, to, exits.get(i).of().label, "exit " + kind, stage.name());
        number(out, TALL, to, count, "exit " + kind);
        right += width;
      }
      y = bar + ROW + (exits.isEmpty() ? 2 : exits.size() * (ROW - 2) + 4);
      column(out, "good", "written " + Figures.count(stage.written()), 0, bar + 6, good, y);
      node(out, 0, bar, wide, 6, stage);
      in = good;
    }
    double end = Math.max(in, 3);
    out.open("rect", "x", 0, "y", y, "width", end, "height", 6, "class", "node end").close("rect");
    leader(out, "good", end, y + 3);
    label(out, LABEL, y + 3, "written", "total", lane.name());
    number(out, TALL, y + 3, Figures.count(lane.written()), "total");
    return y + 12;
  }

  private static void column(
      Html out, String style, String title, double x, double top, double width, double bottom) {
    if (width > 0) {
      out.open(
              "rect",
              "x",
              x,
              "y",
              top,
              "width",
              width,
              "height",
              bottom - top,
              "class",
              "band " + style)
          .put("title", title)
          .close("rect");
    }
  }

  private static void leader(Html out, String style, double from, double y) {
    out.open("line", "x1", from, "x2", LABEL - 5, "y1", y, "y2", y, "class", "leader " + style)
        .close("line");
  }

  // ------------------------------------------------------------------ both

  private void frame(Html out, String form, double width, double height, Html body) {
    out.open(
            "svg",
            "viewBox",
            "0 0 " + Html.coordinate(width) + " " + Html.coordinate(height),
            "class",
            "flow " + form,
            "role",
            "img",
            "aria-labelledby",
            "flow-" + form + "-title flow-" + form + "-desc")
        .put("title", "How the records flowed", "id", "flow-" + form + "-title")
        .put("desc", description, "id", "flow-" + form + "-desc")
        .line()
        .append(body)
        .close("svg")
        .line();
  }

  private static void node(Html out, double x, double y, double width, double height, Stage stage) {
    out.open("rect", "x", x, "y", y, "width", width, "height", height, "rx", 1.5, "class", "node")
        .put("title", stage.name() + " read " + Figures.count(stage.read()))
        .close("rect");
  }

  private static void label(Html out, double x, double y, String text, String style, String title) {
    out.open("text", "x", x, "y", y + 4.5, "class", style).text(text);
    if (!title.equals(text)) {
      out.put("title", title);
    }
    out.close("text").line();
  }

  private static void number(Html out, double x, double y, String text, String style) {
    out.put("text", text, "x", x, "y", y + 4.5, "class", "right " + style).line();
  }

  private double width(long count, double widest) {
    return count == 0 ? 0 : Math.max(THINNEST, widest * count / flow.widest());
  }

  private static String style(Exit exit) {
    return switch (exit) {
      case LOST, EXCESS -> "lost";
      default -> exit.name().toLowerCase(Locale.ROOT);
    };
  }

  /** Leaves out the middle: the end of a file's name says as much as its beginning. */
  static String shorten(String text, double room, double character) {
    int most = Math.max(5, (int) (room / character));
    if (text.length() <= most) {
      return text;
    }
    int tail = (most - 1) / 2;
    int head = most - 1 - tail;
    return text.substring(0, head) + "…" + text.substring(text.length() - tail);
  }
}

package dev.millrace.pipelines.report;

import dev.millrace.contract.Reason;
import dev.millrace.pipelines.report.RunReport.CategoryRevenue;
import dev.millrace.pipelines.report.RunReport.Column;
import dev.millrace.pipelines.report.RunReport.Example;
import dev.millrace.pipelines.report.RunReport.FieldRow;
import dev.millrace.pipelines.report.RunReport.Kind;
import dev.millrace.pipelines.report.RunReport.LakeTable;
import dev.millrace.pipelines.report.RunReport.LedgerRow;
import dev.millrace.pipelines.report.RunReport.Rejects;
import dev.millrace.pipelines.report.RunReport.Table;
import dev.millrace.pipelines.report.RunReport.Totals;
import dev.millrace.pipelines.report.RunReport.WarehouseTable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/** The report as one page: no script, no network, nothing beside it. */
final class ReportPage {

  private static final int CATEGORIES = 12;

  private final RunReport report;
  private final RunInfo run;
  private final Totals totals;
  private final List<String> imbalances;
  private final Html out = new Html();

  ReportPage(RunReport report) {
    this.report = report;
    run = report.run();
    totals = report.totals();
    imbalances = report.imbalances();
  }

  String html() {
    String css = styleSheet();
    String headline = headline();
    out.declaration()
        .open("html", "lang", "en")
        .line()
        .open("head")
        .open("meta", "charset", "utf-8")
        .open(
            "meta",
            "http-equiv",
            "Content-Security-Policy",
            "content",
            "default-src 'none'; style-src '"
                + hash(css)
                + "'; base-uri 'none'; form-action 'none'")
        .open("meta", "name", "viewport", "content", "width=device-width, initial-scale=1")
        .open("meta", "name", "color-scheme", "content", "light dark")
        .open("meta", "name", "referrer", "content", "no-referrer")
        .put("title", run.pipeline() + ": " + headline)
        .line()
        .styleSheet(css)
        .close("head")
        .line()
        .open("body")
        .open("main")
        .line();
    head(headline);
    flow();
    ledger();
    rejects();
    revenue();
    tables();
    fields();
    places();
    out.open("footer")
        .put("p", "Made by Millrace from run " + run.id() + ". The same in JSON: report.json.")
        .close("footer")
        .close("main")
        .close("body")
        .close("html")
        .line();
    return out.toString();
  }

  // ------------------------------------------------------------------ head

  private String headline() {
    if (!imbalances.isEmpty()) {
      long unaccounted = totals.unaccounted();
      if (unaccounted > 0) {
        return Figures.count(unaccounted)
            + " of "
            + Figures.plural(totals.read(), "record is", "records are")
            + " not accounted for.";
      }
      return unaccounted < 0
          ? Figures.plural(-unaccounted, "record", "records") + " more came out than went in."
          : "The books do not balance.";
    }
    if (run.outcome() == RunInfo.Outcome.FAILED) {
      return "The run failed.";
    }
    if (run.outcome() == RunInfo.Outcome.REFUSED) {
      return "The results were refused; nothing was published.";
    }
    if (run.outcome() == RunInfo.Outcome.STOPPED) {
      return "Stopped; "
          + Figures.plural(totals.read(), "record was", "records were")
          + " read so far.";
    }
    return switch ((int) Math.min(totals.read(), 2)) {
      case 0 -> "No record was read.";
      case 1 -> "One record read, and it is accounted for.";
      default -> Figures.count(totals.read()) + " records read, every one accounted for.";
    };
  }

  /** Whether the tables show what this run states. */
  private boolean published() {
    return run.outcome() == RunInfo.Outcome.PUBLISHED || run.outcome() == RunInfo.Outcome.STOPPED;
  }

  private void head(String headline) {
    boolean good = imbalances.isEmpty() && published();
    out.open("header", "class", good ? "balanced" : "unbalanced")
        .open("p", "class", "kicker")
        .text("Run report: ")
        .put("b", run.pipeline())
        .close("p")
        .put("h1", headline);
    if (!run.message().isEmpty()) {
      out.put("p", run.message(), "class", "message");
    }
    if (!imbalances.isEmpty()) {
      out.open("ul", "class", "message");
      imbalances.forEach(sentence -> out.put("li", sentence));
      out.close("ul");
    }
    if (totals.read() > 0) {
      equation();
    }
    out.open("dl", "class", "facts");
    fact("Started", Figures.moment(run.started()));
    fact("Took", Figures.elapsed(run.elapsedMillis()));
    if (totals.read() > 0 && run.elapsedMillis() > 0) {
      fact("Pace", Figures.count(totals.read() * 1000 / run.elapsedMillis()) + " records/s");
    }
    fact("Runner", run.runner());
    fact("Version", run.version());
    fact("Run", run.id());
    out.close("dl").close("header").line();
  }

  /** What went in = where it ended, term by term. */
  private void equation() {
    out.open("p", "class", "equation");
    term("", totals.read(), "read", "read");
    term("=", totals.written(), "written", "good");
    term("+", totals.invalid(), "invalid", "invalid");
    term("+", totals.late(), "late", "late");
    term("+", totals.duplicate(), "duplicate", "duplicate");
    term("+", totals.filtered(), "filtered", "filtered");
    if (totals.unaccounted() != 0) {
      term(
          totals.unaccounted() > 0 ? "+" : "−",
          Math.abs(totals.unaccounted()),
          totals.unaccounted() > 0 ? "unaccounted" : "too many",
          "lost");
    }
    out.close("p");
  }

  private void term(String sign, long count, String label, String style) {
    out.open("span", "class", "term " + style + (count == 0 ? " none" : ""));
    if (!sign.isEmpty()) {
      out.put("i", sign).text(" ");
    }
    out.put("b", Figures.count(count)).text(" ").put("span", label).close("span").text(" ");
  }

  private void fact(String name, String value) {
    out.open("div").put("dt", name).put("dd", value).close("div");
  }

  // ------------------------------------------------------------------ flow and ledger

  private void flow() {
    Flow flow = Flow.of(report);
    if (flow.lanes().isEmpty()) {
      return;
    }
    section("flow", "Where the records went");
    note(
        "Each band is as wide as the records in it are many, on one scale; the thinnest are drawn"
            + " wider than they are, to be seen.");
    FlowPicture picture = new FlowPicture(flow, equationInWords());
    out.open("figure");
    picture.wide(out);
    picture.tall(out);
    out.close("figure").close("section").line();
  }

  private String equationInWords() {
    return Figures.count(totals.read())
        + " records read; "
        + Figures.count(totals.written())
        + " written, "
        + Figures.count(totals.invalid())
        + " invalid, "
        + Figures.count(totals.late())
        + " late, "
        + Figures.count(totals.duplicate())
        + " duplicate, "
        + Figures.count(totals.filtered())
        + " filtered, "
        + Figures.count(totals.unaccounted())
        + " unaccounted for. The ledger below has the numbers of every stage.";
  }

  private void ledger() {
    if (report.ledger().isEmpty()) {
      return;
    }
    section("ledger", "The ledger");
    note("In every row: read = written + invalid + late + duplicate + filtered.");
    beginTable(
        "The ledger",
        List.of(
            new Column("stage", Kind.TEXT),
            new Column("source", Kind.TEXT),
            new Column("read", Kind.COUNT),
            new Column("written", Kind.COUNT),
            new Column("invalid", Kind.COUNT),
            new Column("late", Kind.COUNT),
            new Column("duplicate", Kind.COUNT),
            new Column("filtered", Kind.COUNT),
            new Column("unaccounted", Kind.COUNT)));
    String before = "";
    for (LedgerRow row : ledgerInOrder()) {
      boolean sameStage = row.stage().equals(before);
      boolean bad = row.residue() != 0;
      out.open("tr", "class", (sameStage ? "more" : "first") + (bad ? " bad" : ""));
      out.put("th", row.stage(), "scope", "row").put("td", row.source(), "class", "wrap");
      count(row.read(), "read");
      count(row.written(), "written");
      count(row.invalid(), "invalid");
      count(row.late(), "late");
      count(row.duplicate(), "duplicate");
      count(row.filtered(), "filtered");
      count(row.residue(), "unaccounted");
      out.close("tr").line();
      before = row.stage();
    }
    endTable();
    out.close("section").line();
  }

  /** In the order of the flow; stages that are not in it come last. */
  private List<LedgerRow> ledgerInOrder() {
    List<String> stages = run.stagesInOrder();
    List<LedgerRow> rows = new ArrayList<>(report.ledger());
    rows.sort(
        Comparator.comparingInt(
                (LedgerRow row) ->
                    stages.contains(row.stage()) ? stages.indexOf(row.stage()) : stages.size())
            .thenComparing(LedgerRow::stage)
            .thenComparing(LedgerRow::source));
    return rows;
  }

  // ------------------------------------------------------------------ rejects

  private void rejects() {
    if (report.ledger().isEmpty() && report.rejects().isEmpty()) {
      return;
    }
    section("rejects", "What was refused, and why");
    long all = report.rejects().stream().mapToLong(Rejects::count).sum();
    boolean kept = published();
    if (all > 0) {
      note(
          Figures.plural(all, "record was", "records were")
              + " refused"
              + (kept
                  ? ", none is lost: each is in the table dead_letter with its bytes, its place and"
                      + " the reason."
                  : "."));
    } else if (totals.invalid() + totals.late() > 0) {
      note(
          Figures.plural(totals.invalid() + totals.late(), "record was", "records were")
              + " refused, but no dead letters are stored"
              + (kept ? "." : ": nothing of this run was published."));
    } else {
      out.put("p", "Nothing. Every record kept its contract.", "class", "fine");
    }
    long most = report.rejects().stream().mapToLong(Rejects::count).max().orElse(1);
    for (Rejects group : rejectsInOrder()) {
      out.open("article", "class", "reason")
          .open("div")
          .open("h3")
          .put("code", group.reason())
          .put("b", Figures.count(group.count()), "class", "n")
          .close("h3");
      bar((double) group.count() / most, 100, isLateness(group) ? "late" : "invalid");
      out.put(
              "p",
              Figures.share(group.count(), all) + " of all, in " + group.stage(),
              "class",
              "quiet")
          .open("p")
          .text(group.meaning() + " ")
          .put("em", group.remedy())
          .close("p")
          .close("div");
      if (!group.examples().isEmpty()) {
        beginTable(
            "Examples of " + group.reason(),
            List.of(
                new Column("source", Kind.TEXT),
                new Column("position", Kind.COUNT),
                new Column("field", Kind.TEXT),
                new Column("detail", Kind.TEXT)));
        for (Example example : group.examples()) {
          out.open("tr").put("td", example.source(), "class", "wrap");
          count(example.position(), "at");
          out.open("td").put("code", Objects.requireNonNullElse(example.field(), "")).close("td");
          out.put("td", example.detail(), "class", "wide").close("tr").line();
        }
        endTable();
      }
      out.close("article").line();
    }
    out.close("section").line();
  }

  private static boolean isLateness(Rejects group) {
    return Arrays.stream(Reason.values())
        .anyMatch(reason -> reason.isLateness() && reason.name().equals(group.reason()));
  }

  private List<Rejects> rejectsInOrder() {
    return report.rejects().stream()
        .sorted(
            Comparator.comparingLong((Rejects group) -> -group.count())
                .thenComparing(Rejects::reason)
                .thenComparing(Rejects::stage))
        .toList();
  }

  // ------------------------------------------------------------------ revenue and answers

  private void revenue() {
    if (report.revenue().byDay().isEmpty()) {
      return;
    }
    RevenuePicture picture = new RevenuePicture(report.revenue());
    section("revenue", "Revenue over time");
    note(picture.description());
    out.open("figure");
    picture.draw(out, "wide", 1120, 300);
    picture.draw(out, "tall", 372, 220);
    out.open("figcaption")
        .put("span", report.revenue().unit() + " " + picture.resolution(), "class", "key daily");
    if (picture.hasAverage()) {
      out.text(" ").put("span", "average of the last seven days", "class", "key average");
    }
    out.close("figcaption").close("figure").close("section").line();
  }

  private void tables() {
    if (report.tables().isEmpty() && report.revenue().byCategory().isEmpty()) {
      return;
    }
    section("answers", "Answers");
    out.open("div", "class", "cards").line();
    if (!report.revenue().byCategory().isEmpty()) {
      categories();
    }
    for (Table table : report.tables()) {
      out.open("article").put("h3", table.title());
      beginTable(table.title(), table.columns());
      String before = "";
      for (List<String> row : table.rows()) {
        out.open("tr");
        for (int i = 0; i < row.size(); i++) {
          Kind kind = table.columns().get(i).kind();
          boolean again = i == 0 && row.get(0).equals(before);
          out.put("td", cell(row.get(i), kind), "class", style(kind) + (again ? " again" : ""));
        }
        before = row.isEmpty() ? "" : row.get(0);
        out.close("tr").line();
      }
      endTable();
      out.close("article").line();
    }
    out.close("div").close("section").line();
  }

  private void categories() {
    List<CategoryRevenue> all = report.revenue().byCategory();
    List<CategoryRevenue> shown = all.subList(0, Math.min(CATEGORIES, all.size()));
    BigDecimal most =
        shown.stream().map(CategoryRevenue::revenue).reduce(BigDecimal.ONE, BigDecimal::max);
    out.open("article").put("h3", "Revenue by category");
    beginTable(
        "Revenue by category",
        List.of(
            new Column("category", Kind.TEXT),
            new Column("", Kind.TEXT),
            new Column("revenue, " + report.revenue().unit(), Kind.MONEY)));
    for (CategoryRevenue category : shown) {
      out.open("tr").put("td", category.category()).open("td", "class", "bars");
      bar(category.revenue().doubleValue() / most.doubleValue(), 100, "good");
      out.close("td").put("td", Figures.money(category.revenue()), "class", "n").close("tr").line();
    }
    if (shown.size() < all.size()) {
      BigDecimal rest =
          all.subList(shown.size(), all.size()).stream()
              .map(CategoryRevenue::revenue)
              .reduce(BigDecimal.ZERO, BigDecimal::add);
      out.open("tr", "class", "rest")
          .put("td", Figures.plural(all.size() - shown.size(), "other", "others"))
          .put("td", "")
          .put("td", Figures.money(rest), "class", "n")
          .close("tr");
    }
    endTable();
    out.close("article").line();
  }

  private static String cell(String text, Kind kind) {
    if (kind == Kind.TEXT || kind == Kind.CODE) {
      return text;
    }
    try {
      BigDecimal value = new BigDecimal(text);
      return kind == Kind.MONEY ? Figures.money(value) : Figures.number(value);
    } catch (NumberFormatException words) {
      return text;
    }
  }

  // ------------------------------------------------------------------ fields

  private void fields() {
    if (report.fields().isEmpty()) {
      return;
    }
    section("fields", "What is in the fields");
    note(
        "Over the records that passed. Of private fields neither smallest nor largest value is kept.");
    Map<String, List<FieldRow>> byContract = new LinkedHashMap<>();
    for (FieldRow field : report.fields()) {
      byContract.computeIfAbsent(field.contract(), c -> new ArrayList<>()).add(field);
    }
    byContract.forEach(
        (contract, fields) -> {
          out.open("details", "open", "")
              .open("summary")
              .put("b", contract)
              .text(" " + Figures.plural(fields.get(0).records(), "record", "records"))
              .close("summary");
          beginTable(
              "Fields of " + contract,
              List.of(
                  new Column("field", Kind.TEXT),
                  new Column("type", Kind.TEXT),
                  new Column("null", Kind.COUNT),
                  new Column("", Kind.TEXT),
                  new Column("smallest", Kind.TEXT),
                  new Column("largest", Kind.TEXT)));
          fields.forEach(this::field);
          endTable();
          out.close("details").line();
        });
    out.close("section").line();
  }

  private void field(FieldRow field) {
    out.open("tr")
        .open("th", "scope", "row")
        .put("code", field.field())
        .close("th")
        .put("td", field.type().toLowerCase(Locale.ROOT), "class", "quiet")
        .put(
            "td",
            Figures.share(field.nulls(), field.records()),
            "class",
            field.nulls() == 0 ? "n none" : "n",
            "data-name",
            "null ",
            "title",
            Figures.count(field.nulls()) + " of " + Figures.count(field.records()))
        .open("td", "class", "bars");
    bar((double) field.nulls() / Math.max(1, field.records()), 60, "null");
    out.close("td");
    if (field.privacy() == null) {
      out.put(
              "td",
              Objects.requireNonNullElse(field.min(), ""),
              "class",
              "value",
              "data-name",
              "from ")
          .put(
              "td",
              Objects.requireNonNullElse(field.max(), ""),
              "class",
              "value",
              "data-name",
              "to ");
    } else {
      out.open("td", "colspan", "2")
          .put("span", "private: " + field.privacy().toLowerCase(Locale.ROOT), "class", "badge")
          .close("td");
    }
    out.close("tr").line();
  }

  // ------------------------------------------------------------------ places

  private void places() {
    section("places", "Files and places");
    if (!run.inputs().isEmpty()) {
      out.put("h3", "Read");
      beginTable(
          "Inputs",
          List.of(
              new Column("input", Kind.TEXT),
              new Column("from", Kind.TEXT),
              new Column("files", Kind.COUNT),
              new Column("records", Kind.COUNT)));
      for (RunInfo.Input input : run.inputs()) {
        out.open("tr")
            .put("th", input.name(), "scope", "row")
            .open("td", "class", "wide")
            .put("code", input.uri())
            .close("td");
        count(input.files());
        count(input.records());
        out.close("tr").line();
      }
      endTable();
    }
    out.open("div", "class", "cards").line();
    lake();
    warehouse();
    pairs("Places", run.places());
    pairs("Options", run.config());
    out.close("div").close("section").line();
  }

  private void lake() {
    if (report.lake().isEmpty()) {
      return;
    }
    out.open("article").put("h3", "Lake");
    beginTable(
        "Tables of the lake",
        List.of(
            new Column("table", Kind.TEXT),
            new Column("rows", Kind.COUNT),
            new Column("files", Kind.COUNT),
            new Column("size", Kind.COUNT)));
    for (LakeTable table : report.lake()) {
      out.open("tr").open("th", "scope", "row").put("span", table.layer() + "/", "class", "quiet");
      out.text(table.table()).close("th");
      count(table.rows());
      count(table.files());
      out.put("td", Figures.bytes(table.bytes()), "class", "n").close("tr").line();
    }
    endTable();
    out.close("article").line();
  }

  private void warehouse() {
    if (report.warehouse().isEmpty()) {
      return;
    }
    out.open("article").put("h3", "Warehouse");
    beginTable(
        "Tables of the warehouse",
        List.of(
            new Column("table", Kind.TEXT),
            new Column("rows", Kind.COUNT),
            new Column("new", Kind.COUNT),
            new Column("changed", Kind.COUNT),
            new Column("gone", Kind.COUNT)));
    for (WarehouseTable table : report.warehouse()) {
      out.open("tr").put("th", table.table(), "scope", "row");
      count(table.rows());
      count(table.inserted());
      count(table.updated());
      count(table.deleted());
      out.close("tr").line();
    }
    endTable();
    out.close("article").line();
  }

  private void pairs(String title, Map<String, String> pairs) {
    if (pairs.isEmpty()) {
      return;
    }
    out.open("article").put("h3", title).open("dl", "class", "pairs");
    pairs.forEach((name, value) -> out.put("dt", name).open("dd").put("code", value).close("dd"));
    out.close("dl").close("article").line();
  }

  // ------------------------------------------------------------------ parts

  private void section(String id, String title) {
    out.open("section", "id", id).put("h2", title);
  }

  private void note(String text) {
    out.put("p", text, "class", "note");
  }

  private void beginTable(String name, List<Column> columns) {
    out.open("div", "class", "scroll", "role", "region", "aria-label", name, "tabindex", "0")
        .open("table")
        .open("thead")
        .open("tr");
    for (Column column : columns) {
      out.put("th", column.name(), "scope", "col", "class", style(column.kind()));
    }
    out.close("tr").close("thead").open("tbody").line();
  }

  private void endTable() {
    out.close("tbody").close("table").close("div").line();
  }

  private static String style(Kind kind) {
    return switch (kind) {
      case TEXT -> "t";
      case CODE -> "t code";
      case COUNT, MONEY -> "n";
    };
  }

  private void count(long count) {
    out.put("td", Figures.count(count), "class", count == 0 ? "n none" : "n");
  }

  /** A count that brings its own name, for a phone, where the head of the table is not shown. */
  private void count(long count, String name) {
    out.put(
        "td", Figures.count(count), "class", count == 0 ? "n none" : "n", "data-name", name + " ");
  }

  /** A bar of a share; a share that is not nothing is never drawn as nothing. */
  private void bar(double share, double width, String style) {
    double length = share <= 0 ? 0 : Math.max(1.5, width * share);
    out.open(
            "svg",
            "class",
            "bar",
            "width",
            width,
            "height",
            8,
            "viewBox",
            "0 0 " + Html.coordinate(width) + " 8",
            "preserveAspectRatio",
            "none",
            "aria-hidden",
            "true")
        .open("rect", "width", width, "height", 8, "class", "rail")
        .close("rect")
        .open("rect", "width", length, "height", 8, "class", "fill " + style)
        .close("rect")
        .close("svg");
  }

  private static String styleSheet() {
    try (InputStream in = ReportPage.class.getResourceAsStream("report.css")) {
      byte[] bytes =
          Objects.requireNonNull(in, "report.css is not on the class path").readAllBytes();
      return new String(bytes, StandardCharsets.UTF_8);
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }

  /** The one style sheet the page allows itself, as its policy names it. */
  private static String hash(String css) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(css.getBytes(StandardCharsets.UTF_8));
      return "sha256-" + Base64.getEncoder().encodeToString(digest);
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}

package dev.millrace.pipelines.report;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.pipelines.report.RunInfo.Outcome;
import dev.millrace.pipelines.report.RunReport.DayRevenue;
import dev.millrace.pipelines.report.RunReport.FieldRow;
import dev.millrace.pipelines.report.RunReport.LedgerRow;
import dev.millrace.pipelines.report.RunReport.Revenue;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportFilesTest {

  private static final String EVIL = "<img src=x onerror=\"alert('&')\">\u202e.json";

  @Test
  void aBalancedRunSaysThatEveryRecordIsAccountedFor() {
    String html = ReportFiles.html(Reports.balanced());

    assertThat(html, containsString("<h1>1,000 records read, every one accounted for.</h1>"));
    assertThat(html, containsString("<header class=\"balanced\">"));
  }

  @Test
  void anUnbalancedRunSaysHowManyRecordsAreMissingAndWhere() {
    String html = ReportFiles.html(Reports.unbalanced());

    assertThat(html, containsString("<h1>3 of 1,000 records are not accounted for.</h1>"));
    assertThat(html, containsString("<header class=\"unbalanced\">"));
    assertThat(html, containsString("Stage EnrichSales read"));
    assertThat(html, containsString("3 unaccounted"));
  }

  @Test
  void aRecordLostBetweenTwoStagesIsFoundToo() {
    RunReport good = Reports.balanced();
    List<LedgerRow> ledger =
        List.of(
            good.ledger().get(0),
            new LedgerRow("DedupSales", "sales_fact_1997.json", 984, 974, 0, 0, 10, 0),
            new LedgerRow("EnrichSales", "sales_fact_1997.json", 974, 969, 5, 0, 0, 0));

    RunReport report = Reports.withLedger(good, ledger);

    assertThat(report.balanced(), is(false));
    assertThat(
        ReportFiles.html(report),
        allOf(
            containsString("<h1>1 of 1,000 records are not accounted for.</h1>"),
            containsString("1 unaccounted")));
  }

  @Test
  void rejectsThatAreCountedButNotStoredAreFoundToo() {
    RunReport good = Reports.balanced();
    RunReport report =
        new RunReport(
            good.run(),
            good.ledger(),
            good.rejects().subList(0, 2),
            good.fields(),
            good.revenue(),
            good.tables(),
            good.lake(),
            good.warehouse());

    assertThat(
        report.imbalances(),
        contains("The ledger counts 20 refused records, but 15 dead letters are stored."));
    assertThat(ReportFiles.html(report), containsString("<h1>The books do not balance.</h1>"));
  }

  @Test
  void aFailedRunSaysWhy() {
    RunReport failed =
        Reports.withOutcome(
            RunReport.of(Reports.run()), Outcome.FAILED, "The warehouse is not reachable.");

    assertThat(
        ReportFiles.html(failed),
        allOf(
            containsString("<h1>The run failed.</h1>"),
            containsString("The warehouse is not reachable.")));
  }

  @Test
  void aRefusedRunDoesNotPromiseThatItsRejectsAreKept() {
    String html =
        ReportFiles.html(
            Reports.withOutcome(Reports.balanced(), Outcome.REFUSED, "Too many rejects."));

    assertThat(html, not(containsString("none is lost")));
    assertThat(html, containsString("nothing was published"));
  }

  @Test
  void whatARecordBringsAlongIsNeverMarkup() {
    String html = ReportFiles.html(Reports.withSource(EVIL));

    assertThat(html, not(containsString("<img")));
    assertThat(html, not(containsString("\u202e")));
    assertThat(
        html,
        containsString("&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;\uFFFD.json"));
  }

  @Test
  void thePageNeedsNothingButItself() {
    String html = ReportFiles.html(Reports.balanced());

    for (String resource :
        List.of(
            "http:", "https:", "<script", "<link", "<img", "<iframe", "src=", "href=", "url(",
            "@import", "style=")) {
      assertThat(resource, html.toLowerCase(Locale.ROOT).contains(resource), is(false));
    }
    assertThat(html, containsString("default-src &#39;none&#39;; style-src &#39;sha256-"));
  }

  @Test
  void everyElementThatIsOpenedIsClosed() {
    String html = ReportFiles.html(Reports.unbalanced());

    for (String tag :
        List.of(
            "main", "section", "article", "div", "table", "tbody", "tr", "td", "th", "svg", "text",
            "path", "rect", "line", "title", "p", "dl", "details")) {
      long opened = Pattern.compile("<" + tag + "[ >]").matcher(html).results().count();
      long closed = Pattern.compile("</" + tag + ">").matcher(html).results().count();
      assertThat(tag, closed, equalTo(opened));
    }
  }

  @Test
  void theSameReportGivesTheSameBytesInEveryLanguage() {
    Locale before = Locale.getDefault();
    String html = ReportFiles.html(Reports.balanced());
    String json = ReportFiles.json(Reports.balanced());
    try {
      Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));

      assertThat(ReportFiles.html(Reports.balanced()), equalTo(html));
      assertThat(ReportFiles.json(Reports.balanced()), equalTo(json));
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void aReportSurvivesJson() throws IOException {
    for (RunReport report :
        List.of(Reports.balanced(), Reports.unbalanced(), Reports.withSource(EVIL))) {
      assertThat(ReportFiles.read(ReportFiles.json(report)), equalTo(report));
    }
  }

  @Test
  void moneyIsAPlainStringInJsonAndWhatIsDerivedStandsBesideIt() throws IOException {
    JsonNode json = new ObjectMapper().readTree(ReportFiles.json(Reports.balanced()));

    assertThat(json.at("/revenue/byDay/1/revenue").textValue(), is("1304.5300"));
    assertThat(json.at("/revenue/byDay/1/day").textValue(), is("1997-01-02"));
    assertThat(json.at("/run/elapsedMillis").longValue(), is(21_500L));
    assertThat(json.at("/balanced").booleanValue(), is(true));
    assertThat(json.at("/ledger/0/residue").longValue(), is(0L));
    assertThat(json.at("/totals/written").longValue(), is(970L));
    assertThat(json.at("/totals/unaccounted").longValue(), is(0L));
  }

  @Test
  void valuesOfPrivateFieldsAreWithheld() {
    FieldRow field = new FieldRow("Customer", "lname", "STRING", "MASK", 10, 0, "Abel", "Zorn");

    assertThat(field.min() == null && field.max() == null, is(true));
    assertThat(ReportFiles.json(Reports.balanced()), not(containsString("Zorn")));
    assertThat(ReportFiles.html(Reports.balanced()), not(containsString("Zorn")));
  }

  @Test
  void revenueOfOneDayAFewDaysAndManyYearsCanAllBeDrawn() {
    LocalDate first = LocalDate.of(1996, 1, 1);
    for (int days : new int[] {1, 2, 21, 62, 63, 1100, 1101, 36_524}) {
      Revenue revenue =
          new Revenue(
              "USD",
              days == 1
                  ? List.of(new DayRevenue(first, BigDecimal.ZERO))
                  : List.of(
                      new DayRevenue(first, new BigDecimal("0.07")),
                      new DayRevenue(first.plusDays(days - 1L), new BigDecimal("1234567.89"))),
              List.of());
      RunReport good = Reports.balanced();

      String html =
          ReportFiles.html(
              new RunReport(
                  good.run(),
                  good.ledger(),
                  good.rejects(),
                  good.fields(),
                  revenue,
                  good.tables(),
                  good.lake(),
                  good.warehouse()));

      assertThat(html, not(containsString("NaN")));
      assertThat(html, not(containsString("Infinity")));
      assertThat("size of " + days + " days", html.length() < 400_000, is(true));
    }
  }

  @Test
  void bothFilesAreWrittenInPlaceOfFormerOnes(@TempDir Path directory) throws IOException {
    Path place = directory.resolve("out/report");
    ReportFiles.write(Reports.unbalanced(), place);

    ReportFiles.write(Reports.balanced(), place);

    try (Stream<Path> files = Files.list(place)) {
      assertThat(
          files.map(file -> file.getFileName().toString()).sorted().toList(),
          contains("report.html", "report.json"));
    }
    assertThat(
        ReportFiles.read(Files.readString(place.resolve("report.json"))),
        equalTo(Reports.balanced()));
    assertThat(Reports.balanced().imbalances(), empty());
  }
}

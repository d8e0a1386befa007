package dev.millrace.it;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.not;

import dev.millrace.benchmarks.DuckDbSales;
import dev.millrace.local.LocalPostgres;
import dev.millrace.pipelines.report.ReportFiles;
import dev.millrace.pipelines.report.RunReport;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code millrace run sales} on the whole of FoodMart, twice, all by default. The answers are held
 * against DuckDB's, computed from the same files by other code.
 */
class FoodMartIT {

  /** Stages that follow one another. */
  private static final List<List<String>> CHAINS =
      List.of(
          List.of("RefineSales", "DedupSales", "EnrichSales"),
          List.of("RefineCustomers", "DedupCustomers", "LocateCustomers"),
          List.of("RefineProducts", "DedupProducts", "ClassifyProducts"),
          List.of("RefineProductClasses", "DedupProductClasses"),
          List.of("RefineStores", "DedupStores", "LocateStores"),
          List.of("RefinePromotions", "DedupPromotions"),
          List.of("RefineDays", "DedupDays"),
          List.of("RefineRegions", "DedupRegions"));

  private static Path home;
  private static Path data;
  private static Path lake;
  private static Program.Finished run;
  private static RunReport report;
  private static LocalPostgres postgres;
  private static Connection warehouse;
  private static Connection expected;

  @BeforeAll
  static void run(@TempDir Path directory) throws Exception {
    home = directory;
    data = FoodMart.unpackInto(home.resolve(".millrace/data/foodmart"));
    lake = home.resolve("out/lake");
    run = Program.in(home).run("run", "sales").succeeded();
    report =
        ReportFiles.read(Files.readString(home.resolve("out/report").resolve(ReportFiles.JSON)));
    postgres = LocalPostgres.in(home.resolve(".millrace/postgres"));
    warehouse = DriverManager.getConnection(postgres.jdbcUrl());
    expected = DuckDbSales.compute(data, data + "/sales_fact_*.json", 2);
  }

  @AfterAll
  static void close() throws SQLException {
    expected.close();
    warehouse.close();
    postgres.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "revenue_daily",
        "top_customers",
        "store_revenue_7d",
        "customer_running_total",
        "lapsed_customers",
        "top_products"
      })
  void everyAnswerIsThatOfAnotherEngine(String table) throws SQLException {
    // Given
    String sql = "SELECT " + Tables.ANSWERS.get(table) + " FROM ";

    // When
    List<String> wanted = Tables.rows(expected, sql + table);

    // Then
    assertThat(wanted, not(empty()));
    same(table + " of the warehouse", Tables.rows(warehouse, sql + table), wanted);
    try (Connection duck = Tables.duckDb()) {
      same(
          table + " of the lake",
          Tables.rows(duck, sql + LakeFiles.table(lake, "gold", table)),
          wanted);
    }
  }

  @Test
  void everyFactIsThatOfAnotherEngine() throws SQLException {
    // Given
    List<String> wanted = Tables.rows(expected, "SELECT " + Tables.FACT + " FROM silver");

    // When
    List<String> facts = Tables.rows(warehouse, "SELECT " + Tables.FACT + " FROM fact_sale");

    // Then
    same("fact_sale", facts, wanted);
    String more =
        ", product_name, product_category, product_department, store_city, store_country,"
            + " sales_region FROM ";
    try (Connection duck = Tables.duckDb()) {
      same(
          "silver sales",
          Tables.rows(
              duck, "SELECT " + Tables.FACT + more + LakeFiles.table(lake, "silver", "sales")),
          Tables.rows(expected, "SELECT " + Tables.FACT + more + "silver"));
    }
  }

  @Test
  void theAverageOfSevenDaysIsTheSumByHalfEven() throws SQLException {
    // Given
    List<String> wanted = new ArrayList<>();
    for (String sum : Tables.rows(expected, "SELECT revenue_7d FROM store_revenue_7d")) {
      BigDecimal average =
          new BigDecimal(sum).divide(BigDecimal.valueOf(7), 4, RoundingMode.HALF_EVEN);
      wanted.add(new BigDecimal(sum) + " | " + average.stripTrailingZeros().toPlainString());
    }

    // When
    List<String> found =
        Tables.rows(warehouse, "SELECT revenue_7d, average_7d FROM store_revenue_7d");

    // Then
    same("averages", found, wanted.stream().sorted().toList());
  }

  @Test
  void everyRecordIsAccountedFor() throws SQLException {
    // Given
    List<String> lines = new ArrayList<>();
    for (String table : FoodMart.FACTS) {
      lines.add(table + ".json | " + FoodMart.rows(table).count());
    }

    // When
    List<String> wrong =
        Tables.rows(
            warehouse,
            "SELECT * FROM ledger WHERE read <> written + invalid + late + duplicate + filtered");
    for (List<String> chain : CHAINS) {
      for (int i = 1; i < chain.size(); i++) {
        wrong.addAll(
            Tables.rows(
                warehouse,
                "SELECT source, before.stage, written, after.stage, read"
                    + (" FROM (SELECT source, stage, written FROM ledger WHERE stage = '%s') before"
                            + " FULL JOIN (SELECT source, stage, read FROM ledger WHERE stage = '%s')"
                            + " after USING (source) WHERE written IS DISTINCT FROM read")
                        .formatted(chain.get(i - 1), chain.get(i))));
      }
    }

    // Then
    assertThat(wrong, empty());
    assertThat(
        "stages",
        Tables.rows(warehouse, "SELECT DISTINCT stage FROM ledger"),
        equalTo(CHAINS.stream().flatMap(List::stream).sorted().toList()));
    assertThat(
        "records read of each file",
        Tables.rows(warehouse, "SELECT source, read FROM ledger WHERE stage = 'RefineSales'"),
        equalTo(lines));
    assertThat(
        "what the last stage wrote and the facts",
        Tables.value(warehouse, "SELECT sum(written) FROM ledger WHERE stage = 'EnrichSales'"),
        equalTo(Tables.value(warehouse, "SELECT count(*) FROM fact_sale")));
  }

  @Test
  void theSummaryTellsWhatHappenedAndWhereItIs() throws SQLException {
    // Given
    List<String> products = Tables.rows(expected, "SELECT product_name FROM top_products");

    // When
    String summary = run.out();

    // Then
    assertThat(products, hasSize(5));
    products.forEach(product -> assertThat(summary, containsString(product)));
    for (String table : FoodMart.FACTS) {
      assertThat(summary, containsString(table + ".json"));
    }
    assertThat(summary, containsString("every one accounted for"));
    assertThat(
        summary,
        allOf(
            containsString("out/lake"),
            containsString("embedded PostgreSQL"),
            containsString("out/report/report.html")));
  }

  @Test
  void theReportIsThereForPeopleAndMachines() throws Exception {
    // Given
    List<String> products = Tables.rows(expected, "SELECT product_name FROM top_products");

    // When
    String page = Files.readString(home.resolve("out/report").resolve(ReportFiles.HTML));

    // Then
    products.forEach(product -> assertThat(page, containsString(product)));
    assertThat(page.strip(), matchesPattern("(?si)<!doctype html>.*</html>"));
    assertThat(report.imbalances(), empty());
    assertThat(
        report.revenue().byDay().stream()
            .map(RunReport.DayRevenue::revenue)
            .reduce(BigDecimal.ZERO, BigDecimal::add)
            .stripTrailingZeros()
            .toPlainString(),
        equalTo(Tables.value(expected, "SELECT sum(store_sales) FROM silver")));
  }

  @Test
  void thereIsOneRightCopyAndNothingElse() throws Exception {
    // Given
    Path staging = lake.resolve(".staging");

    // When
    LakeFiles.whole(lake);

    // Then
    LakeFiles.holdsNothingElse(lake);
    assertThat("no staging is left in the lake", Files.exists(staging), equalTo(false));
    assertThat(
        "schemas of the warehouse",
        Tables.rows(
            warehouse,
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'"),
        equalTo(List.of("public")));
  }

  /** Says the first difference only: the tables are long. */
  private static void same(String what, List<String> found, List<String> wanted) {
    for (int i = 0; i < Math.min(found.size(), wanted.size()); i++) {
      assertThat(what + ", row " + i, found.get(i), equalTo(wanted.get(i)));
    }
    assertThat("rows of " + what, found.size(), equalTo(wanted.size()));
  }
}

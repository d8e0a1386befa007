package dev.millrace.pipelines.report;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RunSummaryTest {

  @Test
  void theEmbeddedWarehouseIsAskedWithoutAnOption() {
    assertThat(
        summary(RunSummary.EMBEDDED),
        containsString(
            "Warehouse  embedded PostgreSQL; ask it: ./millrace sql \"SELECT * FROM t\"\n"));
  }

  @Test
  void anotherWarehouseIsNamedAndAskedWithTheOptionOfTheRun() {
    assertThat(
        summary("PostgreSQL db.example/shop"),
        containsString(
            "Warehouse  PostgreSQL db.example/shop; ask it: ./millrace sql \"SELECT * FROM t\" --warehouse=…\n"));
  }

  private static String summary(String warehouse) {
    return RunSummary.of(
        Reports.withPlaces(Reports.balanced(), Map.of("lake", "out/lake", "warehouse", warehouse)),
        Path.of("out/report/report.html"),
        "sales",
        "SELECT * FROM t");
  }
}

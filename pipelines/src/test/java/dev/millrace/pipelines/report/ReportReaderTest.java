package dev.millrace.pipelines.report;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Ddl;
import dev.millrace.contract.Reason;
import dev.millrace.pipelines.io.Manifest;
import dev.millrace.pipelines.report.RunInfo.Input;
import dev.millrace.pipelines.report.RunReport.CategoryRevenue;
import dev.millrace.pipelines.report.RunReport.DayRevenue;
import dev.millrace.pipelines.report.RunReport.Example;
import dev.millrace.pipelines.report.RunReport.FieldRow;
import dev.millrace.pipelines.report.RunReport.LakeTable;
import dev.millrace.pipelines.report.RunReport.LedgerRow;
import dev.millrace.pipelines.report.RunReport.Rejects;
import dev.millrace.pipelines.report.RunReport.WarehouseTable;
import dev.millrace.pipelines.sales.SalesReport;
import dev.millrace.schemas.retail.LocatedStore;
import dev.millrace.schemas.retail.RevenueDaily;
import dev.millrace.schemas.retail.TopCustomer;
import dev.millrace.schemas.retail.TopProduct;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.schemas.system.FieldProfile;
import dev.millrace.schemas.system.LedgerEntry;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDate;
import java.util.List;
import org.apache.avro.specific.SpecificRecord;
import org.junit.jupiter.api.Test;

class ReportReaderTest {

  private static final List<Class<? extends SpecificRecord>> TABLES =
      List.of(
          LocatedStore.class,
          RevenueDaily.class,
          TopCustomer.class,
          TopProduct.class,
          DeadLetter.class,
          FieldProfile.class,
          LedgerEntry.class);

  @Test
  void theReportIsReadFromTheTablesOfTheWarehouse() throws IOException, SQLException {
    try (EmbeddedPostgres server = EmbeddedPostgres.start();
        Connection connection = server.getPostgresDatabase().getConnection()) {
      fill(connection);
      RunInfo run = Reports.run(Input.of("sales", "sales_*.json", 1, List.of("RefineSales")));

      RunReport report = ReportReader.read(connection, run, SalesReport.ANSWERS);

      assertThat(connection.getAutoCommit(), is(true));
      assertThat(report.run().inputs().get(0).records(), is(10L));
      assertThat(
          report.ledger(), contains(new LedgerRow("RefineSales", "a.json", 10, 5, 4, 1, 0, 0)));
      assertThat(report.imbalances(), equalTo(List.of()));
      assertThat(
          report.rejects(),
          contains(
              new Rejects(
                  "MALFORMED",
                  "RefineSales",
                  4,
                  Reason.MALFORMED.description(),
                  Reason.MALFORMED.remedy(),
                  List.of(
                      new Example("a.json", 1, null, "no comma"),
                      new Example("a.json", 2, null, "no comma"),
                      new Example("a.json", 3, null, "no comma"))),
              new Rejects(
                  "LATE",
                  "RefineSales",
                  1,
                  Reason.LATE.description(),
                  Reason.LATE.remedy(),
                  List.of(new Example("a.json", 5, "time_id", "8 days")))));
      assertThat(
          report.fields(),
          contains(
              new FieldRow("Customer", "lname", "STRING", "MASK", 5, 0, null, null),
              new FieldRow("Sale", "store_id", "INT", null, 5, 0, "1", "2")));
      assertThat(
          report.revenue().byDay(),
          contains(
              new DayRevenue(LocalDate.of(1998, 1, 1), new BigDecimal("3.5000")),
              new DayRevenue(LocalDate.of(1998, 1, 3), new BigDecimal("4.0000"))));
      assertThat(
          report.revenue().byCategory(),
          contains(
              new CategoryRevenue("Meat", new BigDecimal("5.0000")),
              new CategoryRevenue("Eggs", new BigDecimal("2.5000"))));
      assertThat(
          report.tables().stream().map(table -> table.title() + table.rows()).toList(),
          contains(
              "Best-selling products of January 1998[[1, Ham, 3.0000, 5.0000]]",
              "Best customers per sales region[[North, 1, 7, 2, 7.5000]]",
              "Stores by revenue[[Store 1, Salem, USA, 3, 7.5000]]"));
      assertThat(report.warehouse(), contains(new WarehouseTable("revenue_daily", 3, 2, 1, 0)));
    }
  }

  @Test
  void filesOfALakeAreAddedUpPerTable() {
    Manifest manifest =
        new Manifest(
            "sales",
            "1",
            List.of(
                file("silver", "sales", "month=1997-01", 10, 100),
                file("gold", "ledger", "", 3, 30),
                file("silver", "sales", "month=1997-02", 20, 200)));

    assertThat(
        ReportReader.lake(manifest),
        contains(
            new LakeTable("gold", "ledger", 1, 3, 30),
            new LakeTable("silver", "sales", 2, 30, 300)));
  }

  private static Manifest.DataFile file(
      String layer, String table, String partition, long rows, long bytes) {
    return new Manifest.DataFile(
        layer + "/" + table + partition, layer, table, partition, rows, bytes, "0");
  }

  private static void fill(Connection connection) throws SQLException {
    try (Statement sql = connection.createStatement()) {
      for (Class<? extends SpecificRecord> table : TABLES) {
        sql.execute(Ddl.createTable(Contract.of(table)));
      }
      sql.execute(
          "CREATE TABLE run_change (run_id text, table_name text, inserted bigint, updated bigint,"
              + " deleted bigint)");
      sql.execute(
          "INSERT INTO run_change VALUES ('0b5e7c1a-93d4', 'revenue_daily', 2, 1, 0),"
              + " ('another', 'revenue_daily', 9, 9, 9)");
      sql.execute(
          "INSERT INTO ledger (pipeline, stage, source, read, written, invalid, late, duplicate,"
              + " filtered) VALUES ('sales', 'RefineSales', 'a.json', 10, 5, 4, 1, 0, 0),"
              + " ('another', 'RefineSales', 'a.json', 1, 1, 0, 0, 0, 0)");
      for (int i = 1; i <= 5; i++) {
        sql.execute(
            "INSERT INTO dead_letter (id, pipeline, pipeline_version, stage, reason, detail, field,"
                + " payload_state, source, position, contract, contract_version, attempt) VALUES ('"
                + i
                + "', 'sales', '1', 'RefineSales', "
                + (i < 5 ? "'MALFORMED', 'no comma', NULL" : "'LATE', '8 days', 'time_id'")
                + ", 'OMITTED', 'a.json', "
                + i
                + ", 'Sale', 1, 1)");
      }
      sql.execute(
          "INSERT INTO field_profile (pipeline, contract, field, type, privacy, records, nulls,"
              + " min_value, max_value) VALUES ('sales', 'Sale', 'store_id', 'INT', NULL, 5, 0,"
              + " '1', '2'), ('sales', 'Customer', 'lname', 'STRING', 'MASK', 5, 0, NULL, NULL)");
      sql.execute(
          "INSERT INTO dim_store (store_id, store_type, region_id, store_name, store_city,"
              + " store_state, store_country, sales_region) VALUES (1, 'Small', 1, 'Store 1',"
              + " 'Salem', 'OR', 'USA', 'North')");
      sql.execute(
          "INSERT INTO revenue_daily (day, store_id, product_category, revenue, cost, units, sales)"
              + " VALUES ('1998-01-03', 1, 'Meat', 4, 1, 1, 1), ('1998-01-01', 1, 'Eggs', 2.5, 1,"
              + " 1, 1), ('1998-01-01', 1, 'Meat', 1, 1, 1, 1)");
      sql.execute(
          "INSERT INTO top_products (month, rank, product_id, product_name, revenue, units) VALUES"
              + " ('1998-01-01', 1, 9, 'Ham', 5, 3)");
      sql.execute(
          "INSERT INTO top_customers (sales_region, rank, customer_id, revenue, sales) VALUES"
              + " ('North', 1, 7, 7.5, 2), ('North', 4, 8, 1, 1)");
    }
  }
}

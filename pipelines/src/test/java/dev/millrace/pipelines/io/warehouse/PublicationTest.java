package dev.millrace.pipelines.io.warehouse;

import static dev.millrace.pipelines.io.warehouse.TestPostgres.connect;
import static dev.millrace.pipelines.io.warehouse.TestPostgres.query;
import static dev.millrace.pipelines.io.warehouse.TestTables.BOTH;
import static dev.millrace.pipelines.io.warehouse.TestTables.ITEM;
import static dev.millrace.pipelines.io.warehouse.TestTables.SHELF;
import static dev.millrace.pipelines.io.warehouse.TestTables.contract;
import static dev.millrace.pipelines.io.warehouse.TestTables.int_;
import static dev.millrace.pipelines.io.warehouse.TestTables.item;
import static dev.millrace.pipelines.io.warehouse.TestTables.row;
import static dev.millrace.pipelines.io.warehouse.TestTables.shelf;
import static dev.millrace.pipelines.io.warehouse.TestTables.stage;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.contract.Contract;
import dev.millrace.pipelines.UserError;
import dev.millrace.schemas.retail.ClassifiedProduct;
import dev.millrace.schemas.retail.CustomerRunningTotal;
import dev.millrace.schemas.retail.Day;
import dev.millrace.schemas.retail.LapsedCustomer;
import dev.millrace.schemas.retail.LocatedCustomer;
import dev.millrace.schemas.retail.LocatedStore;
import dev.millrace.schemas.retail.Promotion;
import dev.millrace.schemas.retail.Region;
import dev.millrace.schemas.retail.RevenueDaily;
import dev.millrace.schemas.retail.SaleFact;
import dev.millrace.schemas.retail.StoreRevenue7d;
import dev.millrace.schemas.retail.TopCustomer;
import dev.millrace.schemas.retail.TopProduct;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.schemas.system.FieldProfile;
import dev.millrace.schemas.system.LedgerEntry;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.specific.SpecificRecord;
import org.junit.jupiter.api.Test;

@SuppressWarnings("try") // a prepared warehouse is held, not used
class PublicationTest {

  private static final String ITEMS = "SELECT * FROM item ORDER BY item_id";
  private static final String SHELVES = "SELECT * FROM shelf ORDER BY shelf_id";
  private static final String RUNS = "SELECT run_id FROM run ORDER BY published_at";

  private final String url = TestPostgres.newDatabase();
  private final WarehouseConfig config = WarehouseConfig.of(url);
  private int runs;

  @Test
  void theFirstRunStatesItsRows() throws Exception {
    List<TableChange> changes =
        publish(
            List.of(shelf(1, "cellar"), shelf(2, null)),
            List.of(item(10, 1, "1.5"), item(11, 2, "0.0001")));

    assertThat(
        changes,
        contains(new TableChange("item", 2, 2, 0, 0, 0), new TableChange("shelf", 2, 2, 0, 0, 0)));
    assertThat(query(url, SHELVES), contains("1|cellar", "2|null"));
    assertThat(query(url, ITEMS), contains("10|1|1.5000", "11|2|0.0001"));
    assertThat(query(url, RUNS), contains("run1"));
    assertThat(
        query(url, "SELECT table_name, rows, inserted FROM run_change ORDER BY 1"),
        contains("item|2|2", "shelf|2|2"));
  }

  @Test
  void statingTheSameAnswerAgainChangesNothing() throws Exception {
    List<IndexedRecord> shelves = List.of(shelf(1, "cellar"), shelf(2, null));
    List<IndexedRecord> items = List.of(item(10, 1, "1.5"));
    publish(shelves, items);
    String versions =
        "SELECT ctid, xmin, item_id FROM item UNION ALL SELECT ctid, xmin, shelf_id FROM shelf";
    List<String> before = query(url, versions);

    List<TableChange> changes = publish(shelves, items);

    assertThat(
        changes,
        contains(new TableChange("item", 1, 0, 0, 0, 0), new TableChange("shelf", 2, 0, 0, 0, 0)));
    assertThat("no row is written again", query(url, versions), equalTo(before));
    assertThat(query(url, RUNS), contains("run1", "run2"));
  }

  @Test
  void rowsThatChangedAreUpdatedAndRowsNoLongerStatedVanish() throws Exception {
    publish(
        List.of(shelf(1, "cellar"), shelf(2, "attic"), shelf(3, null)),
        List.of(item(10, 1, "1"), item(11, 2, "2")));

    List<TableChange> changes =
        publish(
            List.of(shelf(1, null), shelf(3, null), shelf(4, "shed")),
            List.of(item(10, 4, "1"), item(12, 3, "3")));

    assertThat(
        changes,
        contains(new TableChange("item", 2, 1, 1, 1, 0), new TableChange("shelf", 3, 1, 1, 1, 0)));
    assertThat(query(url, SHELVES), contains("1|null", "3|null", "4|shed"));
    assertThat(query(url, ITEMS), contains("10|4|1.0000", "12|3|3.0000"));
  }

  @Test
  void ofRowsThatARetryWroteAgainTheLastCounts() throws Exception {
    List<TableChange> changes =
        publish(
            List.of(
                shelf(1, "first try"),
                shelf(1, "first try"),
                shelf(2, "x"),
                shelf(1, "second try")),
            List.of(item(10, 1, "1"), item(10, 1, "1")));

    assertThat(
        changes,
        contains(new TableChange("item", 1, 1, 0, 0, 1), new TableChange("shelf", 2, 2, 0, 0, 2)));
    assertThat(query(url, SHELVES), contains("1|second try", "2|x"));
  }

  @Test
  void aFailureInTheLastTableLeavesTheOldAnswerWhole() throws Exception {
    publish(List.of(shelf(1, "old")), List.of(item(10, 1, "1")));

    UserError failed =
        assertThrows(
            UserError.class,
            () ->
                publish(List.of(shelf(1, "new"), shelf(2, "new")), List.of(item(10, 987654, "2"))));

    assertThat(
        failed.getMessage(),
        allOf(
            containsString("item_shelf_id_fkey"),
            containsString("Nothing was published"),
            not(containsString("987654"))));
    assertThat(query(url, SHELVES), contains("1|old"));
    assertThat(query(url, ITEMS), contains("10|1|1.0000"));
    assertThat(query(url, RUNS), contains("run1"));
  }

  @Test
  void aFailureOfTheFirstRunLeavesTheTablesEmpty() {
    assertThrows(
        UserError.class, () -> publish(List.of(shelf(1, "new")), List.of(item(10, 99, "2"))));

    assertThat(query(url, SHELVES), empty());
    assertThat(query(url, ITEMS), empty());
    assertThat(query(url, RUNS), empty());
  }

  @Test
  void publishingARunThatIsPublishedChangesNothingAndSaysTheSame() throws Exception {
    Run run = TestPostgres.run("once");
    try (PreparedWarehouse prepared = warehouse(run, BOTH).prepare()) {
      stage(config, run, SHELF, shelf(1, "cellar"), shelf(1, "cellar"));
      List<TableChange> first = TestTables.publish(config, run, BOTH);

      List<TableChange> again = TestTables.publish(config, run, BOTH);

      assertThat(again, equalTo(first));
      assertThat(query(url, RUNS), contains("once"));
    }
    UserError refused = assertThrows(UserError.class, () -> warehouse(run, BOTH).prepare());
    assertThat(refused.getMessage(), containsString("already published"));
  }

  /** A cluster that has lost touch with the task that published works through the run again. */
  @Test
  void whatIsStagedAgainAfterThePublicationIsNotPublishedAgain() throws Exception {
    Run run = TestPostgres.run("lost");
    try (PreparedWarehouse prepared = warehouse(run, BOTH).prepare()) {
      stage(config, run, SHELF, shelf(1, "cellar"));
      List<TableChange> first = TestTables.publish(config, run, BOTH);

      stage(config, run, SHELF, shelf(1, "cellar"));
      List<TableChange> again = TestTables.publish(config, run, BOTH);

      assertThat(again, equalTo(first));
      assertThat(query(url, SHELVES), contains("1|cellar"));
    }
  }

  @Test
  void aRunWhoseStagingWasCleanedUpIsNotPublished() throws Exception {
    publish(List.of(shelf(1, "old")), List.of());
    Run run = TestPostgres.run("late");
    warehouse(run, BOTH).prepare().close();

    UserError failed = assertThrows(UserError.class, () -> TestTables.publish(config, run, BOTH));

    assertThat(failed.getMessage(), allOf(containsString("is gone"), containsString("run again")));
    assertThat(query(url, SHELVES), contains("1|old"));
  }

  @Test
  void indexesAndForeignKeysAreThereAfterTheFirstRunAndAddedOnce() throws Exception {
    publish(List.of(shelf(1, null)), List.of(item(1, 1, "1")));
    publish(List.of(shelf(1, null)), List.of(item(1, 1, "1")));

    assertThat(
        query(url, "SELECT indexdef FROM pg_indexes WHERE tablename = 'item' ORDER BY indexname"),
        contains(
            containsString("UNIQUE INDEX item_pkey"),
            containsString("(price, shelf_id)"),
            containsString("(shelf_id)")));
    assertThat(
        query(
            url,
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conrelid ="
                + " 'item'::regclass"),
        contains(startsWith("FOREIGN KEY (shelf_id) REFERENCES shelf(shelf_id)")));
  }

  @Test
  void theTablesOfSalesAndOfTheSystemFitTogether() throws Exception {
    List<Contract> contracts =
        Stream.<Class<? extends SpecificRecord>>of(
                Region.class,
                LocatedCustomer.class,
                ClassifiedProduct.class,
                LocatedStore.class,
                Promotion.class,
                Day.class,
                SaleFact.class,
                RevenueDaily.class,
                TopCustomer.class,
                StoreRevenue7d.class,
                CustomerRunningTotal.class,
                LapsedCustomer.class,
                TopProduct.class,
                DeadLetter.class,
                LedgerEntry.class,
                FieldProfile.class)
            .map(Contract::of)
            .toList();

    for (String id : List.of("first", "second")) {
      Run run = TestPostgres.run(id);
      try (PreparedWarehouse prepared = warehouse(run, contracts).prepare()) {
        TestTables.publish(config, run, contracts);
      }
    }

    assertThat(
        query(
            url,
            "SELECT (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conname LIKE"
                + " 'fact\\_sale%'), (SELECT count(*) FROM pg_indexes WHERE tablename ="
                + " 'fact_sale')"),
        contains("5|4"));
  }

  @Test
  void aReaderInTheMiddleOfATransactionNeitherWaitsNorIsWaitedFor() throws Exception {
    publish(List.of(shelf(1, "old")), List.of(item(10, 1, "1")));
    try (Connection reader = connect(url)) {
      reader.setAutoCommit(false);
      reader.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
      Sql sql = new Sql(reader);
      assertThat(sql.rows("SELECT room FROM shelf", r -> r.getString(1)), contains("old"));

      publish(List.of(shelf(2, "new")), List.of());

      assertThat(sql.rows("SELECT count(*) FROM item", r -> r.getInt(1)), contains(1));
      assertThat(sql.rows("SELECT room FROM shelf", r -> r.getString(1)), contains("old"));
    }
    assertThat(query(url, SHELVES), contains("2|new"));
    assertThat(query(url, ITEMS), empty());
  }

  @Test
  void aRunWaitsWhileAnotherPublishes() throws Exception {
    Run run = TestPostgres.run("patient");
    try (PreparedWarehouse prepared = warehouse(run, BOTH).prepare();
        Connection other = connect(url)) {
      stage(config, run, SHELF, shelf(1, "cellar"));
      other.setAutoCommit(false);
      Locks.change(new Sql(other), config.where());
      CompletableFuture<List<TableChange>> waiting =
          CompletableFuture.supplyAsync(() -> publishUnchecked(run));
      while (query(url, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
          .isEmpty()) {
        assertThat("nothing is published yet", query(url, RUNS), empty());
      }

      other.commit();

      assertThat(
          waiting.get(),
          contains(
              new TableChange("item", 0, 0, 0, 0, 0), new TableChange("shelf", 1, 1, 0, 0, 0)));
    }
  }

  @Test
  void aPublicationWhoseConnectionBreaksIsTriedAgain() throws Exception {
    Run run = TestPostgres.run("stubborn");
    try (PreparedWarehouse prepared = warehouse(run, BOTH).prepare();
        Connection other = connect(url)) {
      stage(config, run, SHELF, shelf(1, "cellar"));
      other.setAutoCommit(false);
      Locks.change(new Sql(other), config.where());
      CompletableFuture<List<TableChange>> publishing =
          CompletableFuture.supplyAsync(() -> publishUnchecked(run));
      String killed = "";
      while (killed.isEmpty()) {
        killed =
            String.join(
                "",
                query(
                    url,
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND"
                        + " NOT granted"));
      }

      other.commit();

      assertThat(publishing.get().get(1), equalTo(new TableChange("shelf", 1, 1, 0, 0, 0)));
      assertThat(query(url, RUNS), contains("stubborn"));
    }
  }

  @Test
  void aRowThatALiveRunAddsWhileItIsPublishedIsThere() throws Exception {
    // Given: a transaction that has added the same row, and is not done
    Run run = TestPostgres.run("beside");
    try (PreparedWarehouse prepared = warehouse(run, BOTH).prepare();
        Connection other = connect(url)) {
      stage(config, run, SHELF, shelf(1, "cellar"));
      other.setAutoCommit(false);
      new Sql(other).run("INSERT INTO shelf (shelf_id, room) VALUES (1, 'attic')");

      // When
      CompletableFuture<List<TableChange>> publishing =
          CompletableFuture.supplyAsync(() -> publishUnchecked(run));
      while (query(url, "SELECT 1 FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted")
          .isEmpty()) {
        assertThat("nothing is published yet", query(url, RUNS), empty());
      }
      other.commit();

      // Then
      assertThat(publishing.get().get(1), equalTo(new TableChange("shelf", 1, 0, 1, 0, 0)));
      assertThat(query(url, SHELVES), contains("1|cellar"));
    }
  }

  @Test
  void aSharedTableKeepsTheRowsOfOtherPipelines() throws Exception {
    Contract note = contract("Note", "note", "", int_("id"), "{'name':'pipeline','type':'string'}");
    List<Contract> notes = List.of(note);
    publish(TestPostgres.run("a1"), notes, note, row(note, 1, "sales"), row(note, 2, "sales"));
    Run other = new Run("b1", "orders", "1", Instant.EPOCH);

    List<TableChange> changes = publish(other, notes, note, row(note, 3, "orders"));
    publish(TestPostgres.run("a2"), notes, note, row(note, 2, "sales"));

    assertThat(changes, contains(new TableChange("note", 1, 1, 0, 0, 0)));
    assertThat(query(url, "SELECT * FROM note ORDER BY id"), contains("2|sales", "3|orders"));
  }

  @Test
  void aTableOfKeysOnlyIsMerged() throws Exception {
    Contract pair = contract("Tag", "tag", "", int_("id"));
    publish(TestPostgres.run("k1"), List.of(pair), pair, row(pair, 1), row(pair, 2));

    List<TableChange> changes =
        publish(TestPostgres.run("k2"), List.of(pair), pair, row(pair, 2), row(pair, 3));

    assertThat(changes, contains(new TableChange("tag", 2, 1, 0, 1, 0)));
  }

  @Test
  void everyTypeArrivesExactly() throws Exception {
    Contract all =
        contract(
            "All",
            "all_types",
            "",
            int_("id"),
            "{'name':'b','type':['null','boolean']}",
            "{'name':'l','type':['null','long']}",
            "{'name':'d','type':['null','double']}",
            "{'name':'n','type':['null',{'type':'bytes','logicalType':'decimal','precision':20,'scale':4}]}",
            "{'name':'s','type':['null','string']}",
            "{'name':'raw','type':['null','bytes']}",
            "{'name':'day','type':['null',{'type':'int','logicalType':'date'}]}",
            "{'name':'at','type':['null',{'type':'long','logicalType':'timestamp-millis'}]}");
    List<Contract> contracts = List.of(all);

    publish(
        TestPostgres.run("t1"),
        contracts,
        all,
        row(
            all,
            1,
            true,
            Long.MIN_VALUE,
            0.1,
            new BigDecimal("9999999999999999.9999"),
            "caf\u00e9 \uD83D\uDE00 '\"\\",
            ByteBuffer.wrap("\0\u00ff".getBytes(StandardCharsets.ISO_8859_1)),
            LocalDate.of(1997, 1, 1),
            Instant.parse("1969-12-31T23:59:59.999Z")),
        row(all, 2, null, null, null, null, null, null, null, null),
        row(
            all,
            3,
            false,
            0L,
            -0.0,
            new BigDecimal("-0.0001"),
            "nul \0",
            ByteBuffer.allocate(0),
            LocalDate.of(9999, 12, 31),
            Instant.EPOCH));

    assertThat(
        query(
            url,
            "SELECT id, b, l, d, n, s, encode(raw, 'hex'), day, at AT TIME ZONE 'UTC' FROM all_types ORDER BY id"),
        contains(
            "1|t|-9223372036854775808|0.1|9999999999999999.9999|caf\u00e9 \uD83D\uDE00 '\"\\|00ff|1997-01-01|1969-12-31 23:59:59.999",
            "2|null|null|null|null|null|null|null|null",
            "3|f|0|-0|-0.0001|nul \uFFFD||9999-12-31|1970-01-01 00:00:00"));
  }

  @Test
  void anErrorOfTheDatabaseHoldsNoValueOfARecord() throws Exception {
    Run run = TestPostgres.run("secretive");
    try (PreparedWarehouse prepared = warehouse(run, BOTH).prepare()) {
      SQLException refused =
          assertThrows(
              SQLException.class,
              () -> stage(config, run, ITEM, item(1, 1, "1"), item(4711, 1, "123456789012345")));

      StringWriter everything = new StringWriter();
      refused.printStackTrace(new PrintWriter(everything));
      assertThat(
          everything.toString(),
          allOf(not(containsString("4711")), not(containsString("123456789"))));
      assertThat(
          WarehouseErrors.explain(refused, config).getMessage(),
          containsString("a value does not fit its column"));
    }
  }

  @Test
  void tablesThatReferInACircleOrToNobodyAreRefused() {
    Contract a = contract("A", "a", "'foreignKeys':{'b':'b'},", int_("id"), int_("b"));
    Contract b = contract("B", "b", "'foreignKeys':{'a':'a'},", int_("id"), int_("a"));

    assertThrows(IllegalArgumentException.class, () -> TableSql.parentsFirst(List.of(a, b)));
    assertThrows(IllegalArgumentException.class, () -> TableSql.parentsFirst(List.of(ITEM)));
    assertThrows(
        IllegalArgumentException.class, () -> TableSql.parentsFirst(List.of(SHELF, SHELF)));
    assertThat(TableSql.parentsFirst(BOTH), contains(SHELF, ITEM));
  }

  private List<TableChange> publish(List<IndexedRecord> shelves, List<IndexedRecord> items)
      throws Exception {
    Run run = TestPostgres.run("run" + ++runs);
    try (PreparedWarehouse prepared = warehouse(run, BOTH).prepare()) {
      stage(config, run, SHELF, new ArrayList<>(shelves));
      stage(config, run, ITEM, new ArrayList<>(items));
      return TestTables.publish(config, run, BOTH);
    }
  }

  private List<TableChange> publish(
      Run run, List<Contract> contracts, Contract contract, IndexedRecord... rows)
      throws Exception {
    try (PreparedWarehouse prepared = warehouse(run, contracts).prepare()) {
      stage(config, run, contract, rows);
      return TestTables.publish(config, run, contracts);
    }
  }

  private List<TableChange> publishUnchecked(Run run) {
    try {
      return TestTables.publish(config, run, BOTH);
    } catch (InterruptedException interrupted) {
      throw new IllegalStateException(interrupted);
    }
  }

  private Warehouse warehouse(Run run, List<Contract> contracts) {
    return Warehouse.at(config).forRun(run).withTables(contracts);
  }
}

package dev.millrace.pipelines.io.warehouse;

import static dev.millrace.pipelines.io.warehouse.TestPostgres.query;
import static dev.millrace.pipelines.io.warehouse.TestPostgres.run;
import static dev.millrace.pipelines.io.warehouse.TestTables.at;
import static dev.millrace.pipelines.io.warehouse.TestTables.visit;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.sameInstance;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.contract.Contract;
import dev.millrace.pipelines.UserError;
import dev.millrace.schemas.system.FieldProfile;
import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.schemas.web.Events5m;
import dev.millrace.schemas.web.ShopSession;
import dev.millrace.transforms.RecordCoder;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import javax.sql.DataSource;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.windowing.GlobalWindow;
import org.apache.beam.sdk.transforms.windowing.PaneInfo;
import org.apache.beam.sdk.values.WindowedValue;
import org.apache.beam.sdk.values.WindowedValues;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a row of a live run replaces, and what it does not, in a real PostgreSQL. */
class UpsertTableTest {

  private static final String SESSIONS =
      "SELECT user_id, to_char(session_start AT TIME ZONE 'UTC', 'HH24:MI'),"
          + " to_char(session_end AT TIME ZONE 'UTC', 'HH24:MI'), events FROM shop_session"
          + " ORDER BY user_id COLLATE \"C\", session_start";
  private static final String EVENTS = "SELECT action, events FROM events_5m ORDER BY 1";

  private static final List<Contract> TABLES =
      List.of(Contract.of(Events5m.class), Contract.of(ShopSession.class));

  private final String url = TestPostgres.newDatabase();
  private final WarehouseConfig config = WarehouseConfig.of(url);

  @Test
  void aLaterPaneReplacesAnEarlierOneAndNotTheOtherWayRound() {
    // When
    try (PreparedWarehouse live = live("r1")) {
      write(live, Events5m.class, List.of(pane(view(5), 2)));
      write(live, Events5m.class, List.of(pane(view(3), 1), pane(view(3), 1)));
      write(live, Events5m.class, List.of(pane(view(6), 3)));
    }

    // Then
    assertThat(query(url, EVENTS), contains("view|6"));
  }

  @Test
  void whatARunStatesAgainFromItsCheckpointInFewerPanesIsTakenUp() {
    // Given: seven panes, and then a failure
    try (PreparedWarehouse live = live("r1")) {
      write(live, Events5m.class, List.of(pane(view(5), 7)));

      // When: from its checkpoint on, in fewer panes than before
      write(live, Events5m.class, List.of(pane(view(4), 1)));
      assertThat(query(url, EVENTS), contains("view|5"));
      write(live, Events5m.class, List.of(pane(view(6), 2)));
    }

    // Then
    assertThat(query(url, EVENTS), contains("view|6"));
  }

  @Test
  void aLaterRunBeginsAnewAndAFormerOneThatStillLivesChangesNothing() {
    // Given
    try (PreparedWarehouse former = live("r1");
        PreparedWarehouse later = live("r2")) {
      write(former, Events5m.class, List.of(pane(view(9), 7)));

      // When
      write(later, Events5m.class, List.of(pane(view(2), 0)));
      write(former, Events5m.class, List.of(pane(view(10), 8)));
    }

    // Then
    assertThat(query(url, EVENTS), contains("view|2"));
  }

  @Test
  void theRowOfABatchGivesWay() throws InterruptedException {
    // Given
    PreparedWarehouse batch = warehouse("b1").prepare();
    try (batch) {
      TestPostgres.run(
          url,
          "INSERT INTO millrace_stage_b1.events_5m VALUES ('2024-03-01 10:00Z',"
              + " '2024-03-01 10:05Z', 'view', 4, 0)");
      TestTables.publish(config, run("b1"), TABLES);
    }

    // When
    try (PreparedWarehouse live = live("r1")) {
      write(live, Events5m.class, List.of(pane(view(1), 0)));
    }

    // Then
    assertThat(query(url, EVENTS), contains("view|1"));
  }

  @Test
  void whileALiveRunWritesABatchOfItsPipelineIsRefused() {
    // Given
    PreparedWarehouse live = live("r1");
    try (live) {

      // When
      UserError refused = assertThrows(UserError.class, () -> warehouse("b1").prepare());

      // Then
      assertThat(refused.getMessage(), containsString("A live run of sales is writing"));
    }
    warehouse("b2").prepare().close();
  }

  @Test
  void aBatchThatWasPreparedBeforeALiveRunBeganTakesNothingOfItAway() {
    // Given
    try (PreparedWarehouse batch = warehouse("b1").prepare()) {
      assertThat(batch, notNullValue());
      try (PreparedWarehouse live = live("r1")) {
        write(live, Events5m.class, List.of(pane(view(5), 0)));

        // When
        UserError whileItWrites =
            assertThrows(UserError.class, () -> TestTables.publish(config, run("b1"), TABLES));

        // Then
        assertThat(whileItWrites.getMessage(), containsString("A live run of sales is writing"));
      }
      // When: its writers are away
      UserError whileItDoesNot =
          assertThrows(UserError.class, () -> TestTables.publish(config, run("b1"), TABLES));

      // Then
      assertThat(whileItDoesNot.getMessage(), containsString("has begun since this batch did"));
      assertThat(query(url, EVENTS), contains("view|5"));
    }
  }

  @Test
  void ofALedgerInWhichACopyChangesHandsTheLaterStatementStands() {
    // Given: a copy that is the earlier one was read of another partition
    List<Contract> ledger = List.of(Contract.of(LedgerEntry.class));
    try (PreparedWarehouse live =
        Warehouse.at(config).forRun(run("r1")).withTables(ledger).prepareLive()) {
      write(live, LedgerEntry.class, List.of(pane(entry(100, 99, 1), 2)));

      // When: a writer that was thought dead
      write(live, LedgerEntry.class, List.of(pane(entry(100, 100, 0), 1)));
    }

    // Then
    assertThat(query(url, "SELECT read, written, duplicate FROM ledger"), contains("100|99|1"));
  }

  private static LedgerEntry entry(long read, long written, long duplicate) {
    return new LedgerEntry("sales", "Dedup", "sales-0", read, written, 0L, 0L, duplicate, 0L);
  }

  @Test
  void aRunLivesAsLongAsItHasAWriterWhereverWhoStartedItHasGone() throws SQLException {
    // Given
    PreparedWarehouse live = live("r1");
    DataSource first = LiveConnections.acquire(config, "sales");
    assertThat(LiveConnections.acquire(config, "sales"), sameInstance(first));
    first.getConnection().close();
    live.close();
    LiveConnections.release(config, "sales");

    // When
    UserError refused = assertThrows(UserError.class, () -> warehouse("b1").prepare());
    LiveConnections.release(config, "sales");

    // Then
    assertThat(refused.getMessage(), containsString("A live run of sales is writing"));
    // Waits until the server has noticed that they are gone.
    query(url, "SELECT pg_advisory_xact_lock(" + Locks.LIVE + ", hashtext('sales'))::text");
    warehouse("b2").prepare().close();
  }

  @Test
  void bothSidesGiveUpAConnectionThatSaysNothing() throws SQLException {
    // Given
    DataSource live = LiveConnections.acquire(config, "sales");

    // When
    try (Connection connection = live.getConnection()) {

      // Then
      assertThat(connection.getNetworkTimeout(), equalTo(20_000));
      assertThat(
          new Sql(connection)
              .rows(
                  "SELECT current_setting('idle_in_transaction_session_timeout') || ' ' ||"
                      + " current_setting('idle_session_timeout')",
                  row -> row.getString(1)),
          contains("15s 2min"));
    } finally {
      LiveConnections.release(config, "sales");
    }
  }

  @Test
  void aPoolOfABatchIsThereWhileItIsUsed() throws SQLException {
    // Given
    WarehouseConnections.Pool pool = new WarehouseConnections(config).pool();
    try (Connection used = pool.getConnection()) {
      assertThat(pool.isClosed(Duration.ZERO), is(false));
      assertThat(used.isValid(1), is(true));
    }
    assertThat(pool.isClosed(Duration.ofHours(1)), is(false));

    // When
    assertThat(pool.isClosed(Duration.ZERO), is(true));

    // Then
    try (Connection again = pool.getConnection()) {
      assertThat(again.isValid(1), is(true));
    }
  }

  @Test
  void rowsThatDoNotTellWhichIsTheLaterAreRefused() {
    // Given
    try (PreparedWarehouse live = live("r1")) {

      // When
      IllegalArgumentException refused =
          assertThrows(IllegalArgumentException.class, () -> live.upsert(FieldProfile.class));

      // Then
      assertThat(refused.getMessage(), containsString("declare \"grows\""));
    }
  }

  @Test
  void howLongAWriterWaitsForAnAnswerCanBeSaidInTheUrl() throws SQLException {
    // Given
    WarehouseConfig patient =
        WarehouseConfig.of(url + (url.contains("?") ? "&" : "?") + "socketTimeout=90");
    DataSource live = LiveConnections.acquire(patient, "sales");

    // When
    try (Connection connection = live.getConnection()) {

      // Then
      assertThat(connection.getNetworkTimeout(), equalTo(90_000));
    } finally {
      LiveConnections.release(patient, "sales");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"08006", "25P03", "40P01", "53300", "57P01", "57P02", "57P05"})
  void whatALaterAttemptCanGetOverIsTriedAgain(String state) {
    assertThat(WarehouseErrors.isTransient(new SQLException("", state)), equalTo(true));
  }

  @Test
  void aPoolThatHasNoConnectionYetIsTriedAgain() {
    // As it says so while a server takes connections and does not answer: without a state.
    assertThat(
        WarehouseErrors.isTransient(new SQLTransientConnectionException("timed out")),
        equalTo(true));
    assertThat(WarehouseErrors.isTransient(new SQLException("", "23505")), equalTo(false));
  }

  @Test
  void visitsThatBecameOneLeaveNoRowBehind() {
    // When
    try (PreparedWarehouse live = live("r1")) {
      write(live, ShopSession.class, List.of(pane(visit("ann", "10:00", "10:05", 2), 0)));
      write(
          live,
          ShopSession.class,
          List.of(
              pane(visit("ann", "10:40", "10:50", 3), 4),
              pane(visit("bob", "10:00", "10:01", 1), 0)));
      write(live, ShopSession.class, List.of(pane(visit("ann", "10:00", "10:50", 6), 0)));
    }

    // Then
    assertThat(query(url, SESSIONS), contains("ann|10:00|10:50|6", "bob|10:00|10:01|1"));
  }

  @Test
  void aVisitThatIsOvertakenByWhatItBecameIsNotWritten() {
    // When
    try (PreparedWarehouse live = live("r1")) {
      write(live, ShopSession.class, List.of(pane(visit("ann", "10:00", "10:50", 6), 0)));
      write(live, ShopSession.class, List.of(pane(visit("ann", "10:40", "10:50", 3), 4)));
    }

    // Then
    assertThat(query(url, SESSIONS), contains("ann|10:00|10:50|6"));
  }

  @Test
  void whateverTheOrderOfPanesTheLastVisitsStand() {
    // Given: everything that was ever said of ten users, in any order, some of it twice
    List<WindowedValue<ShopSession>> said = new ArrayList<>();
    List<String> wanted = new ArrayList<>();
    for (int user = 0; user < 10; user++) {
      String name = "user" + user;
      said.add(pane(visit(name, "10:00", "10:00", 1), 0));
      said.add(pane(visit(name, "10:00", "10:10", 2), 1));
      said.add(pane(visit(name, "10:35", "10:36", 2), 0));
      said.add(pane(visit(name, "09:50", "10:10", 3), 0));
      said.add(pane(visit(name, "09:50", "10:36", 6), 0));
      said.add(pane(visit(name, "11:30", "11:40", 2), 0));
      wanted.add(name + "|09:50|10:36|6");
      wanted.add(name + "|11:30|11:40|2");
    }
    said.addAll(said.subList(0, 20));
    Random random = new Random(7);
    Collections.shuffle(said, random);

    // When
    try (PreparedWarehouse live = live("r1")) {
      for (int from = 0; from < said.size(); ) {
        int to = Math.min(said.size(), from + 1 + random.nextInt(9));
        write(live, ShopSession.class, said.subList(from, to));
        from = to;
      }
    }

    // Then
    assertThat(query(url, SESSIONS), equalTo(wanted));
  }

  private Warehouse warehouse(String id) {
    return Warehouse.at(config).forRun(run(id)).withTables(TABLES);
  }

  private PreparedWarehouse live(String id) {
    return warehouse(id).prepareLive();
  }

  private static <T extends SpecificRecord> void write(
      PreparedWarehouse live, Class<T> type, List<WindowedValue<T>> rows) {
    Pipeline pipeline = Pipeline.create(PipelineOptionsFactory.create());
    pipeline
        .apply(
            Create.windowedValues(rows)
                .withCoder(RecordCoder.of(type))
                .withWindowCoder(GlobalWindow.Coder.INSTANCE))
        .apply("Write", live.upsert(type));
    pipeline.run().waitUntilFinish();
  }

  private static <T> WindowedValue<T> pane(T row, long index) {
    return WindowedValues.of(
        row,
        GlobalWindow.INSTANCE.maxTimestamp(),
        GlobalWindow.INSTANCE,
        PaneInfo.createPane(index == 0, false, PaneInfo.Timing.EARLY, index, -1));
  }

  private static Events5m view(long events) {
    return new Events5m(at("10:00"), at("10:05"), "view", events, new BigDecimal("0.0000"));
  }
}

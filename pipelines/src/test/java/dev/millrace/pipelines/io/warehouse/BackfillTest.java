package dev.millrace.pipelines.io.warehouse;

import static dev.millrace.pipelines.io.warehouse.TestPostgres.query;
import static dev.millrace.pipelines.io.warehouse.TestPostgres.run;
import static dev.millrace.pipelines.io.warehouse.TestTables.at;
import static dev.millrace.pipelines.io.warehouse.TestTables.visit;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.contains;

import dev.millrace.contract.Contract;
import dev.millrace.schemas.web.ShopSession;
import java.util.List;
import java.util.stream.Stream;
import org.apache.avro.generic.IndexedRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What the publication of a time changes of the visits in a real PostgreSQL. */
@SuppressWarnings("try") // a prepared warehouse is held, not used
class BackfillTest {

  private static final Contract VISIT = Contract.of(ShopSession.class);
  private static final TimeRange MORNING = new TimeRange(at("10:00"), at("12:00"));

  private final String url = TestPostgres.newDatabase();
  private final WarehouseConfig config = WarehouseConfig.of(url);

  @Test
  void aVisitThatGoesOnAfterTheEndStaysAsItIs() throws Exception {
    // Given: the live run knows the visit to its end
    publish("live", null, visit("ann", "11:55", "12:59", 9));

    // When: the archive ends in the midst of it
    publish("fill", MORNING, visit("ann", "11:55", "12:40", 6));

    // Then
    assertThat(visits(), contains("ann|11:55|12:59|9"));
  }

  @Test
  void visitsThatEndBeforeItAreAsTheArchiveHasThem() throws Exception {
    // Given: of too many events; with another beginning; of nobody; and out of the time
    publish(
        "live",
        null,
        visit("ann", "10:00", "10:30", 900),
        visit("bob", "10:01", "11:59", 5),
        visit("cid", "11:00", "11:10", 2),
        visit("dan", "09:59", "10:10", 800),
        visit("eve", "11:59", "12:00", 700));

    // When
    publish(
        "fill",
        MORNING,
        visit("ann", "10:00", "10:30", 3),
        visit("bob", "10:00", "11:59", 6),
        visit("dan", "09:59", "10:10", 8),
        visit("eve", "11:59", "12:00", 7));

    // Then
    assertThat(
        visits(),
        contains(
            "ann|10:00|10:30|3",
            "bob|10:00|11:59|6",
            "dan|09:59|10:10|800",
            "eve|11:59|12:00|700"));
  }

  private List<String> visits() {
    return query(
        url,
        "SELECT user_id, to_char(session_start AT TIME ZONE 'UTC', 'HH24:MI'),"
            + " to_char(session_end AT TIME ZONE 'UTC', 'HH24:MI'), events FROM shop_session"
            + " ORDER BY user_id COLLATE \"C\", session_start");
  }

  /** As a job does: what is of the time is staged, and then published. */
  private void publish(String id, @Nullable TimeRange within, ShopSession... rows)
      throws Exception {
    Run run = run(id);
    List<Contract> tables = List.of(VISIT);
    try (PreparedWarehouse prepared =
        Warehouse.at(config).forRun(run).withTables(tables).prepareBackfill()) {
      TestTables.stage(
          config,
          run,
          VISIT,
          Stream.of(rows)
              .filter(row -> within == null || within.holds(VISIT, row))
              .map(row -> (IndexedRecord) row)
              .toList());
      new Publication(config, run, tables, within).publish(new WarehouseConnections(config).pool());
    }
  }
}

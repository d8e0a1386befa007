package dev.millrace.pipelines.io.warehouse;

import static dev.millrace.pipelines.io.warehouse.TestPostgres.query;
import static dev.millrace.pipelines.io.warehouse.TestPostgres.run;
import static dev.millrace.pipelines.io.warehouse.TestTables.BOTH;
import static dev.millrace.pipelines.io.warehouse.TestTables.contract;
import static dev.millrace.pipelines.io.warehouse.TestTables.int_;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.contract.Contract;
import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("try") // a prepared warehouse is held, not used
class PreparationTest {

  private static final String STAGING =
      "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'millrace%' ORDER BY 1";

  private final String url = TestPostgres.newDatabase();
  private final Warehouse warehouse = warehouse(url);

  @TempDir Path directory;

  @Test
  void tablesAndTheStagingSchemaOfTheRunAreMade() {
    try (PreparedWarehouse prepared = warehouse.prepare()) {
      assertThat(query(url, STAGING), contains("millrace_stage_r1"));
      assertThat(
          query(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"),
          contains("item", "live_run", "run", "run_change", "shelf"));
    }
    assertThat(query(url, STAGING), empty());
  }

  @Test
  void whatWasPublishedIsReadThoughTheServerHasRestartedMeanwhile() throws Exception {
    // Given
    try (PreparedWarehouse prepared = warehouse.prepare()) {
      run(
          url,
          "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
              + " WHERE datname = current_database() AND pid <> pg_backend_pid()");

      // When
      try (Connection reads = prepared.connect();
          Statement statement = reads.createStatement()) {
        // Then
        assertThat(statement.execute("SELECT * FROM run_change"), is(true));
      }
    }
  }

  @Test
  void preparingAgainChangesNothing() {
    warehouse.prepare().close();
    String columns =
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
            + " WHERE table_schema = 'public' ORDER BY 1, ordinal_position";
    List<String> before = query(url, columns);

    warehouse.prepare().close();

    assertThat(query(url, columns), org.hamcrest.Matchers.equalTo(before));
  }

  @Test
  void theStagingSchemaOfADeadRunIsDroppedAndThatOfALivingRunStays() {
    PreparedWarehouse dying = warehouse.forRun(TestPostgres.run("dying")).prepare();
    try (PreparedWarehouse living = warehouse.forRun(TestPostgres.run("living")).prepare()) {
      // Whoever started the run is killed: its connection breaks.
      run(
          url,
          "SELECT pg_terminate_backend(l.pid, 10000) FROM pg_locks l WHERE l.locktype = 'advisory' AND"
              + " l.objid = (hashtext('millrace_stage_dying')::bigint & 4294967295)::oid");

      try (PreparedWarehouse next = warehouse.prepare()) {
        assertThat(query(url, STAGING), contains("millrace_stage_living", "millrace_stage_r1"));
      }
    }
    dying.close();
  }

  @Test
  void aRunIdThatIsInUseIsRefused() {
    try (PreparedWarehouse first = warehouse.prepare()) {
      UserError refused = assertThrows(UserError.class, warehouse::prepare);

      assertThat(refused.getMessage(), containsString("Run r1 is already writing"));
    }
  }

  @Test
  void aNewOptionalColumnIsAddedAndARequiredOneMayBecomeOptional() {
    warehouse.prepare().close();
    Contract later =
        contract(
            "Shelf",
            "shelf",
            "",
            int_("shelf_id"),
            "{'name':'room','type':['null','string']}",
            "{'name':'height','type':['null',{'type':'bytes','logicalType':'decimal',"
                + "'precision':12,'scale':4}]}");
    run(url, "ALTER TABLE shelf ALTER room SET NOT NULL");

    warehouse.withTables(List.of(later)).prepare().close();

    assertThat(
        query(
            url,
            "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute WHERE"
                + " attrelid = 'shelf'::regclass AND attnum > 0 ORDER BY attnum"),
        contains("shelf_id|integer|t", "room|text|f", "height|numeric(12,4)|f"));
  }

  @Test
  void aTableThatTheContractCannotHaveMadeIsRefused() {
    List<String> others =
        List.of(
            "CREATE TABLE shelf (shelf_id int)",
            "CREATE TABLE shelf (shelf_id bigint PRIMARY KEY, room text)",
            "CREATE TABLE shelf (shelf_id int, room text, PRIMARY KEY (room))",
            "CREATE TABLE shelf (shelf_id int PRIMARY KEY, room text, warden text NOT NULL)");
    for (String other : others) {
      run(url, "DROP TABLE IF EXISTS shelf");
      run(url, other);

      UserError refused = assertThrows(UserError.class, warehouse::prepare, other);

      assertThat(
          refused.getMessage(),
          allOf(containsString("The table shelf"), containsString("Rename or drop the table")));
    }
    assertThat("a refused run leaves nothing", query(url, STAGING), empty());
  }

  @Test
  void namesThatMeanSomethingInSqlAreJustNames() {
    Contract contract =
        contract(
            "Table",
            "table",
            "'indexes':[['select']],",
            int_("order"),
            int_("select"),
            "{'name':'user','type':['null','string']}");

    warehouse.withTables(List.of(contract)).prepare().close();

    assertThat(
        query(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"),
        contains("live_run", "run", "run_change", "table"));
  }

  @Test
  void aRunIdCannotInjectStatements() {
    for (String id : List.of("x\"; DROP TABLE run; --", "R1", "", "x".repeat(41))) {
      assertThrows(IllegalArgumentException.class, () -> TestPostgres.run(id), id);
    }
  }

  @Test
  void aServerThatIsDownIsNamed() throws IOException {
    int nobody;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      nobody = socket.getLocalPort();
    }

    String message = failure("jdbc:postgresql://127.0.0.1:" + nobody + "/sales", null);

    assertThat(
        message,
        allOf(
            containsString("127.0.0.1:" + nobody + "/sales cannot be reached"),
            containsString("Check that PostgreSQL runs there")));
  }

  @Test
  void aMissingDatabaseIsNamed() {
    assertThat(
        failure(TestPostgres.url("nowhere", "postgres"), null),
        allOf(containsString("no such database"), containsString("/nowhere")));
  }

  @Test
  void aWrongOrMissingPasswordIsNamedWithoutShowingIt() throws IOException {
    Path wrong = Files.writeString(directory.resolve("wrong"), "close sesame");
    String guarded = TestPostgres.url(TestPostgres.GUARDED, "clerk");

    for (String message : List.of(failure(guarded, "file:" + wrong), failure(guarded, null))) {
      assertThat(
          message,
          allOf(
              containsString("refuses the password of user clerk"), not(containsString("sesame"))));
    }
  }

  @Test
  void aPasswordByReferenceOpensTheDoor() throws IOException {
    run(
        TestPostgres.url(TestPostgres.GUARDED, "postgres")
            .replace(TestPostgres.GUARDED, "postgres"),
        "ALTER DATABASE " + TestPostgres.GUARDED + " OWNER TO clerk");
    Path right = Files.writeString(directory.resolve("right"), "open sesame\n");
    WarehouseConfig config =
        WarehouseConfig.of(TestPostgres.url(TestPostgres.GUARDED, "clerk"), null, "file:" + right);

    Warehouse guarded = Warehouse.at(config).forRun(TestPostgres.run("r1")).withTables(BOTH);

    guarded.prepare().close();
  }

  @Test
  void aUserWithoutRightsIsToldWhatToGrant() {
    String message = failure(url.replace("user=postgres", "user=reader"), null);

    assertThat(message, allOf(containsString("user reader"), containsString("Grant CREATE")));
  }

  private static String failure(String url, @org.jspecify.annotations.Nullable String password) {
    Warehouse warehouse =
        Warehouse.at(WarehouseConfig.of(url, null, password))
            .forRun(TestPostgres.run("r1"))
            .withTables(BOTH);
    return String.valueOf(assertThrows(UserError.class, warehouse::prepare).getMessage());
  }

  private static Warehouse warehouse(String url) {
    return Warehouse.at(WarehouseConfig.of(url)).forRun(TestPostgres.run("r1")).withTables(BOTH);
  }
}

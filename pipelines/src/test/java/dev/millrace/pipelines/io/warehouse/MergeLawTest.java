package dev.millrace.pipelines.io.warehouse;

import static dev.millrace.pipelines.io.warehouse.TestPostgres.query;
import static dev.millrace.pipelines.io.warehouse.TestTables.SHELF;
import static dev.millrace.pipelines.io.warehouse.TestTables.shelf;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.equalTo;

import dev.millrace.contract.Contract;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.NotEmpty;
import net.jqwik.api.constraints.Size;
import org.apache.avro.generic.IndexedRecord;

/**
 * Whatever runs stated before, the table holds what the last run states, and the counts tell how.
 */
@SuppressWarnings("try") // a prepared warehouse is held, not used
class MergeLawTest {

  private static final List<Contract> CONTRACTS = List.of(SHELF);
  private static final String URL = TestPostgres.newDatabase();
  private static final AtomicInteger RUNS = new AtomicInteger();

  @Property(tries = 30)
  void theTableIsWhatTheLastRunStates(
      @ForAll @NotEmpty @Size(max = 4)
          List<
                  @Size(max = 6) Map<
                      @IntRange(min = 1, max = 6) Integer, @IntRange(min = 1, max = 2) Integer>>
              answers)
      throws Exception {
    WarehouseConfig config = WarehouseConfig.of(URL);
    Map<Integer, String> before = new TreeMap<>();
    for (String row : existing()) {
      before.put(Integer.valueOf(row.split("\\|", 2)[0]), row);
    }
    for (Map<Integer, Integer> answer : answers) {
      Run run = TestPostgres.run("run" + RUNS.incrementAndGet());
      Map<Integer, String> after = new TreeMap<>();
      answer.forEach((id, room) -> after.put(id, id + "|room " + room));
      List<IndexedRecord> rows =
          answer.entrySet().stream().map(e -> shelf(e.getKey(), "room " + e.getValue())).toList();

      List<TableChange> changes;
      try (PreparedWarehouse prepared =
          Warehouse.at(config).forRun(run).withTables(CONTRACTS).prepare()) {
        TestTables.stage(config, run, SHELF, rows);
        changes = TestTables.publish(config, run, CONTRACTS);
      }

      assertThat(existing(), equalTo(List.copyOf(after.values())));
      assertThat(changes, contains(expected(before, after)));
      before = after;
    }
  }

  private static TableChange expected(Map<Integer, String> before, Map<Integer, String> after) {
    long kept = after.keySet().stream().filter(before::containsKey).count();
    long same =
        after.entrySet().stream()
            .filter(e -> Objects.equals(before.get(e.getKey()), e.getValue()))
            .count();
    return new TableChange(
        "shelf", after.size(), after.size() - kept, kept - same, before.size() - kept, 0);
  }

  private static List<String> existing() {
    return query(URL, "SELECT to_regclass('shelf')").contains("null")
        ? List.of()
        : query(URL, "SELECT * FROM shelf ORDER BY shelf_id");
  }
}

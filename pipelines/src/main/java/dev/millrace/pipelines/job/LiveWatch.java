package dev.millrace.pipelines.job;

import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.UserError;
import dev.millrace.pipelines.io.TopicEnds;
import dev.millrace.pipelines.io.warehouse.PreparedWarehouse;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Watches a live run from outside: what its topics hold, as their brokers say, and what it has read
 * of that, as its ledger says.
 */
final class LiveWatch implements CatalogueEntry.Watch {

  private final List<Input> inputs;
  private final PreparedWarehouse warehouse;
  private final Watchdog watchdog;

  /**
   * A topic that is read.
   *
   * @param stage the first stage that counts its records
   */
  record Input(TopicEnds topic, String stage) {}

  LiveWatch(List<Input> inputs, PreparedWarehouse warehouse, Instant begin) {
    this.inputs = inputs;
    this.warehouse = warehouse;
    this.watchdog = new Watchdog(begin, Duration.ofSeconds(TopicEnds.IDLE_SECONDS));
  }

  @Override
  public Optional<CatalogueEntry.Notice> look(Instant now) {
    List<Watchdog.Seen> seen = new ArrayList<>();
    try {
      for (Input input : inputs) {
        Map<String, Long> read = warehouse.read(input.stage());
        for (TopicEnds.End end : input.topic().look()) {
          seen.add(
              new Watchdog.Seen(
                  input.topic().name(),
                  end.partition(),
                  end.offsets(),
                  read.getOrDefault(end.source(), 0L),
                  end.newest()));
        }
      }
    } catch (UserError refused) {
      return watchdog.blind(now, String.valueOf(refused.getMessage()));
    } catch (SQLException refused) {
      return watchdog.blind(
          now,
          "The warehouse does not answer (SQLSTATE "
              + refused.getSQLState()
              + "); nothing can be stated until it does.");
    }
    return watchdog.look(now, seen);
  }

  @Override
  public void close() {
    inputs.forEach(input -> input.topic().close());
  }
}

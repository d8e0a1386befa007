package dev.millrace.pipelines.io.warehouse;

import dev.millrace.contract.Contract;
import dev.millrace.pipelines.UserError;
import java.io.Serializable;
import java.time.Instant;
import java.util.Objects;
import org.apache.avro.specific.SpecificRecord;

/**
 * A time in event time: the rows of a table whose {@code eventTime} field lies in it; of a table of
 * {@code disjoint} intervals, which can grow beyond any time, those whose end does, too.
 *
 * @param from its start
 * @param to its end, which does not belong to it
 */
public record TimeRange(Instant from, Instant to) implements Serializable {

  /** A {@link UserError} if it is empty. */
  public TimeRange {
    if (!from.isBefore(to)) {
      throw new UserError(
          "--from is " + from + " and --to is " + to + "; give an end after the start.");
    }
  }

  /** Whether a row of a contract lies in it. */
  public boolean holds(Contract contract, SpecificRecord row) {
    Instant time =
        (Instant) Objects.requireNonNull(contract.eventTime().orElseThrow().field().valueIn(row));
    Instant end =
        contract
            .disjoint()
            .map(interval -> (Instant) Objects.requireNonNull(interval.to().valueIn(row)))
            .orElse(time);
    return !time.isBefore(from) && end.isBefore(to);
  }
}

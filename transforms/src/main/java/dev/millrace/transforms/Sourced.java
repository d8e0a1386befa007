package dev.millrace.transforms;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A typed record that still knows where it came from, so that a later stage can reject it with its
 * bytes and position, and break ties by its arrival.
 *
 * @param <T> type of the record
 * @param value the record
 * @param contractVersion version of the contract it came in
 * @param eventTimeMillis when the event happened, in milliseconds since the epoch; for a record
 *     without event time its arrival
 * @param origin where it came from; its arrival time is known here
 * @param payload the bytes it was read from (encrypted where the contract has private fields);
 *     nobody may change them
 */
@SuppressWarnings("ArrayRecordComponent") // equality is by content: see equals
public record Sourced<T>(
    T value, int contractVersion, long eventTimeMillis, Origin origin, byte[] payload) {

  /** The same origin with another value: for a stage that adds to the record. */
  public <U> Sourced<U> with(U other) {
    return new Sourced<>(other, contractVersion, eventTimeMillis, origin, payload);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Sourced<?> that
        && value.equals(that.value)
        && contractVersion == that.contractVersion
        && eventTimeMillis == that.eventTimeMillis
        && origin.equals(that.origin)
        && Arrays.equals(payload, that.payload);
  }

  @Override
  public int hashCode() {
    return 31 * value.hashCode() + origin.hashCode();
  }

  /** Names the origin only: values can be private. */
  @Override
  public String toString() {
    return "Sourced[" + origin + "]";
  }
}

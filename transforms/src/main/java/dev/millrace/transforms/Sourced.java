package dev.millrace.transforms;

/**
 * A typed record that still knows where it came from, so that a later stage can reject it with its
 * bytes and position, and break ties by its arrival.
 *
 * @param <T> type of the record
 * @param value the record
 * @param contractVersion version of the contract it came in
 * @param eventTimeMillis when the event happened, in milliseconds since the epoch; {@link
 *     Origin#NO_ARRIVAL} for a record without event time
 * @param origin where it came from; its arrival time is known here
 * @param payload the bytes it was read from, for a stage that refuses it
 */
public record Sourced<T>(
    T value, int contractVersion, long eventTimeMillis, Origin origin, Payload payload) {

  /** A record whose bytes may be kept as they are. */
  public Sourced(
      T value, int contractVersion, long eventTimeMillis, Origin origin, byte[] payload) {
    this(value, contractVersion, eventTimeMillis, origin, Payload.of(payload));
  }

  /** When the event happened; a record without event time ends the run. */
  public long requiredEventTimeMillis() {
    if (eventTimeMillis == Origin.NO_ARRIVAL) {
      throw new IllegalStateException(
          "a record of "
              + origin.source()
              + " has no event time, by which its window and its copies are found: name an eventTime in"
              + " its contract");
    }
    return eventTimeMillis;
  }

  /** The same origin with another value: for a stage that adds to the record. */
  public <U> Sourced<U> with(U other) {
    return new Sourced<>(other, contractVersion, eventTimeMillis, origin, payload);
  }

  /** The same without the bytes: for after the last stage that refuses records. */
  public Sourced<T> withoutPayload() {
    return new Sourced<>(value, contractVersion, eventTimeMillis, origin, Payload.none());
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

package dev.millrace.testing;

import dev.millrace.contract.Contract;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.Sourced;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Objects;
import org.apache.avro.specific.SpecificRecord;
import org.jspecify.annotations.Nullable;

/** Makes records as a source or a stage would. */
public final class Records {

  private Records() {}

  /** A raw record: {@code raw("{\"id\":1}").at("orders.json", 3)}. */
  public static Raw raw(String json) {
    return new Raw(json, Origin.NO_ARRIVAL);
  }

  /**
   * A refined record, with the event time its contract reads from it, arrived on time: {@code
   * sourced(sale).at("sales.json", 3)}.
   */
  public static <T extends SpecificRecord> Refined<T> sourced(T value) {
    Contract contract = Contract.of(value.getSchema());
    long eventTime =
        contract
            .eventTime()
            .map(time -> time.millis(Objects.requireNonNull(time.field().valueIn(value))))
            .orElse(0L);
    return new Refined<>(value, contract.version(), eventTime, null);
  }

  /** A raw record without a place. */
  public static final class Raw {
    private final String json;
    private final long arrivalMillis;

    private Raw(String json, long arrivalMillis) {
      this.json = json;
      this.arrivalMillis = arrivalMillis;
    }

    /** When the log received it, such as {@code 1997-01-02T00:00:00Z}. */
    public Raw arrived(String instant) {
      return new Raw(json, Instant.parse(instant).toEpochMilli());
    }

    /** The record at this place of a source. */
    public RawRecord at(String source, long position) {
      return new RawRecord(
          json.getBytes(StandardCharsets.UTF_8), new Origin(source, position, arrivalMillis));
    }
  }

  /**
   * A refined record without a place.
   *
   * @param <T> type of the value
   */
  public static final class Refined<T> {
    private final T value;
    private final int version;
    private final long eventMillis;
    private final @Nullable Long arrivalMillis;

    private Refined(T value, int version, long eventMillis, @Nullable Long arrivalMillis) {
      this.value = value;
      this.version = version;
      this.eventMillis = eventMillis;
      this.arrivalMillis = arrivalMillis;
    }

    /** Version of the contract it came in. */
    public Refined<T> inVersion(int contractVersion) {
      return new Refined<>(value, contractVersion, eventMillis, arrivalMillis);
    }

    /** When the event happened, such as {@code 1997-01-02T00:00:00Z}. */
    public Refined<T> happened(String instant) {
      return new Refined<>(value, version, Instant.parse(instant).toEpochMilli(), arrivalMillis);
    }

    /** When the log received it, such as {@code 1997-01-02T00:00:00Z}. */
    public Refined<T> arrived(String instant) {
      return new Refined<>(value, version, eventMillis, Instant.parse(instant).toEpochMilli());
    }

    /** The record at this place of a source; its payload is the value as JSON. */
    public Sourced<T> at(String source, long position) {
      long arrival = arrivalMillis == null ? eventMillis : arrivalMillis;
      return new Sourced<>(
          value,
          version,
          eventMillis,
          new Origin(source, position, arrival),
          value.toString().getBytes(StandardCharsets.UTF_8));
    }
  }
}

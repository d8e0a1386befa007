package dev.millrace.transforms;

import java.util.Comparator;

/**
 * Where a record came from.
 *
 * @param source logical name of the source, such as {@code sales_fact_1997.json} or {@code
 *     orders-3} (topic, partition)
 * @param position where in the source: byte offset of a text line, row number of an Avro or Parquet
 *     file, Kafka offset
 * @param arrivalMillis when the log received it, in milliseconds since the epoch, or {@link
 *     #NO_ARRIVAL}
 */
public record Origin(String source, long position, long arrivalMillis)
    implements Comparable<Origin> {

  /** The source does not say when the record arrived. */
  public static final long NO_ARRIVAL = Long.MIN_VALUE;

  private static final Comparator<Origin> ORDER =
      Comparator.comparingLong(Origin::arrivalMillis)
          .thenComparing(Origin::source)
          .thenComparingLong(Origin::position);

  /**
   * Order of arrival: by arrival time, then source, then position. Total, so it breaks every tie
   * the same way.
   */
  @Override
  public int compareTo(Origin other) {
    return ORDER.compare(this, other);
  }

  /** The same origin with a known arrival time. */
  public Origin arrivedAt(long millis) {
    return new Origin(source, position, millis);
  }
}

package dev.millrace.pipelines.generate;

import java.time.LocalDate;
import java.util.List;
import java.util.Locale;

/**
 * A sale about to be written. Values as whole numbers: ids as they are, amounts in ten-thousandths,
 * {@code sale_id} as the number in it, times in milliseconds since the epoch.
 */
final class Draft {

  /** The fields of a sale, in the order of its contract. */
  enum Field {
    PRODUCT_ID(0),
    TIME_ID(1),
    CUSTOMER_ID(2),
    PROMOTION_ID(3),
    STORE_ID(4),
    STORE_SALES(5),
    STORE_COST(6),
    UNIT_SALES(7),
    SALE_ID(8),
    UPDATED_AT(9),
    ARRIVED_AT(10);

    static final List<Field> ALL = List.of(values());
    static final List<Field> IDS = ALL.subList(0, 5);
    static final List<Field> AMOUNTS = ALL.subList(5, 8);
    static final List<Field> REQUIRED = ALL.subList(0, 8);
    static final List<Field> TIMES = ALL.subList(9, 11);

    private final int index;

    Field(int index) {
      this.index = index;
    }

    int index() {
      return index;
    }

    String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** The value of an optional field that is not there. */
  static final long ABSENT = Long.MIN_VALUE;

  static final long DAY_MILLIS = 86_400_000L;
  private static final long ORIGIN = LocalDate.of(1995, 12, 31).toEpochDay();

  private final long[] values = new long[Field.ALL.size()];

  long get(Field field) {
    return values[field.index];
  }

  void set(Field field, long value) {
    values[field.index] = value;
  }

  boolean isVersion2() {
    return get(Field.SALE_ID) != ABSENT;
  }

  /** Midnight of the day of the sale, UTC. */
  long eventMillis() {
    return (ORIGIN + get(Field.TIME_ID)) * DAY_MILLIS;
  }
}

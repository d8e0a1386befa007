package dev.millrace.pipelines.generate;

import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An event of the web shop about to be written. Values as JSON spells them. */
final class EventDraft {

  /** The fields of an event, in the order of its contract. */
  enum Field {
    EVENT_ID,
    USER_ID,
    SESSION_ID,
    ACTION,
    PRODUCT_ID,
    PRICE,
    QUANTITY,
    URL,
    REFERRER,
    USER_AGENT,
    EVENT_TIME,
    ARRIVED_AT;

    static final List<Field> ALL = List.of(values());
    static final List<Field> REQUIRED =
        List.of(EVENT_ID, USER_ID, SESSION_ID, ACTION, URL, EVENT_TIME);

    @SuppressWarnings("ImmutableEnumChecker") // nobody changes the bytes
    private final byte[] json = Line.utf8('"' + label() + "\":");

    String label() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** The name as JSON spells it, colon included. */
    byte[] json() {
      return json;
    }
  }

  private final Map<Field, byte[]> values = new EnumMap<>(Field.class);
  private long cents;
  private int quantity;
  private boolean purchase;

  void clear() {
    values.clear();
    cents = 0;
    quantity = 0;
    purchase = false;
  }

  byte @Nullable [] get(Field field) {
    return values.get(field);
  }

  void set(Field field, @Nullable String json) {
    if (json == null) {
      values.remove(field);
    } else {
      values.put(field, Line.utf8(json));
    }
  }

  void setText(Field field, @Nullable String text) {
    set(field, text == null ? null : '"' + text + '"');
  }

  void action(String action) {
    setText(Field.ACTION, action);
    purchase = action.equals("purchase");
  }

  /** The product, as many times as it was put into the cart; no quantity counts as one. */
  void product(int id, @Nullable Integer times) {
    cents = 99 + id * 37L % 2_400;
    quantity = times == null ? 1 : times;
    set(Field.PRODUCT_ID, Integer.toString(id));
    set(Field.PRICE, cents / 100 + "." + cents / 10 % 10 + cents % 10);
    set(Field.QUANTITY, times == null ? null : times.toString());
  }

  /** Revenue of the event, in ten-thousandths. */
  long revenue() {
    return purchase ? 100 * cents * quantity : 0;
  }

  /** Units sold by the event, in ten-thousandths. */
  long units() {
    return purchase ? 10_000L * quantity : 0;
  }
}

package dev.millrace.pipelines.generate;

import dev.millrace.pipelines.generate.EventDraft.Field;
import java.util.List;

/** How an event of the web shop can be wrong. */
final class EventSins {

  private static final List<Field> INTEGERS = List.of(Field.PRODUCT_ID, Field.QUANTITY);
  private static final List<Field> AMOUNTS = List.of(Field.PRICE);

  private static final Sins<EventLine, EventDraft, Field> OF =
      new Sins<>(
          EventLine::event,
          Field.ALL,
          Field.REQUIRED,
          List.of(Field.PRODUCT_ID, Field.PRICE, Field.QUANTITY),
          INTEGERS,
          AMOUNTS,
          List.of(Field.SESSION_ID, Field.URL),
          List.of(Field.EVENT_TIME, Field.ARRIVED_AT));

  static final List<Sin<EventLine, EventDraft>> MALFORMED = OF.malformed();

  static final List<Sin<EventLine, EventDraft>> RULE_BREAKS =
      OF.ruleBreaks(
          List.of(
              OF.breaking(INTEGERS, "0", "-1", "-2147483648"),
              OF.breaking(List.of(Field.QUANTITY), "10001", "2147483647"),
              OF.breaking(AMOUNTS, "-0.0001", "-1.5000", "-3", "-99999999.9999"),
              OF.breaking(List.of(Field.ACTION), "\"buy\"", "\"VIEW\"", "\" view\"", "\"\""),
              OF.breaking(List.of(Field.EVENT_ID, Field.SESSION_ID), text(41), text(400)),
              OF.breaking(List.of(Field.USER_ID), text(65)),
              OF.breaking(List.of(Field.URL, Field.REFERRER), text(2_049)),
              OF.breaking(List.of(Field.USER_AGENT), text(1_025))));

  private EventSins() {}

  private static String text(int length) {
    return '"' + "R".repeat(length) + '"';
  }
}

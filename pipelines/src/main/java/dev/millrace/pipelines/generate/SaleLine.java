package dev.millrace.pipelines.generate;

import dev.millrace.pipelines.generate.Draft.Field;
import org.jspecify.annotations.Nullable;

/** A line that is a sale. */
final class SaleLine extends Line {

  private static final byte[][] NAMES =
      Field.ALL.stream().map(f -> utf8('"' + f.label() + "\":")).toArray(byte[][]::new);
  private static final byte[] NULL = utf8("null");

  /** The sale as FoodMart's own files spell it. */
  Line sale(Draft draft) {
    return sale(draft, null, null);
  }

  /** The sale with one field's value replaced by a text, or the field left out. */
  Line sale(Draft draft, @Nullable Field other, byte @Nullable [] instead) {
    begin();
    add('{');
    for (Field field : Field.ALL) {
      if (field == other) {
        if (instead != null) {
          comma();
          add(NAMES[field.index()]);
          add(instead);
        }
      } else if (draft.get(field) != Draft.ABSENT) {
        comma();
        add(NAMES[field.index()]);
        value(field, draft.get(field), false);
      }
    }
    return add('}');
  }

  /**
   * The same sale, spelled otherwise: fields in another order, blanks, numbers without trailing
   * zeros or with an exponent, nulls where nothing is, a field no contract knows.
   */
  Line saleSpelledOtherwise(Draft draft, Randomness random) {
    begin();
    add('{').add(' ').add(UNKNOWN);
    int first = random.below(Field.ALL.size());
    boolean nulls = random.oneIn(2);
    for (int i = 0; i < Field.ALL.size(); i++) {
      Field field = Field.ALL.get((first + i) % Field.ALL.size());
      long value = draft.get(field);
      if (value != Draft.ABSENT || (nulls && draft.isVersion2())) {
        add(',').add('\t').add(NAMES[field.index()]).add(' ');
        value(field, value, true);
      }
    }
    return add(' ').add('}');
  }

  private void value(Field field, long value, boolean otherwise) {
    if (value == Draft.ABSENT) {
      add(NULL);
      return;
    }
    switch (field) {
      case PRODUCT_ID, TIME_ID, CUSTOMER_ID, PROMOTION_ID, STORE_ID -> add(value);
      case STORE_SALES, STORE_COST -> amount(value, otherwise ? 1 : 4);
      case UNIT_SALES -> {
        if (otherwise) {
          add(value).add('e').add('-').add('4');
        } else {
          amount(value, 4);
        }
      }
      case SALE_ID -> {
        add('"').add('R');
        digits(value, 12);
        add('"');
      }
      case UPDATED_AT, ARRIVED_AT -> instant(value);
    }
  }
}

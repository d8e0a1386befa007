package dev.millrace.pipelines.generate;

import dev.millrace.pipelines.generate.Draft.Field;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** One line of a file, built as bytes: a generator that builds strings is three times as slow. */
final class Line {

  private static final byte[][] NAMES =
      Field.ALL.stream().map(f -> utf8('"' + f.label() + "\":")).toArray(byte[][]::new);
  private static final byte[] NULL = utf8("null");
  private static final byte[] UNKNOWN =
      utf8("\"till\": {\"lane\": 3, \"note\": \"Z\u00fcrich \\u20ac \\\"\\\\\\n\\ud83d\\ude00\"}");

  private byte[] bytes = new byte[1 << 10];
  private int length;

  /** The sale as FoodMart's own files spell it. */
  Line sale(Draft draft) {
    return sale(draft, null, null);
  }

  /** The sale with one field's value replaced by a text, or the field left out. */
  Line sale(Draft draft, @Nullable Field other, byte @Nullable [] instead) {
    length = 0;
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
    length = 0;
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

  /** A line of its own. */
  Line text(byte[] text) {
    length = 0;
    return add(text);
  }

  /** Puts a text in place of the closing brace. */
  Line reopen(byte[] text) {
    length--;
    return add(text);
  }

  /** Cuts the line off after some of its bytes. */
  Line cut(Randomness random) {
    length = 1 + random.below(length - 1);
    if (bytes[length - 1] == '.') {
      length--; // A number that ends in its point could as well be called malformed.
    }
    return this;
  }

  Line add(char ascii) {
    room(1);
    bytes[length++] = (byte) ascii;
    return this;
  }

  Line add(byte[] text) {
    room(text.length);
    System.arraycopy(text, 0, bytes, length, text.length);
    length += text.length;
    return this;
  }

  Line add(long number) {
    if (number < 0) {
      add('-');
      number = -number;
    }
    int digits = 1;
    for (long rest = number; rest >= 10; rest /= 10) {
      digits++;
    }
    return digits(number, digits);
  }

  int length() {
    return length;
  }

  byte[] copy() {
    return Arrays.copyOf(bytes, length);
  }

  void writeTo(OutputStream out) throws IOException {
    out.write(bytes, 0, length);
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private void comma() {
    if (length > 1) {
      add(',');
    }
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

  /** An amount in ten-thousandths, with at least so many of its four decimals. */
  private void amount(long value, int decimals) {
    add(value / 10_000).add('.');
    digits(value % 10_000, 4);
    for (int i = 4; i > decimals && bytes[length - 1] == '0'; i--) {
      length--;
    }
  }

  private void instant(long millis) {
    LocalDate day = LocalDate.ofEpochDay(Math.floorDiv(millis, Draft.DAY_MILLIS));
    int time = (int) Math.floorMod(millis, Draft.DAY_MILLIS);
    add('"');
    digits(day.getYear(), 4).add('-');
    digits(day.getMonthValue(), 2).add('-');
    digits(day.getDayOfMonth(), 2).add('T');
    digits(time / 3_600_000, 2).add(':');
    digits(time / 60_000 % 60, 2).add(':');
    digits(time / 1_000 % 60, 2).add('.');
    digits(time % 1_000, 3).add('Z');
    add('"');
  }

  private Line digits(long number, int digits) {
    room(digits);
    for (int i = length + digits - 1; i >= length; i--) {
      bytes[i] = (byte) ('0' + number % 10);
      number /= 10;
    }
    length += digits;
    return this;
  }

  private void room(int more) {
    if (bytes.length - length < more) {
      bytes = Arrays.copyOf(bytes, Math.max(length + more, 2 * bytes.length));
    }
  }
}

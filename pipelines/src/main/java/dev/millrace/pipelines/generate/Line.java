package dev.millrace.pipelines.generate;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.Arrays;

/** One line of a file, built as bytes: a generator that builds strings is three times as slow. */
class Line {

  /** A member that no contract knows, as the whole of JSON may spell it. */
  static final byte[] UNKNOWN =
      utf8("\"till\": {\"lane\": 3, \"note\": \"Z\u00fcrich \\u20ac \\\"\\\\\\n\\ud83d\\ude00\"}");

  private byte[] bytes = new byte[1 << 10];
  private int length;

  /** Begins the line anew. */
  final void begin() {
    length = 0;
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

  final void comma() {
    if (length > 1) {
      add(',');
    }
  }

  /** An amount in ten-thousandths, with at least so many of its four decimals. */
  final void amount(long value, int decimals) {
    add(value / 10_000).add('.');
    digits(value % 10_000, 4);
    for (int i = 4; i > decimals && bytes[length - 1] == '0'; i--) {
      length--;
    }
  }

  final void instant(long millis) {
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

  final Line digits(long number, int digits) {
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

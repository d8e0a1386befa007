package dev.millrace.pipelines.generate;

import dev.millrace.contract.Reason;
import dev.millrace.pipelines.generate.Draft.Field;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * One way in which a record can be wrong. A record gets one at most, and nothing in it leaves open
 * by which reason it must be refused.
 *
 * @param reason the reason a pipeline must give
 * @param needsVersion2 whether it sits in a field that only version 2 has
 * @param atMost how often it may stand in one set, for records of great size
 * @param writer writes the wrong record in place of a good one
 */
record Sin(Reason reason, boolean needsVersion2, int atMost, Writer writer) {

  /** Writes a wrong record. */
  @FunctionalInterface
  interface Writer {
    void write(Line line, Draft draft, Randomness random);
  }

  /** Sins of {@link Share#MALFORMED}. */
  static final List<Sin> MALFORMED =
      List.of(
          sin(Reason.TRUNCATED, (line, draft, random) -> line.sale(draft).cut(random)),
          inField(Reason.INVALID_ENCODING, List.of(Field.SALE_ID), notUtf8("%s")),
          atEnd(Reason.INVALID_ENCODING, notUtf8(",\"note\":%s}")),
          inField(
              Reason.MALFORMED,
              Field.REQUIRED,
              texts("NaN", "+1", "007", "1x", ".5", "5.", "1,5", "undefined", "", "1 2")),
          atEnd(
              Reason.MALFORMED,
              texts(
                  ",}",
                  "]",
                  "}}",
                  "} and more",
                  ",note:1}",
                  ",'note':1}",
                  ",\"note\" 1}",
                  " \"note\":1}",
                  ",\"note\":\"tab\tinside\"}",
                  ",\"note\":\"\\x\"}",
                  "/* done */}")),
          sin(
              Reason.DUPLICATE_FIELD,
              (line, draft, random) -> {
                Field field = random.pick(Field.REQUIRED);
                line.sale(draft).reopen(Line.utf8(",\"" + field.label() + "\":")).add('7').add('}');
              }),
          inField(
              Reason.TYPE_MISMATCH,
              Field.IDS,
              texts("\"12\"", "\"twelve\"", "3.5", "true", "{\"id\":12}", "[12]")),
          inField(
              Reason.TYPE_MISMATCH,
              Field.AMOUNTS,
              texts("\"much\"", "false", "{\"amount\":1.5}", "[1.5]")),
          inField(
              Reason.TYPE_MISMATCH,
              List.of(Field.SALE_ID),
              texts("17", "true", "{\"id\":\"R1\"}", "[\"R1\"]")),
          inField(
              Reason.NUMBER_OUT_OF_RANGE,
              Field.IDS,
              texts("2147483648", "-2147483649", "99999999999999999999")),
          inField(
              Reason.NUMBER_OUT_OF_RANGE,
              Field.AMOUNTS,
              texts("100000000.0000", "123456789012", "1.00001", "1e999999", "1e-999999")),
          inField(
              Reason.NUMBER_TOO_LONG,
              Field.AMOUNTS,
              texts("9".repeat(2_000), "0." + "3".repeat(2_000), "1".repeat(150) + ".5")),
          inField(
              Reason.STRING_TOO_LONG,
              20,
              List.of(Field.SALE_ID),
              texts('"' + "R".repeat(70_000) + '"')),
          atEnd(
              Reason.TOO_DEEP,
              texts(
                  ",\"note\":" + "[".repeat(200) + "]".repeat(200) + "}",
                  ",\"note\":" + "{\"in\":".repeat(200) + "1" + "}".repeat(200) + "}")),
          atEnd(
              Reason.TOO_MANY_FIELDS,
              texts(
                  IntStream.range(0, 300)
                      .mapToObj(i -> ",\"extra" + i + "\":" + i)
                      .collect(Collectors.joining("", "", "}")))),
          sin(
              Reason.TOO_LARGE,
              false,
              3,
              (line, draft, random) -> {
                // Short strings: the size of the record is the only limit it is beyond.
                line.sale(draft).reopen(Line.utf8(",\"note\":[\"\""));
                byte[] text = Line.utf8(",\"" + "x".repeat(1_000) + '"');
                while (line.length() <= 1 << 20) {
                  line.add(text);
                }
                line.add(']').add('}');
              }),
          whole(
              Reason.NOT_AN_OBJECT,
              texts("[]", "[1,2,3]", "[{\"product_id\":1}]", "\"sale\"", "42", "true", "null")));

  /** Sins of {@link Share#RULE_BREAKS}. */
  static final List<Sin> RULE_BREAKS =
      List.of(
          inField(
              Reason.RULE_VIOLATION,
              List.of(Field.PRODUCT_ID, Field.TIME_ID, Field.CUSTOMER_ID),
              texts("0", "-1", "-2147483648")),
          inField(
              Reason.RULE_VIOLATION,
              List.of(Field.PROMOTION_ID, Field.STORE_ID),
              texts("-1", "-2147483648")),
          inField(Reason.RULE_VIOLATION, List.of(Field.TIME_ID), texts("36525", "2147483647")),
          inField(
              Reason.RULE_VIOLATION,
              Field.AMOUNTS,
              texts("-0.0001", "-1.5000", "-3", "-99999999.9999")),
          inField(Reason.RULE_VIOLATION, List.of(Field.UNIT_SALES), texts("0.0000", "0")),
          inField(
              Reason.RULE_VIOLATION,
              List.of(Field.SALE_ID),
              texts('"' + "R".repeat(41) + '"', '"' + "R".repeat(400) + '"')),
          sin(
              Reason.MISSING_FIELD,
              (line, draft, random) -> line.sale(draft, random.pick(Field.REQUIRED), null)),
          inField(Reason.MISSING_FIELD, Field.REQUIRED, texts("null")),
          whole(Reason.MISSING_FIELD, texts("{}")),
          inField(
              Reason.TYPE_MISMATCH,
              Field.TIMES,
              texts(
                  "\"yesterday\"",
                  "\"\"",
                  "\"06/01/1997\"",
                  "\"1997-13-06T12:00:00.000Z\"",
                  "\"1997-02-30T12:00:00.000Z\"",
                  "\"1997-01-06T25:00:00.000Z\"")));

  private static Sin sin(Reason reason, Writer writer) {
    return sin(reason, false, Integer.MAX_VALUE, writer);
  }

  private static Sin sin(Reason reason, boolean needsVersion2, int atMost, Writer writer) {
    return new Sin(reason, needsVersion2, atMost, writer);
  }

  private static Sin inField(Reason reason, List<Field> fields, List<byte[]> values) {
    return inField(reason, Integer.MAX_VALUE, fields, values);
  }

  private static Sin inField(Reason reason, int atMost, List<Field> fields, List<byte[]> values) {
    return sin(
        reason,
        !Field.REQUIRED.containsAll(fields),
        atMost,
        (line, draft, random) -> line.sale(draft, random.pick(fields), random.pick(values)));
  }

  private static Sin atEnd(Reason reason, List<byte[]> texts) {
    return sin(reason, (line, draft, random) -> line.sale(draft).reopen(random.pick(texts)));
  }

  private static Sin whole(Reason reason, List<byte[]> texts) {
    return sin(reason, (line, draft, random) -> line.text(random.pick(texts)));
  }

  private static List<byte[]> texts(String... texts) {
    return Stream.of(texts).map(Line::utf8).toList();
  }

  /**
   * Strings no UTF-8 decoder may accept, each character here a byte: Latin-1 text, a byte that
   * occurs nowhere, a continuation without start, a slash in too many bytes, half a surrogate pair,
   * a sequence cut off.
   */
  private static List<byte[]> notUtf8(String format) {
    return Stream.of(
            "caf\u00e9", "\u00ff", "\u0080", "\u00c0\u00af", "\u00ed\u00a0\u0080", "\u00e2\u0082")
        .map(text -> format.formatted('"' + text + '"').getBytes(StandardCharsets.ISO_8859_1))
        .toList();
  }
}

package dev.millrace.pipelines.generate;

import dev.millrace.contract.Reason;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Makes the {@link Sin}s of a kind of record from the fields it has. The record that a sin is
 * written in place of has every field a sin of it can sit in.
 *
 * @param <L> type of the lines
 * @param <D> type of the good records
 * @param <F> type of the fields
 * @param spelling writes a record
 * @param ofVersion1 fields that every version has
 * @param required fields that must be there
 * @param numbers fields of numbers that are always there
 * @param integers fields of integers
 * @param amounts fields of decimals
 * @param strings fields of strings
 * @param times fields of timestamps
 */
record Sins<L extends Line, D, F extends Enum<F>>(
    Spelling<L, D, F> spelling,
    List<F> ofVersion1,
    List<F> required,
    List<F> numbers,
    List<F> integers,
    List<F> amounts,
    List<F> strings,
    List<F> times) {

  /** Writes a record to a line. */
  @FunctionalInterface
  interface Spelling<L extends Line, D, F> {
    /** The record with one field's value replaced by a text, or the field left out. */
    Line write(L line, D draft, @Nullable F other, byte @Nullable [] instead);
  }

  /** Sins of {@link Share#MALFORMED}. */
  List<Sin<L, D>> malformed() {
    return List.of(
        sin(Reason.TRUNCATED, (line, draft, random) -> whole(line, draft).cut(random)),
        inField(Reason.INVALID_ENCODING, strings, notUtf8("%s")),
        atEnd(Reason.INVALID_ENCODING, notUtf8(",\"note\":%s}")),
        inField(
            Reason.MALFORMED,
            required,
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
              F field = random.pick(numbers);
              whole(line, draft)
                  .reopen(Line.utf8(",\"" + field.name().toLowerCase(Locale.ROOT) + "\":"))
                  .add('7')
                  .add('}');
            }),
        inField(
            Reason.TYPE_MISMATCH,
            integers,
            texts("\"12\"", "\"twelve\"", "3.5", "true", "{\"id\":12}", "[12]")),
        inField(
            Reason.TYPE_MISMATCH, amounts, texts("\"much\"", "false", "{\"amount\":1.5}", "[1.5]")),
        inField(Reason.TYPE_MISMATCH, strings, texts("17", "true", "{\"id\":\"R1\"}", "[\"R1\"]")),
        inField(
            Reason.NUMBER_OUT_OF_RANGE,
            integers,
            texts("2147483648", "-2147483649", "99999999999999999999")),
        inField(
            Reason.NUMBER_OUT_OF_RANGE,
            amounts,
            texts("100000000.0000", "123456789012", "1.00001", "1e999999", "1e-999999")),
        inField(
            Reason.NUMBER_TOO_LONG,
            amounts,
            texts("9".repeat(2_000), "0." + "3".repeat(2_000), "1".repeat(150) + ".5")),
        inField(Reason.STRING_TOO_LONG, 20, strings, texts('"' + "R".repeat(70_000) + '"')),
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
              whole(line, draft).reopen(Line.utf8(",\"note\":[\"\""));
              byte[] text = Line.utf8(",\"" + "x".repeat(1_000) + '"');
              while (line.length() <= 1 << 20) {
                line.add(text);
              }
              line.add(']').add('}');
            }),
        whole(
            Reason.NOT_AN_OBJECT,
            texts("[]", "[1,2,3]", "[{\"product_id\":1}]", "\"sale\"", "42", "true", "null")));
  }

  /** Sins of {@link Share#RULE_BREAKS}: these, against rules of the contract, and those of all. */
  List<Sin<L, D>> ruleBreaks(List<Sin<L, D>> ofRules) {
    List<Sin<L, D>> all = new ArrayList<>(ofRules);
    all.add(
        sin(
            Reason.MISSING_FIELD,
            (line, draft, random) -> spelling.write(line, draft, random.pick(required), null)));
    all.add(inField(Reason.MISSING_FIELD, required, texts("null")));
    all.add(whole(Reason.MISSING_FIELD, texts("{}")));
    all.add(
        inField(
            Reason.TYPE_MISMATCH,
            times,
            texts(
                "\"yesterday\"",
                "\"\"",
                "\"06/01/1997\"",
                "\"1997-13-06T12:00:00.000Z\"",
                "\"1997-02-30T12:00:00.000Z\"",
                "\"1997-01-06T25:00:00.000Z\"")));
    return List.copyOf(all);
  }

  /** A rule that the texts break, each of them in each of the fields. */
  Sin<L, D> breaking(List<F> fields, String... values) {
    return inField(Reason.RULE_VIOLATION, fields, texts(values));
  }

  private Line whole(L line, D draft) {
    return spelling.write(line, draft, null, null);
  }

  private Sin<L, D> sin(Reason reason, Sin.Writer<L, D> writer) {
    return sin(reason, false, Integer.MAX_VALUE, writer);
  }

  private Sin<L, D> sin(Reason reason, boolean needsVersion2, int atMost, Sin.Writer<L, D> writer) {
    return new Sin<>(reason, needsVersion2, atMost, writer);
  }

  private Sin<L, D> inField(Reason reason, List<F> fields, List<byte[]> values) {
    return inField(reason, Integer.MAX_VALUE, fields, values);
  }

  private Sin<L, D> inField(Reason reason, int atMost, List<F> fields, List<byte[]> values) {
    return sin(
        reason,
        !ofVersion1.containsAll(fields),
        atMost,
        (line, draft, random) ->
            spelling.write(line, draft, random.pick(fields), random.pick(values)));
  }

  private Sin<L, D> atEnd(Reason reason, List<byte[]> values) {
    return sin(reason, (line, draft, random) -> whole(line, draft).reopen(random.pick(values)));
  }

  private Sin<L, D> whole(Reason reason, List<byte[]> values) {
    return sin(reason, (line, draft, random) -> line.text(random.pick(values)));
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

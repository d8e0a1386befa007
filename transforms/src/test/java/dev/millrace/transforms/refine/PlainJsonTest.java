package dev.millrace.transforms.refine;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.notNullValue;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.schemas.web.ShopEvent;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.apache.avro.Schema;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@link PlainJson} reads, {@link ContractReader}'s parser reads too, and as the same. */
class PlainJsonTest {

  private static final Schema SCHEMA =
      new Schema.Parser()
          .parse(
              """
              {"type": "record", "name": "Any", "version": 3, "fields": [
               {"name": "id", "type": "string"},
               {"name": "flag", "type": ["null", "boolean"], "default": null},
               {"name": "small", "type": ["null", "int"], "default": null},
               {"name": "count", "type": ["null", "long"], "default": null},
               {"name": "ratio", "type": ["null", "double"], "default": null},
               {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}], "default": null},
               {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}],
                "default": null},
               {"name": "image", "type": ["null", "bytes"], "default": null},
               {"name": "price", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 9,
                "scale": 4}], "default": null},
               {"name": "wide", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 30,
                "scale": 2}], "default": null},
               {"name": "note", "type": ["null", "string"], "default": null, "since": 3}]}
              """);

  /** Values as producers write them, and as they should not. */
  private static final Map<String, List<String>> VALUES =
      Map.ofEntries(
          Map.entry("id", List.of("\"S-1\"", "\"\"", "\"日本 é 😀\"", "null", "7")),
          Map.entry("flag", List.of("true", "false", "null", "tru", "truex", "True")),
          Map.entry(
              "small",
              List.of(
                  "0", "-0", "7", "2147483647", "2147483648", "-2147483648", "01", "1.0", "1e3")),
          Map.entry(
              "count",
              List.of(
                  "0", "999999999999999999", "9223372036854775807", "-9999999999999999999", "-")),
          Map.entry(
              "ratio",
              List.of(
                  "0",
                  "-0",
                  "0.0",
                  "-0.0",
                  "3",
                  "0.1",
                  "123.456",
                  "9007199254740993",
                  "900719925474099.3",
                  "0.00000000000000001",
                  "1e-3",
                  "-17.25",
                  "1.",
                  ".5")),
          Map.entry(
              "day",
              List.of(
                  "\"1997-01-31\"",
                  "\"1997-02-29\"",
                  "\"0000-01-01\"",
                  "\"1997-1-31\"",
                  "9892",
                  "\"+1997-01-01\"",
                  "\"1997/01/31\"")),
          Map.entry(
              "at",
              List.of(
                  "\"1997-01-31T12:00:00Z\"",
                  "\"1997-01-31T12:00:00.123Z\"",
                  "854712000000",
                  "\"1997-01-31T12:00:00+01:00\"",
                  "-1",
                  "999999999999999999",
                  "\"1997-01-31T12:00:00é\"")),
          Map.entry("image", List.of("\"AQI=\"", "\"AQI\"", "\"?\"", "\"\"")),
          Map.entry(
              "price",
              List.of(
                  "1",
                  "-0.5",
                  "99999.9999",
                  "100000",
                  "1.00001",
                  "-0",
                  "0.0000",
                  "1.50000",
                  "12345.6789")),
          Map.entry("wide", List.of("1", "999999999999999999", "12345678901234567890.5", "0.01")),
          Map.entry(
              "note",
              List.of("\"plain\"", "\"tab\\tor\\u00e9\"", "\"a\tb\"", "null", "\"\u007f\"", "[1]")),
          Map.entry(
              "unknown", List.of("\"x\"", "1.5", "null", "true", "{\"a\":[1]}", "-", "\"é\"")));

  private final Contract contract = Contract.of(SCHEMA);
  private final PlainJson<AnyRecord> plain =
      new PlainJson<>(contract, () -> new AnyRecord(SCHEMA), Limits.DEFAULT, Set.of());
  private final ContractReader<AnyRecord> any =
      new ContractReader<>(contract, () -> new AnyRecord(SCHEMA), Limits.DEFAULT);

  @Property(tries = 20_000)
  void whatItReadsIsReadAsTheSameByTheParser(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    byte[] bytes = damaged(text(random).getBytes(StandardCharsets.UTF_8), random);

    AnyRecord record = plain.read(bytes);

    if (record != null) {
      String text = new String(bytes, StandardCharsets.UTF_8);
      assertThat(text, any.readAnyJson(bytes), is(record));
      assertThat(text, any.version(), is(plain.version()));
    }
  }

  @Property(tries = 20_000)
  void whatNobodyReadsIsJudgedAsEver(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    byte[] bytes = damaged(event(random).getBytes(StandardCharsets.UTF_8), random);
    Contract events = Contract.of(ShopEvent.class);
    Validator rules = new Validator(events);
    Set<String> unread = Set.of("user_id", "session_id", "action", "url", "referrer", "quantity");
    ContractReader<ShopEvent> whole = new ContractReader<>(events, ShopEvent::new, Limits.DEFAULT);
    ContractReader<ShopEvent> part =
        new ContractReader<>(events, ShopEvent::new, Limits.DEFAULT, unread);

    ShopEvent expected = whole.read(bytes);
    ShopEvent found = part.read(bytes);

    String text = new String(bytes, StandardCharsets.UTF_8);
    assertThat(text, part.version(), is(whole.version()));
    if (expected == null || found == null) {
      assertThat(text, found, is(expected));
      assertThat(text, part.problem(), is(whole.problem()));
    } else {
      assertThat(text, rules.check(found), is(rules.check(expected)));
      for (FieldContract field : events.fields()) {
        if (!unread.contains(field.name())) {
          assertThat(text, field.valueIn(found), is(field.valueIn(expected)));
        }
      }
    }
  }

  /** An event whose texts are about as long as they may be. */
  private static String event(SplittableRandom random) {
    String letter = random.nextInt(4) == 0 ? "é" : "x";
    return "{\"event_id\":\"%s\",\"user_id\":\"%s\",\"session_id\":\"%s\",\"action\":\"%s\",\"quantity\":%d,\"url\":\"%s\",\"event_time\":1000}"
        .formatted(
            letter.repeat(38 + random.nextInt(4)),
            letter.repeat(62 + random.nextInt(4)),
            letter.repeat(38 + random.nextInt(4)),
            random.nextInt(3) == 0 ? "steal" : "view",
            random.nextInt(3),
            letter.repeat(random.nextInt(3)));
  }

  @Property(tries = 2_000)
  void limitsAreThoseOfTheParser(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Limits limits = new Limits(1 << 20, 1 + random.nextInt(3), 1 + random.nextInt(8), 6, 5);
    byte[] bytes = text(random).getBytes(StandardCharsets.UTF_8);

    AnyRecord record =
        new PlainJson<>(contract, () -> new AnyRecord(SCHEMA), limits, Set.of()).read(bytes);

    if (record != null) {
      assertThat(
          new ContractReader<>(contract, () -> new AnyRecord(SCHEMA), limits).readAnyJson(bytes),
          is(record));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"id\":\"S-1\"}",
        " { \"id\" : \"S-1\" , \"flag\" : true }\r\n",
        "{\"note\":\"é 日本 😀\",\"id\":\"a text of more than eight bytes, with é in it\"}",
        "{\"id\":\"x\",\"small\":-7,\"count\":999999999999999999,\"ratio\":0.1,\"day\":\"1997-01-31\"}",
        "{\"id\":\"x\",\"at\":\"1997-01-31T12:00:00.123Z\",\"image\":\"AQI=\",\"price\":12345.6789}",
        "{\"id\":\"x\",\"at\":854712000000,\"wide\":-1.5,\"flag\":null}",
        "{\"id\":\"x\",\"other\":\"text\",\"more\":1.5,\"less\":null,\"yes\":true,\"no\":false}"
      })
  void readsWhatProgramsWrite(String text) {
    assertThat(plain.read(text.getBytes(StandardCharsets.UTF_8)), is(notNullValue()));
  }

  /** An object of fields in some order, some of them twice, some with values that do not fit. */
  private static String text(SplittableRandom random) {
    List<String> names = new ArrayList<>(VALUES.keySet());
    Collections.sort(names);
    Collections.shuffle(names, new Random(random.nextLong()));
    boolean spaced = random.nextInt(4) == 0;
    StringBuilder text = new StringBuilder("{");
    for (String name : names.subList(0, random.nextInt(names.size() + 1))) {
      field(text, name, spaced, random);
    }
    if (!text.toString().contains("\"id\"")) {
      field(text, "id", spaced, random);
    }
    if (random.nextInt(20) == 0) {
      field(text, names.get(0), spaced, random);
    }
    return text.append('}').toString();
  }

  private static void field(
      StringBuilder text, String name, boolean spaced, SplittableRandom random) {
    List<String> values = VALUES.getOrDefault(name, List.of());
    // Mostly one of the first two, which fit: else few records would be whole.
    int which = random.nextInt(8) == 0 ? random.nextInt(values.size()) : random.nextInt(2);
    text.append(text.length() == 1 ? "" : spaced ? " ,\n" : ",")
        .append('"')
        .append(name)
        .append(spaced ? "\" :\t" : "\":")
        .append(values.get(which));
  }

  /** The bytes; in one of four cases cut off, or with one changed, taken out or put in. */
  private static byte[] damaged(byte[] bytes, SplittableRandom random) {
    int at = random.nextInt(bytes.length);
    String marks = "\"\\{}[]:,.-+eE0 \n\u0000\u001fx";
    byte other =
        random.nextBoolean()
            ? (byte) marks.charAt(random.nextInt(marks.length()))
            : (byte) random.nextInt(256);
    return switch (random.nextInt(16)) {
      case 0 -> Arrays.copyOf(bytes, at);
      case 1 -> spliced(bytes, at, at + 1, other);
      case 2 -> spliced(bytes, at, at + 1);
      case 3 -> spliced(bytes, at, at, other);
      default -> bytes;
    };
  }

  private static byte[] spliced(byte[] bytes, int from, int to, byte... others) {
    ByteBuffer spliced = ByteBuffer.allocate(bytes.length - (to - from) + others.length);
    return spliced.put(bytes, 0, from).put(others).put(bytes, to, bytes.length - to).array();
  }
}

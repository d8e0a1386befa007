package dev.millrace.pipelines.io;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.lessThan;
import static org.hamcrest.Matchers.sameInstance;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.Schema;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WireValuesTest {

  private static final Map<Integer, Schema> SCHEMAS =
      Map.of(
          1,
          schema(
              """
              {"type": "record", "name": "R", "fields": [
                {"name": "n", "type": "int"},
                {"name": "s", "type": ["null", "string"]},
                {"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
                {"name": "t", "type": {"type": "long", "logicalType": "timestamp-millis"}}]}
              """),
          2,
          schema(
              "{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"b\", \"type\": \"bytes\"}]}"),
          3,
          schema(
              """
              {"type": "record", "name": "R", "fields": [
                {"name": "next", "type": ["null", "R"]}]}
              """),
          4,
          schema(
              """
              {"type": "record", "name": "R", "fields": [
                {"name": "a", "type": {"type": "array", "items": "null"}},
                {"name": "m", "type": {"type": "map", "values": "R"}}]}
              """),
          5,
          schema("\"string\""),
          6,
          schema(
              """
              {"type": "record", "name": "R", "fields": [
                {"name": "f", "type": {"type": "fixed", "name": "F", "size": 2147483639}}]}
              """),
          7,
          schema(
              """
              {"type": "record", "name": "R", "fields": [
                {"name": "d", "type": {"type": "bytes", "logicalType": "decimal",
                  "precision": 2147483647, "scale": 2147483646}}]}
              """),
          8,
          schema(
              "{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"r\", \"type\": \"R\"}]}"));

  private final List<Integer> asked = new ArrayList<>();
  private final WireValues values =
      new WireValues(
          id -> {
            asked.add(id);
            return Optional.ofNullable(SCHEMAS.get(id));
          });

  @Test
  void aValueBecomesTheJsonThatRowsOfAvroFilesAre() {
    // Given: -3, "é", 12.34, 1 s
    byte[] value = hex("00 00000001  05  02 04 c3a9  04 04d2  d00f");

    // When
    byte[] json = values.json(value);

    // Then
    assertThat(
        new String(json, StandardCharsets.UTF_8),
        equalTo("{\"n\":-3,\"s\":\"é\",\"d\":12.34,\"t\":\"1970-01-01T00:00:01Z\"}"));
  }

  @Test
  void aSchemaIsAskedForOnceWhetherItIsThereOrNot() {
    // When
    for (int i = 0; i < 3; i++) {
      values.json(hex("00 00000002 00"));
      values.json(hex("00 00000009 00"));
    }

    // Then
    assertThat(asked, equalTo(List.of(2, 9)));
  }

  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          nothing,                          ''
          too short for an id,              '00 000000'
          another format,                   '01 00000002 00'
          JSON,                             '7b226e223a317d'
          a schema that is not there,       '00 00000009 00'
          an id beyond two billion,         '00 ffffffff 00'
          a schema of no record,            '00 00000005 02 61'
          no record after the id,           '00 00000001'
          one that ends too early,          '00 00000001 05 02 04 c3'
          one with more after it,           '00 00000002 00 00'
          a branch that the union has not,  '00 00000001 05 04 00 00 00'
          a branch below zero,              '00 00000001 05 01 00 00 00'
          a decimal without a digit,        '00 00000001 05 00 00 d00f'
          text that has no end,             '00 00000001 ffffffffffff'
          a length below zero,              '00 00000002 01'
          a length of two gigabytes,        '00 00000002 feffffff0f'
          a length of eight exabytes,       '00 00000002 feffffffffffffffff01'
          two billion elements of no byte,  '00 00000004 feffffff0f 00 00'
          elements beyond all counting,     '00 00000004 feffffffffffffffff01 00 00'
          elements in a block of its size,  '00 00000004 ffffffff0f 00 00 00'
          two billion entries,              '00 00000004 00 feffffff0f 00'
          a field of two gigabytes,         '00 00000006 00'
          a scale of two billion,           '00 00000007 02 01'
          a record that cannot be,          '00 00000008 00'
          """)
  void whatCannotBeDecodedStaysAsItIsAndTakesNoMemory(String what, String written) {
    // Given
    byte[] value = hex(written);
    long before = allocated();

    // When
    byte[] json = values.json(value);

    // Then
    assertThat(what, json, is(sameInstance(value)));
    assertThat(what, allocated() - before, lessThan(32L << 20));
  }

  @ParameterizedTest
  @ValueSource(ints = {100_000, 8_000_000})
  void aRecordNestedBeyondAllDepthStaysAsItIs(int depth) {
    // Given
    byte[] value = new byte[WireValues.HEADER + depth + 1];
    Arrays.fill(value, WireValues.HEADER, value.length - 1, (byte) 2);
    value[4] = 3;

    // When
    byte[] json = values.json(value);

    // Then
    assertThat(json, is(sameInstance(value)));
  }

  private static long allocated() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
  }

  private static byte[] hex(String digits) {
    return HexFormat.of().parseHex(digits.replace(" ", ""));
  }

  private static Schema schema(String json) {
    return new Schema.Parser().parse(json);
  }
}

package dev.millrace.transforms.refine;

import static dev.millrace.contract.Reason.*;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.contract.Reason;
import dev.millrace.schemas.retail.Customer;
import dev.millrace.schemas.retail.Sale;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ContractReaderTest {

  private static final String GOOD =
      "{\"product_id\":337,\"time_id\":371,\"customer_id\":6280,\"promotion_id\":0,\"store_id\":2,"
          + "\"store_sales\":1.5000,\"store_cost\":0.5100,\"unit_sales\":2.0000}";

  private final ContractReader<Sale> reader = reader(Limits.DEFAULT);

  @Test
  void readsEveryFieldExactly() {
    // When
    Sale sale = read(GOOD);

    // Then
    assertThat(sale.getProductId(), is(337));
    assertThat(sale.getStoreSales(), is(new BigDecimal("1.5000")));
    assertThat(sale.getStoreCost(), is(new BigDecimal("0.5100")));
    assertThat(sale.getSaleId(), is(nullValue()));
    assertThat(reader.version(), is(1));
  }

  @Test
  void theVersionIsThatOfTheNewestFieldTheRecordCarries() {
    // When
    Sale sale = read(with("\"sale_id\":\"S-1\",\"updated_at\":\"1997-01-05T10:00:00.123Z\""));

    // Then
    assertThat(sale.getSaleId(), is("S-1"));
    assertThat(sale.getUpdatedAt(), is(Instant.parse("1997-01-05T10:00:00.123Z")));
    assertThat(reader.version(), is(2));
  }

  @Test
  void fieldsTheContractDoesNotKnowAreSkipped() {
    assertThat(read(with("\"colour\":{\"a\":[1,2,{\"b\":null}]}")).getStoreId(), is(2));
  }

  static Stream<Arguments> decimals() {
    return Stream.of(
        Arguments.of("1", "1.0000"),
        Arguments.of("0", "0.0000"),
        Arguments.of("0e-999999", "0.0000"),
        Arguments.of("-0.5", "-0.5000"),
        Arguments.of("12345678.9", "12345678.9000"),
        Arguments.of("1.50000000", "1.5000"),
        Arguments.of("1.5e1", "15.0000"),
        Arguments.of("-0.0", "0.0000"),
        Arguments.of("0.00000000000000000000000000", "0.0000"),
        Arguments.of("1.50000000000000000000000000", "1.5000"),
        Arguments.of("-99999999.9999", "-99999999.9999"),
        Arguments.of("99999999.9999", "99999999.9999"));
  }

  @ParameterizedTest
  @MethodSource("decimals")
  void decimalsAreExact(String text, String expected) {
    assertThat(read(GOOD.replace("1.5000", text)).getStoreSales(), is(new BigDecimal(expected)));
  }

  static Stream<Arguments> sins() {
    return Stream.of(
        Arguments.of("", TRUNCATED, null),
        Arguments.of("   ", TRUNCATED, null),
        Arguments.of(GOOD.substring(0, 40), TRUNCATED, null),
        Arguments.of(GOOD.substring(0, GOOD.length() - 1), TRUNCATED, null),
        Arguments.of("{\"product_id\":3", TRUNCATED, null),
        Arguments.of("{\"product_id\":tru", TRUNCATED, null),
        Arguments.of("{\"product_id\":-", TRUNCATED, null),
        Arguments.of("{'product_id':3}", MALFORMED, null),
        Arguments.of("product_id=3", MALFORMED, null),
        Arguments.of(GOOD + GOOD, MALFORMED, null),
        Arguments.of(GOOD + "x", MALFORMED, null),
        Arguments.of(GOOD.replace("337", "NaN"), MALFORMED, null),
        Arguments.of(GOOD.replace("337", "0x10"), MALFORMED, null),
        Arguments.of(GOOD.replace("337", "007"), MALFORMED, null),
        Arguments.of(GOOD.replace("337", "1."), MALFORMED, null),
        Arguments.of(GOOD.replace("}", "]"), MALFORMED, null),
        Arguments.of(GOOD.replace("}", ",}"), MALFORMED, null),
        Arguments.of(GOOD.replace("}", " nu"), MALFORMED, null),
        Arguments.of(GOOD + " nu", MALFORMED, null),
        Arguments.of("[1,2]]", MALFORMED, null),
        Arguments.of("[1,2] []", MALFORMED, null),
        Arguments.of("[1,2", TRUNCATED, null),
        Arguments.of("[1,2]", NOT_AN_OBJECT, null),
        Arguments.of("\"text\"", NOT_AN_OBJECT, null),
        Arguments.of("null", NOT_AN_OBJECT, null),
        Arguments.of("12", NOT_AN_OBJECT, null),
        Arguments.of(with("\"product_id\":1"), DUPLICATE_FIELD, "product_id"),
        Arguments.of(GOOD.replace("337", "\"337\""), TYPE_MISMATCH, "product_id"),
        Arguments.of(GOOD.replace("337", "337.5"), TYPE_MISMATCH, "product_id"),
        Arguments.of(GOOD.replace("337", "{\"a\":1}"), TYPE_MISMATCH, "product_id"),
        Arguments.of(GOOD.replace("1.5000", "[1.5]"), TYPE_MISMATCH, "store_sales"),
        Arguments.of(GOOD.replace("1.5000", "true"), TYPE_MISMATCH, "store_sales"),
        Arguments.of(with("\"sale_id\":7"), TYPE_MISMATCH, "sale_id"),
        Arguments.of(with("\"updated_at\":\"yesterday\""), TYPE_MISMATCH, "updated_at"),
        Arguments.of(
            with("\"updated_at\":\"1997-01-05T10:00:00.1234567Z\""), TYPE_MISMATCH, "updated_at"),
        Arguments.of(with("\"sale_id\":\"a\\u0000b\""), TYPE_MISMATCH, "sale_id"),
        Arguments.of(with("\"sale_id\":\"a\\ud800\""), TYPE_MISMATCH, "sale_id"),
        Arguments.of(with("\"sale_id\":\"\\udc00\\ud800\""), TYPE_MISMATCH, "sale_id"),
        Arguments.of(with("\"updated_at\":1.5"), TYPE_MISMATCH, "updated_at"),
        Arguments.of(with("\"updated_at\":\"1997-01-05T10:00:00\""), TYPE_MISMATCH, "updated_at"),
        Arguments.of(with("\"updated_at\":9223372036854775807"), NUMBER_OUT_OF_RANGE, "updated_at"),
        Arguments.of(
            with("\"updated_at\":-9223372036854775808"), NUMBER_OUT_OF_RANGE, "updated_at"),
        Arguments.of(
            with("\"updated_at\":99999999999999999999"), NUMBER_OUT_OF_RANGE, "updated_at"),
        Arguments.of(GOOD.replace("1.5000", "1e99999999999"), NUMBER_OUT_OF_RANGE, "store_sales"),
        Arguments.of(GOOD.replace("1.5000", "1e-99999999999"), NUMBER_OUT_OF_RANGE, "store_sales"),
        Arguments.of(GOOD.replace("1.5000", "100000000"), NUMBER_OUT_OF_RANGE, "store_sales"),
        Arguments.of(GOOD.replace("337", "99999999999"), NUMBER_OUT_OF_RANGE, "product_id"),
        Arguments.of(GOOD.replace("1.5000", "123456789.0"), NUMBER_OUT_OF_RANGE, "store_sales"),
        Arguments.of(GOOD.replace("1.5000", "1.00001"), NUMBER_OUT_OF_RANGE, "store_sales"),
        Arguments.of(GOOD.replace("1.5000", "1e999999"), NUMBER_OUT_OF_RANGE, "store_sales"),
        Arguments.of(GOOD.replace("1.5000", "1e-999999"), NUMBER_OUT_OF_RANGE, "store_sales"),
        Arguments.of(GOOD.replace("1.5000", "9".repeat(2000)), NUMBER_TOO_LONG, null),
        Arguments.of(with("\"x\":" + "9".repeat(2000)), NUMBER_TOO_LONG, null),
        Arguments.of(with("\"x\":" + "[".repeat(200) + "]".repeat(200)), TOO_DEEP, null),
        Arguments.of(with("\"x\":\"" + "a".repeat(70_000) + "\""), STRING_TOO_LONG, null),
        Arguments.of(with("\"sale_id\":\"" + "a".repeat(70_000) + "\""), STRING_TOO_LONG, null),
        Arguments.of(with(fields(300)), TOO_MANY_FIELDS, null),
        Arguments.of(with("\"x\":{" + fields(300) + "}"), TOO_MANY_FIELDS, null),
        Arguments.of(with("\"x\":\"" + "a ".repeat(600_000) + "\""), TOO_LARGE, null),
        Arguments.of(GOOD.replace("\"store_id\":2,", ""), MISSING_FIELD, "store_id"),
        Arguments.of(
            GOOD.replace("\"store_id\":2,", "\"store_id\":null,"), MISSING_FIELD, "store_id"),
        Arguments.of(GOOD.replace("1.5000", "null"), MISSING_FIELD, "store_sales"));
  }

  @ParameterizedTest
  @MethodSource("sins")
  void refusesEachSinWithItsReason(String text, Reason reason, @Nullable String field) {
    // When
    Sale sale = reader.read(text.getBytes(StandardCharsets.UTF_8));

    // Then
    assertThat(sale, is(nullValue()));
    Problem problem = Objects.requireNonNull(reader.problem());
    assertThat(problem.detail(), problem.reason(), is(reason));
    assertThat(problem.field(), is(field));
  }

  @Test
  void everyBeginningOfARecordIsTruncated() {
    // Given
    String whole =
        " {\"x\":[1,true,{\"y\":false}],\"z\":null,\"u\":\"\\u20ac\\n\","
            + with("\"sale_id\":\"R1\",\"updated_at\":852076800000").substring(1);
    read(whole);

    for (int length = 0; length < whole.length(); length++) {
      // When
      reader.read(whole.substring(0, length).getBytes(StandardCharsets.UTF_8));

      // Then
      assertThat(
          whole.substring(0, length),
          Objects.requireNonNull(reader.problem()).reason(),
          is(TRUNCATED));
    }
  }

  static Stream<Arguments> bounds() {
    return Stream.of(
        Arguments.of("\"x\":" + "[".repeat(31) + "]".repeat(31), null),
        Arguments.of("\"x\":" + "[".repeat(32) + "]".repeat(32), TOO_DEEP),
        Arguments.of(fields(248), null),
        Arguments.of(fields(249), TOO_MANY_FIELDS),
        Arguments.of("\"x\":[{" + fields(100) + "},{" + fields(147) + "}]", null),
        Arguments.of("\"x\":[{" + fields(100) + "},{" + fields(148) + "}]", TOO_MANY_FIELDS),
        Arguments.of("\"x\":\"" + "a".repeat(65_536) + "\"", null),
        Arguments.of("\"x\":\"" + "a".repeat(65_537) + "\"", STRING_TOO_LONG),
        Arguments.of("\"x\":[\"" + "é".repeat(65_536) + "\"]", null),
        Arguments.of("\"x\":[\"" + "é".repeat(65_537) + "\"]", STRING_TOO_LONG),
        Arguments.of("\"sale_id\":\"" + "a".repeat(65_536) + "\"", null),
        Arguments.of("\"sale_id\":\"" + "a".repeat(65_537) + "\"", STRING_TOO_LONG),
        Arguments.of("\"" + "n".repeat(65_536) + "\":1", null),
        Arguments.of("\"" + "n".repeat(66_000) + "\":1", STRING_TOO_LONG),
        Arguments.of("\"x\":" + "9".repeat(100), null),
        Arguments.of("\"x\":" + "9".repeat(101), NUMBER_TOO_LONG),
        Arguments.of("\"x\":0." + "9".repeat(99), null),
        Arguments.of("\"x\":0." + "9".repeat(100), NUMBER_TOO_LONG));
  }

  @ParameterizedTest
  @MethodSource("bounds")
  void everyLimitHoldsToTheUnit(String more, @Nullable Reason reason) {
    // When
    reader.read(with(more).getBytes(StandardCharsets.UTF_8));

    // Then
    Problem problem = reader.problem();
    assertThat(problem == null ? null : problem.reason(), is(reason));
  }

  @Test
  void limitsHoldInWhatFollowsAProblem() {
    // Given
    String text = with("\"sale_id\":\"" + "a".repeat(70_000) + "\"").replace("337", "true");

    // When
    reader.read(text.getBytes(StandardCharsets.UTF_8));

    // Then
    assertThat(Objects.requireNonNull(reader.problem()).reason(), is(STRING_TOO_LONG));
  }

  @Test
  void otherLimitsCanBeSet() {
    // Given
    String text = with("\"x\":[[12345]],\"y\":\"abcdef\"");
    byte[] payload = text.getBytes(StandardCharsets.UTF_8);
    Limits[] limits = {
      Limits.DEFAULT.withMaxBytes(payload.length - 1),
      Limits.DEFAULT.withMaxDepth(2),
      Limits.DEFAULT.withMaxFields(9),
      Limits.DEFAULT.withMaxStringLength(5),
      Limits.DEFAULT.withMaxNumberLength(4)
    };
    Reason[] reasons = {TOO_LARGE, TOO_DEEP, TOO_MANY_FIELDS, STRING_TOO_LONG, NUMBER_TOO_LONG};

    for (int i = 0; i < limits.length; i++) {
      // When
      ContractReader<Sale> strict = reader(limits[i]);
      strict.read(payload);

      // Then
      assertThat(Objects.requireNonNull(strict.problem()).reason(), is(reasons[i]));
    }
  }

  @Test
  void textInOtherEncodingsIsNotGuessedAt() {
    for (Charset other :
        List.of(
            StandardCharsets.UTF_16LE,
            StandardCharsets.UTF_16BE,
            Charset.forName("UTF-32LE"),
            Charset.forName("UTF-32BE"))) {
      // When
      reader.read(GOOD.getBytes(other));

      // Then
      assertThat(Objects.requireNonNull(reader.problem()).reason(), is(MALFORMED));
    }
  }

  @Test
  void aByteOrderMarkIsNoFault() {
    assertThat(read("\uFEFF" + GOOD).getProductId(), is(337));
  }

  @Test
  void detailsSayWhere() {
    // When
    reader.read(GOOD.replace("337", "true").getBytes(StandardCharsets.UTF_8));

    // Then
    assertThat(
        Objects.requireNonNull(reader.problem()).detail(),
        is("product_id is true or false, not a whole number of 32 bits, at byte 14"));
  }

  static Stream<Arguments> values() {
    return Stream.of(
        Arguments.of("flag", "true", true),
        Arguments.of("flag", "1", TYPE_MISMATCH),
        Arguments.of("count", "9223372036854775807", Long.MAX_VALUE),
        Arguments.of("count", "9223372036854775808", NUMBER_OUT_OF_RANGE),
        Arguments.of("count", "2.0", TYPE_MISMATCH),
        Arguments.of("ratio", "0.25", 0.25),
        Arguments.of("ratio", "3", 3.0),
        Arguments.of("ratio", "1e999", NUMBER_OUT_OF_RANGE),
        Arguments.of("ratio", "\"0.25\"", TYPE_MISMATCH),
        Arguments.of("day", "\"1997-01-31\"", LocalDate.of(1997, 1, 31)),
        Arguments.of("day", "9892", LocalDate.of(1997, 1, 31)),
        Arguments.of("day", "\"1997-02-31\"", TYPE_MISMATCH),
        Arguments.of("day", "\"+10000-01-01\"", TYPE_MISMATCH),
        Arguments.of("day", "2147483647", NUMBER_OUT_OF_RANGE),
        Arguments.of("day", "2147483648", NUMBER_OUT_OF_RANGE),
        Arguments.of("at", "\"1997-01-31T12:00:00Z\"", Instant.parse("1997-01-31T12:00:00Z")),
        Arguments.of("at", "854712000000", Instant.parse("1997-01-31T12:00:00Z")),
        Arguments.of("at", "253402300800000", NUMBER_OUT_OF_RANGE),
        Arguments.of("image", "\"AQI=\"", ByteBuffer.wrap(new byte[] {1, 2})),
        Arguments.of("image", "\"?\"", TYPE_MISMATCH),
        Arguments.of("wide", "12345678901234567890.5", new BigDecimal("12345678901234567890.50")),
        Arguments.of("wide", "1e30", NUMBER_OUT_OF_RANGE));
  }

  @ParameterizedTest
  @MethodSource("values")
  void readsEveryTypeOfField(String field, String json, Object expected) {
    // Given
    Schema schema =
        new Schema.Parser()
            .parse(
                """
                {"type": "record", "name": "Any", "fields": [
                 {"name": "flag", "type": ["null", "boolean"], "default": null},
                 {"name": "count", "type": ["null", "long"], "default": null},
                 {"name": "ratio", "type": ["null", "double"], "default": null},
                 {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}], "default": null},
                 {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}], "default": null},
                 {"name": "image", "type": ["null", "bytes"], "default": null},
                 {"name": "wide", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 2}], "default": null}]}
                """);
    ContractReader<AnyRecord> any =
        new ContractReader<>(Contract.of(schema), () -> new AnyRecord(schema), Limits.DEFAULT);

    // When
    AnyRecord record =
        any.read("{\"%s\":%s}".formatted(field, json).getBytes(StandardCharsets.UTF_8));

    // Then
    Problem problem = any.problem();
    assertThat(
        problem == null
            ? Objects.requireNonNull(record).get(schema.getField(field).pos())
            : problem.reason(),
        is(expected));
  }

  @Test
  void bytesThatAreNotUtf8AreRefused() {
    // Given
    byte[] bytes = with("\"sale_id\":\"??\"").getBytes(StandardCharsets.UTF_8);
    bytes[bytes.length - 3] = (byte) 0xC3;

    // When
    reader.read(bytes);

    // Then
    assertThat(Objects.requireNonNull(reader.problem()).reason(), is(INVALID_ENCODING));
  }

  @Test
  void aReaderForgetsTheProblemOfTheRecordBefore() {
    // Given
    reader.read("{".getBytes(StandardCharsets.UTF_8));

    // When
    Sale sale = read(GOOD);

    // Then
    assertThat(sale, is(notNullValue()));
    assertThat(reader.problem(), is(nullValue()));
  }

  @Test
  void detailsShowNoValueOfAPrivateField() {
    // Given
    ContractReader<Customer> customers =
        new ContractReader<>(Contract.of(Customer.class), Customer::new, Limits.DEFAULT);

    // When
    customers.read("{\"customer_id\":1,\"lname\":[\"Nowmer\"]}".getBytes(StandardCharsets.UTF_8));

    // Then
    String detail = Objects.requireNonNull(customers.problem()).detail();
    assertThat(detail, containsString("lname is an array"));
    assertThat(detail.contains("Nowmer"), is(false));
  }

  @Property
  void whatIsWrittenIsReadAgainWhateverTheOrderOfItsFields(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Sale sale = randomSale(random);

    assertThat(read(rendered(sale, random)), is(sale));
  }

  @Property(tries = 2000)
  void anyBytesHaveExactlyOneOutcome(@ForAll @Size(max = 300) List<Byte> bytes) {
    byte[] payload = new byte[bytes.size()];
    for (int i = 0; i < payload.length; i++) {
      payload[i] = bytes.get(i);
    }

    Sale sale = reader.read(payload);

    assertThat(sale == null, is(reader.problem() != null));
  }

  @Property(tries = 2000)
  void aDamagedRecordHasExactlyOneOutcome(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    byte[] payload = rendered(randomSale(random), random).getBytes(StandardCharsets.UTF_8);
    for (int i = random.nextInt(1, 6); i > 0; i--) {
      payload[random.nextInt(payload.length)] = (byte) random.nextInt(256);
    }

    Sale sale = reader.read(payload);

    assertThat(sale == null, is(reader.problem() != null));
  }

  private static Sale randomSale(SplittableRandom random) {
    Sale sale = new Sale();
    for (FieldContract field : Contract.of(Sale.class).fields()) {
      if (field.nullable() && random.nextBoolean()) {
        continue;
      }
      sale.put(
          field.index(),
          switch (field.type()) {
            case INT -> random.nextInt();
            case DECIMAL ->
                BigDecimal.valueOf(random.nextLong(-999_999_999_999L, 1_000_000_000_000L), 4);
            case TIMESTAMP ->
                Instant.ofEpochMilli(random.nextLong(IsoInstant.FIRST, IsoInstant.LAST + 1));
            default -> "R\u00e9\ud83d\ude00" + random.nextInt();
          });
    }
    return sale;
  }

  /** The record as JSON, its fields in any order, its values in any of their spellings. */
  private static String rendered(Sale sale, SplittableRandom random) {
    List<String> members = new ArrayList<>(List.of("\"new\":[{\"a\":\"b\"}]"));
    for (FieldContract field : Contract.of(Sale.class).fields()) {
      Object value = field.valueIn(sale);
      boolean either = random.nextBoolean();
      if (value != null || either) {
        String text =
            switch (field.type()) {
              case DECIMAL -> {
                BigDecimal amount = (BigDecimal) Objects.requireNonNull(value);
                yield either ? amount.toPlainString() : amount.unscaledValue() + "E-4";
              }
              case TIMESTAMP ->
                  value instanceof Instant i
                      ? either ? Long.toString(i.toEpochMilli()) : '"' + i.toString() + '"'
                      : "null";
              case STRING -> value == null ? "null" : '"' + value.toString() + '"';
              default -> String.valueOf(value);
            };
        members.add('"' + field.name() + "\" : " + text);
      }
    }
    if (random.nextBoolean()) {
      Collections.shuffle(members, new Random(random.nextLong()));
    }
    return "{" + String.join(" , ", members) + "}";
  }

  private Sale read(String text) {
    Sale sale = reader.read(text.getBytes(StandardCharsets.UTF_8));
    if (sale == null) {
      throw new AssertionError(reader.problem());
    }
    return sale;
  }

  private static ContractReader<Sale> reader(Limits limits) {
    return new ContractReader<>(Contract.of(Sale.class), Sale::new, limits);
  }

  private static String with(String more) {
    return GOOD.substring(0, GOOD.length() - 1) + "," + more + "}";
  }

  private static String fields(int n) {
    StringBuilder fields = new StringBuilder("\"f\":0");
    for (int i = 1; i < n; i++) {
      fields.append(",\"f").append(i).append("\":").append(i);
    }
    return fields.toString();
  }
}

package dev.millrace.transforms.refine;

import static dev.millrace.contract.Reason.*;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Reason;
import dev.millrace.schemas.retail.Customer;
import dev.millrace.schemas.retail.Sale;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
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
    byte[] payload = GOOD.getBytes(StandardCharsets.UTF_8);
    for (int i = random.nextInt(1, 6); i > 0; i--) {
      payload[random.nextInt(payload.length)] = (byte) random.nextInt(256);
    }

    Sale sale = reader.read(payload);

    assertThat(sale == null, is(reader.problem() != null));
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

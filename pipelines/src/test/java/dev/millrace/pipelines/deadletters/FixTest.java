package dev.millrace.pipelines.deadletters;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Reason;
import dev.millrace.pipelines.UserError;
import dev.millrace.schemas.retail.Sale;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.transforms.DeadLetters;
import dev.millrace.transforms.Origin;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an expression makes of a record. */
class FixTest {

  private static String fixed(String expression, String payload) throws Fix.NotFixed {
    return fixed(expression, payload, StandardCharsets.UTF_8);
  }

  private static String fixed(String expression, String payload, Charset charset)
      throws Fix.NotFixed {
    byte[] bytes = payload.getBytes(charset);
    DeadLetter letter =
        DeadLetters.of(
            "RefineSales",
            Reason.RULE_VIOLATION,
            "units must be above 0",
            "units",
            Contract.of(Sale.class),
            1,
            0,
            new Origin("sales.json", 7, 0),
            bytes);
    return new String(Fix.of(expression).apply(letter, bytes), StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "$ | {'a':1,'b':null,'c':'é'} | {'a':1,'b':null,'c':'é'}",
        "$merge([$, {'price': $number(price)}]) | {'price':'12.50','a':1} | {'price':12.5,'a':1}",
        "$merge([$, {$field: 1}]) | {'units':0} | {'units':1}",
        "{'why': $reason} | {} | {'why':'RULE_VIOLATION'}",
        "$sift($, function($v, $k) { $k != 'b' }) | {'a':1,'b':2} | {'a':1}",
        "$eval($raw & '}') | {'a':1 | {'a':1}",
        "{'text': $raw} | a,b | {'text':'a,b'}",
        "{'is': $exists($)} | no JSON | {'is':false}",
        "{'is': $exists($)} | {} and more | {'is':false}",
        "$ | {'a':1,'a':2} | {'a':2}",
        "{'n': 2500000000 * 4, 'm': 1e-7 * 1} | {} | {'n':10000000000,'m':0.0000001}",
        "{'deep': [{'x': 1.50}]} | {} | {'deep':[{'x':1.5}]}",
      })
  void theResultIsTheNewRecord(String expression, String before, String after) throws Exception {
    assertThat(fixed(expression, before.replace('\'', '"')), equalTo(after.replace('\'', '"')));
  }

  @ParameterizedTest
  @ValueSource(strings = {"$", "$merge([$, {\"b\": 1}])", "$ ~> |$|{\"b\": 1}|"})
  void aNumberThatIsLeftAloneKeepsAllItsDigits(String expression) throws Exception {
    // Given
    String record = "{\"price\":123456789012345.1234,\"id\":9007199254740993,\"b\":1}";

    // When
    String fixed = fixed(expression, record);

    // Then
    assertThat(fixed, equalTo(record));
  }

  @Test
  void bytesThatAreNotUtf8AreReadAsLatin1() throws Exception {
    assertThat(
        fixed("$", "{\"city\":\"Orléans\"}", StandardCharsets.ISO_8859_1),
        equalTo("{\"city\":\"Orléans\"}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "nope | the expression gives nothing",
        "[1, 2] | the expression gives no object",
        "'text' | the expression gives no object",
        "$number('a') | For input string",
        "{'f': function($x) { $x }} | the expression gives what is no JSON",
        "{'x': 1 / 0} | ",
        "$error('no ' & 'way') | no way",
      })
  void whatIsNoRecordIsNotFixed(String expression, String why) {
    // When
    Fix.NotFixed not =
        assertThrows(Fix.NotFixed.class, () -> fixed(expression.replace('\'', '"'), "{\"a\":1}"));

    // Then
    assertThat(not.getMessage(), containsString(why == null ? "" : why));
  }

  @Timeout(20)
  @ParameterizedTest
  @ValueSource(
      strings = {
        "($f := function($n) { $f($n + 1) }; $f(1))",
        "($f := function($n) { 1 + $f($n + 1) }; $f(1))",
        "$map([1..9999999], function($v) { $v * 2 })"
      })
  void anExpressionWithoutAnEndIsEnded(String expression) {
    // Given
    long start = System.nanoTime();

    // When
    assertThrows(Fix.NotFixed.class, () -> fixed(expression, "{}"));

    // Then
    assertThat(Duration.ofNanos(System.nanoTime() - start).toSeconds() < 15, equalTo(true));
  }

  @Test
  void whatIsNoExpressionIsSaid() {
    UserError refused = assertThrows(UserError.class, () -> Fix.of("$merge([$,"));
    assertThat(refused.getMessage(), startsWith("--fix cannot be understood as JSONata: "));
  }

  @Test
  void withoutAnExpressionTheBytesStayAsTheyAre() throws Exception {
    // Given
    byte[] bytes = {'{', (byte) 0xff, 0, '}'};

    // When
    byte[] fixed = Fix.none().apply(DeadLetter.newBuilder(LETTER).build(), bytes);

    // Then
    assertThat(fixed, equalTo(bytes));
  }

  private static final DeadLetter LETTER =
      DeadLetters.of(
          "RefineSales",
          Reason.MALFORMED,
          "no JSON",
          null,
          Contract.of(Sale.class),
          0,
          0,
          new Origin("sales.json", 7, 0),
          new byte[0]);
}

package dev.millrace.transforms.refine;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.is;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IsoInstantTest {

  @Property(tries = 5000)
  void readsWhatJavaWrites(
      @ForAll @LongRange(min = -62_135_596_800_000L, max = 253_402_300_799_999L) long millis) {
    Instant instant = Instant.ofEpochMilli(millis);
    assertThat(parse(instant.toString()), is(instant));
  }

  @Property(tries = 5000)
  void judgesDigitsAsJavaDoes(
      @ForAll @LongRange(min = 0, max = 99) long a, @ForAll @LongRange(min = 0, max = 99) long b) {
    for (String form :
        new String[] {
          "1997-%02d-%02dT12:30:59.123Z",
          "1996-%02d-%02dT12:30:59.123Z",
          "1900-%02d-%02dT12:30:59.123Z",
          "2000-%02d-%02dT12:30:59.123Z",
          "1997-01-31T%02d:%02d:00Z"
        }) {
      String text = form.formatted(a, b);
      assertThat(text, read(text), is(oracle(text)));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1997-01-31T12:00:00Z, 854712000000",
    "1997-01-31T12:00:00.007Z, 854712000007",
    "1997-01-31T13:00:00+01:00, 854712000000",
    "1997-01-31T12:00Z, 854712000000",
    "1997-01-31T12:00:00.1000Z, 854712000100",
    "1996-02-29T00:00:00.000Z, 825552000000"
  })
  void readsEveryFormWithAZone(String text, long millis) {
    assertThat(parse(text).toEpochMilli(), is(millis));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "Z",
        "yesterday",
        "1997-01-31",
        "1997-01-31T12:00:00",
        "1997-02-29T12:00:00Z",
        "1997-01-31T24:00:00Z",
        "1997-01-31T12:60:00Z",
        "1997-01-31T12:00:60Z",
        "1997-00-31T12:00:00Z",
        "0000-01-31T12:00:00Z",
        "+10000-01-01T00:00Z",
        "1997-01-31T12:00:00.0001Z",
        "199x-01-31T12:00:00.000Z",
        "1997-01-31T12:00:00,000Z",
        "1997-01-31T12:00:0/.000Z"
      })
  void refusesEverythingElse(String text) {
    assertThrows(DateTimeException.class, () -> parse(text));
  }

  @Property(tries = 1000)
  void remembersNothingButTheMinute(@ForAll("near") List<String> texts) {
    IsoInstant reader = new IsoInstant();
    for (String text : texts) {
      String read;
      try {
        read = reader.read(bytes(text), 2, text.length()).toString();
      } catch (DateTimeException none) {
        read = "none";
      }
      assertThat(texts.toString(), read, is(oracle(text)));
    }
  }

  /** Texts of few minutes, some of which are none. */
  @Provide
  Arbitrary<List<String>> near() {
    return Combinators.combine(
            Arbitraries.of(
                "1997-01-31T12:00",
                "1997-01-31T12:01",
                "1997-01-31T24:00",
                "1997-02-31T12:00",
                "1997-01-31x12:00",
                "1997-01-31T12-00",
                "1997-13-31T12:00",
                "\0".repeat(16)),
            Arbitraries.of(":00Z", ":59.999Z", ":60Z", "-00Z", ":0xZ", ":00z", ":00.000+01:00"))
        .as(String::concat)
        .list()
        .ofMinSize(1)
        .ofMaxSize(8);
  }

  private static String oracle(String text) {
    try {
      return OffsetDateTime.parse(text).toInstant().toString();
    } catch (DateTimeException none) {
      return "none";
    }
  }

  private static String read(String text) {
    try {
      return parse(text).toString();
    } catch (DateTimeException none) {
      return "none";
    }
  }

  /** Reads the text out of the middle of a buffer, as the parser holds it. */
  private static Instant parse(String text) {
    return new IsoInstant().read(bytes(text), 2, text.length());
  }

  private static byte[] bytes(String text) {
    return ("##" + text + "#").getBytes(StandardCharsets.UTF_8);
  }
}

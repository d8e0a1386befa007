package dev.millrace.pipelines.report;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.is;

import java.math.BigDecimal;
import org.junit.jupiter.api.Test;

class FiguresTest {

  @Test
  void numbersAreGroupedAndMoneyHasTwoDigits() {
    assertThat(Figures.count(1_234_567), is("1,234,567"));
    assertThat(Figures.number(new BigDecimal("12000.5000")), is("12,000.5"));
    assertThat(Figures.number(new BigDecimal("1E+4")), is("10,000"));
    assertThat(Figures.money(new BigDecimal("1304.5")), is("1,304.50"));
    assertThat(Figures.money(new BigDecimal("-0.125")), is("-0.12"));
  }

  @Test
  void aShareIsNeverRoundedToNothingOrToAll() {
    assertThat(Figures.share(0, 10), is("0%"));
    assertThat(Figures.share(0, 0), is("0%"));
    assertThat(Figures.share(1, 1_000_000), is("<0.1%"));
    assertThat(Figures.share(999_999, 1_000_000), is(">99.9%"));
    assertThat(Figures.share(10, 10), is("100%"));
    assertThat(Figures.share(1, 3), is("33.3%"));
  }

  @Test
  void timesAndSizesHaveTheUnitThatFits() {
    assertThat(Figures.elapsed(999), is("999 ms"));
    assertThat(Figures.elapsed(59_999), is("59.9 s"));
    assertThat(Figures.elapsed(61_000), is("1 min 01 s"));
    assertThat(Figures.elapsed(7_380_000), is("2 h 03 min"));
    assertThat(Figures.bytes(999), is("999 B"));
    assertThat(Figures.bytes(999_999), is("1.0 MB"));
    assertThat(Figures.bytes(8_123_456), is("8.1 MB"));
  }
}

package dev.millrace.transforms.window;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.lessThanOrEqualTo;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.math.BigDecimal;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.apache.beam.sdk.testing.CoderProperties;
import org.apache.beam.sdk.util.CoderUtils;
import org.junit.jupiter.api.Test;

class TotalsTest {

  @Property
  void additionIsAssociativeAndCommutativeToTheScale(
      @ForAll("totals") Totals a, @ForAll("totals") Totals b, @ForAll("totals") Totals c) {
    assertThat(a.plus(b).plus(c), is(c.plus(b.plus(a))));
  }

  @Property
  void codedExactlyWhateverTheSize(@ForAll("totals") Totals totals) throws Exception {
    CoderProperties.coderDecodeEncodeEqual(Totals.coder(), totals);
  }

  @Test
  void sumsAreExactWhereDoublesAreNot() {
    Totals sum = Totals.none(1);
    for (int i = 0; i < 10; i++) {
      sum = sum.plus(Totals.of(new BigDecimal("0.1000")));
    }

    assertThat(sum.sum(0), is(new BigDecimal("1.0000")));
    assertThat(sum.count(), is(10L));
  }

  @Test
  void sumsBeyondALongAreExact() throws Exception {
    BigDecimal large = new BigDecimal("922337203685477.5807");
    Totals sum = Totals.of(large).plus(Totals.of(large));

    assertThat(sum.sum(0), is(new BigDecimal("1844674407370955.1614")));
    CoderProperties.coderDecodeEncodeEqual(Totals.coder(), sum);
  }

  @Test
  void threeSmallAmountsTakeFewBytes() throws Exception {
    Totals sale =
        Totals.of(new BigDecimal("1.5000"), new BigDecimal("0.5100"), new BigDecimal("2.0000"));

    assertThat(CoderUtils.encodeToByteArray(Totals.coder(), sale).length, lessThanOrEqualTo(14));
  }

  @Test
  void sumsOfDifferentAmountsDoNotAdd() {
    assertThrows(
        IllegalArgumentException.class,
        () -> Totals.none(1).plus(Totals.of(BigDecimal.ONE, BigDecimal.ONE)));
  }

  @Provide
  Arbitrary<Totals> totals() {
    Arbitrary<BigDecimal> amount =
        Arbitraries.oneOf(
            Arbitraries.bigDecimals().ofScale(4),
            Arbitraries.bigDecimals().between(new BigDecimal("-1e30"), new BigDecimal("1e30")),
            Arbitraries.of(
                new BigDecimal("1e5"), BigDecimal.ZERO, BigDecimal.valueOf(Long.MIN_VALUE)));
    return Combinators.combine(amount, amount).as(Totals::of);
  }
}

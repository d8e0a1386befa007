package dev.millrace.runners;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;

import java.util.List;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.AlphaChars;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

class NearestTest {

  @Test
  void findsTheWordThatWasMeant() {
    assertThat(
        Nearest.to("--max-latenes", List.of("--max-lateness", "--max-skew")),
        equalTo(Optional.of("--max-lateness")));
    assertThat(Nearest.to("slaes", List.of("sales", "orders")), equalTo(Optional.of("sales")));
  }

  @Test
  void saysNothingWhereNoWordIsNear() {
    assertThat(Nearest.hint("bananas", List.of("sales", "list")), equalTo(""));
  }

  @Property
  void isAMetricInWhichEqualWordsAloneAreAtZero(
      @ForAll @AlphaChars @StringLength(max = 8) String a,
      @ForAll @AlphaChars @StringLength(max = 8) String b) {
    assertThat(Nearest.distance(a, b), equalTo(Nearest.distance(b, a)));
    assertThat(Nearest.distance(a, b) == 0, is(a.equals(b)));
  }
}

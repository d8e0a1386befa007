package dev.millrace.contract;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.is;

import java.math.BigDecimal;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.regex.Pattern;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class RuleTest {

  @Property(tries = 200)
  void boundsOfIntegersAgreeWithComparison(@ForAll long value, @ForAll long bound) {
    BigDecimal declared = BigDecimal.valueOf(bound);

    assertThat(new Rule.Min(declared).holds(value), is(value >= bound));
    assertThat(new Rule.Max(declared).holds(value), is(value <= bound));
    assertThat(new Rule.ExclusiveMin(declared).holds(value), is(value > bound));
  }

  @Property(tries = 200)
  void boundsOfDecimalsAgreeWithComparison(@ForAll BigDecimal value, @ForAll BigDecimal bound) {
    assertThat(new Rule.Min(bound).holds(value), is(value.compareTo(bound) >= 0));
    assertThat(new Rule.Max(bound).holds(value), is(value.compareTo(bound) <= 0));
    assertThat(new Rule.ExclusiveMin(bound).holds(value), is(value.compareTo(bound) > 0));
  }

  @Test
  void aBoundBeyondAllIntegersIsStillABound() {
    assertThat(new Rule.Max(new BigDecimal("1E+30")).holds(Long.MAX_VALUE), is(true));
    assertThat(new Rule.Min(new BigDecimal("1E+30")).holds(Long.MAX_VALUE), is(false));
    assertThat(new Rule.Min(new BigDecimal("0.5")).holds(0), is(false));
    assertThat(new Rule.Min(new BigDecimal("0.5")).holds(1), is(true));
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void whatIsNoNumberKeepsNoBound(double value) {
    assertThat(new Rule.Min(BigDecimal.ZERO).holds(value), is(false));
    assertThat(new Rule.Max(BigDecimal.ZERO).holds(value), is(false));
    assertThat(new Rule.ExclusiveMin(BigDecimal.ZERO).holds(value), is(false));
  }

  @ParameterizedTest
  @CsvSource({
    "date, 1997-01-31, true",
    "date, 1997-02-30, false",
    "date, 31.01.1997, false",
    "date-time, 1997-01-31T12:00:00Z, true",
    "date-time, 1997-01-31T12:00:00.123Z, true",
    "date-time, 1997-01-31, false",
    "uuid, 123e4567-e89b-12d3-a456-426614174000, true",
    "uuid, 123E4567-E89B-12D3-A456-426614174000, true",
    "uuid, 1-1-1-1-1, false",
    "uuid, none, false",
  })
  void aFormatIsKeptOrNot(String form, String text, boolean kept) {
    Rule.Form named = Rule.Form.named(form);

    assertThat(named != null && new Rule.Format(named).holds(text), is(kept));
  }

  @Test
  void textsAreHeldAgainstLengthPatternAndList() {
    assertThat(new Rule.MaxLength(3).holds("abc"), is(true));
    assertThat(new Rule.MaxLength(3).holds("abcd"), is(false));
    assertThat(new Rule.Matches(Pattern.compile("[A-Z]{2}")).holds("AB"), is(true));
    assertThat(new Rule.Matches(Pattern.compile("[A-Z]{2}")).holds("ABC"), is(false));
    Rule list = new Rule.OneOf(new LinkedHashSet<>(List.of("A", "B")));
    assertThat(list.holds("B"), is(true));
    assertThat(list.holds("C"), is(false));
    assertThat(list.words(), is("be one of A, B"));
  }

  @Test
  void everyReasonHasAMeaningAndARemedyInASentence() {
    for (Reason reason : Reason.values()) {
      assertThat(reason.name(), reason.description().matches("[A-Z].*\\."), is(true));
      assertThat(reason.name(), reason.remedy().matches("[A-Z].*\\."), is(true));
    }
  }
}

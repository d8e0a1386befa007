package dev.millrace.testing;

import static org.hamcrest.Matchers.is;

import dev.millrace.contract.Reason;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.transforms.ledger.LedgerCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.hamcrest.Description;
import org.hamcrest.FeatureMatcher;
import org.hamcrest.Matcher;
import org.hamcrest.Matchers;
import org.hamcrest.TypeSafeDiagnosingMatcher;
import org.jspecify.annotations.Nullable;

/** Matchers of what became of records. */
public final class Outcomes {

  private Outcomes() {}

  /** A record refused for a reason, with no one field at fault: {@code deadLetter(MALFORMED)}. */
  public static Matcher<DeadLetter> deadLetter(Reason reason) {
    return deadLetter(reason, null);
  }

  /**
   * A record refused for a reason and the field at fault: {@code deadLetter(ORPHAN_KEY,
   * "product_id")}.
   */
  public static Matcher<DeadLetter> deadLetter(Reason reason, @Nullable String field) {
    return new TypeSafeDiagnosingMatcher<>() {
      @Override
      protected boolean matchesSafely(DeadLetter letter, Description mismatch) {
        mismatch.appendText(describe(letter.getReason(), letter.getField()));
        mismatch.appendText(": ").appendText(letter.getDetail());
        return reason.name().equals(letter.getReason()) && Objects.equals(field, letter.getField());
      }

      @Override
      public void describeTo(Description description) {
        description.appendText(describe(reason.name(), field));
      }
    };
  }

  /** A dead letter whose detail matches: {@code withDetail(containsString("dim_product"))}. */
  public static Matcher<DeadLetter> withDetail(Matcher<? super String> detail) {
    return new FeatureMatcher<DeadLetter, String>(detail, "dead letter with detail", "detail") {
      @Override
      protected String featureValueOf(DeadLetter letter) {
        return letter.getDetail();
      }
    };
  }

  /** A dead letter of a place: {@code from("sales.json", 3)}. */
  public static Matcher<DeadLetter> from(String source, long position) {
    return new FeatureMatcher<>(is(source + ":" + position), "dead letter from", "origin") {
      @Override
      protected String featureValueOf(DeadLetter letter) {
        return letter.getSource() + ":" + letter.getPosition();
      }
    };
  }

  /**
   * A ledger in which no record is lost or counted twice, in each stage and along a chain of
   * stages: {@code balancedLedger("RefineSales", "DedupSales")}.
   */
  public static Matcher<Iterable<LedgerEntry>> balancedLedger(String... chain) {
    return new FeatureMatcher<>(Matchers.empty(), "ledger with imbalances", "imbalances") {
      @Override
      protected List<String> featureValueOf(Iterable<LedgerEntry> entries) {
        List<LedgerEntry> all = new ArrayList<>();
        entries.forEach(all::add);
        return LedgerCheck.of(all).imbalances(chain);
      }
    };
  }

  private static String describe(String reason, @Nullable String field) {
    return "dead letter " + reason + (field == null ? "" : " in field " + field);
  }
}

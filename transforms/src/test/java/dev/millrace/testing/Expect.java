package dev.millrace.testing;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.emptyIterable;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.beam.sdk.testing.PAssert;
import org.apache.beam.sdk.values.PCollection;
import org.hamcrest.Matcher;

/** What a collection holds when its pipeline has run, over all its windows and panes. */
public final class Expect {

  private Expect() {}

  /**
   * The rows match: {@code rows(stage.rejects(), () -> contains(deadLetter(MALFORMED)))}. The
   * matcher is made where the pipeline runs, since matchers cannot be sent there.
   */
  public static <T> void rows(PCollection<T> rows, MatcherOf<T> matcher) {
    String name = rows.getName();
    PAssert.that(name, rows)
        .satisfies(
            all -> {
              List<T> list = new ArrayList<>();
              all.forEach(list::add);
              assertThat(name, list, matcher.get());
              return null;
            });
  }

  /** The rows are these: {@code rowsInAnyOrder(counts, KV.of("a", 1), KV.of("b", 2))}. */
  @SafeVarargs
  @SuppressWarnings("varargs")
  public static <T> void rowsInAnyOrder(PCollection<T> rows, T... expected) {
    PAssert.that(rows.getName(), rows).containsInAnyOrder(List.of(expected));
  }

  /** There is no row: {@code noRows(stage.rejects())}. */
  public static <T> void noRows(PCollection<T> rows) {
    rows(rows, () -> emptyIterable());
  }

  /**
   * Makes a matcher of all rows.
   *
   * @param <T> type of a row
   */
  @FunctionalInterface
  public interface MatcherOf<T> extends Serializable {
    /** The matcher. */
    Matcher<? super List<T>> get();
  }
}

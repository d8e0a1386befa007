package dev.millrace.pipelines.generate;

import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The ids a dimension has: a set of integers, kept in ascending order. As text a list of ranges,
 * such as {@code 0-78,81,83-158}.
 */
public final class Ids {

  /** Ids beyond are refused, so that there is always room above for ids that do not exist. */
  private static final int HIGHEST = 2_000_000_000;

  private static final int ABSENT_ABOVE = 1_000;
  private static final int ABSENT_BETWEEN = 1_000;
  private static final Pattern RANGE = Pattern.compile("(\\d{1,10})(?:-(\\d{1,10}))?");

  private final int[] present;
  private final int[] absent;

  private Ids(int[] present) {
    this.present = present;
    if (present.length == 0) {
      throw new IllegalArgumentException("a dimension needs at least one id");
    }
    if (first() < 0 || last() > HIGHEST) {
      throw new IllegalArgumentException(
          "ids must lie between 0 and "
              + HIGHEST
              + ", not reach from "
              + first()
              + " to "
              + last());
    }
    IntStream gaps =
        IntStream.range(1, present.length)
            .flatMap(i -> IntStream.range(present[i - 1] + 1, present[i]))
            .limit(ABSENT_BETWEEN);
    IntStream above = IntStream.rangeClosed(last() + 1, last() + ABSENT_ABOVE);
    this.absent = IntStream.concat(gaps, above).toArray();
  }

  /** These ids; order and repetition do not matter. */
  public static Ids of(int... ids) {
    return new Ids(IntStream.of(ids).sorted().distinct().toArray());
  }

  /** The ids a text lists, such as {@code 0-78,81,83-158}. */
  public static Ids parse(String text) {
    IntStream.Builder ids = IntStream.builder();
    for (String part : text.split(",", -1)) {
      Matcher range = RANGE.matcher(part.trim());
      if (!range.matches()) {
        throw new IllegalArgumentException(
            "\"" + part.trim() + "\" is no id or range of ids, such as 7 or 1-24");
      }
      long from = Long.parseLong(range.group(1));
      long to = range.group(2) == null ? from : Long.parseLong(range.group(2));
      if (from > to || to > HIGHEST) {
        throw new IllegalArgumentException(
            "range " + part.trim() + " must ascend and end at " + HIGHEST + " at most");
      }
      IntStream.rangeClosed((int) from, (int) to).forEach(ids);
    }
    return of(ids.build().toArray());
  }

  /** How many there are. */
  public int size() {
    return present.length;
  }

  /** The lowest. */
  public int first() {
    return present[0];
  }

  /** The highest. */
  public int last() {
    return present[present.length - 1];
  }

  /** Whether there is such an id. */
  public boolean contains(int id) {
    return Arrays.binarySearch(present, id) >= 0;
  }

  int get(int index) {
    return present[index];
  }

  /** An id that is not in the set: from a gap, or from above. */
  int anAbsent(Randomness random) {
    return absent[random.below(absent.length)];
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Ids that && Arrays.equals(present, that.present);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(present);
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (int from = 0; from < present.length; ) {
      int to = from;
      while (to + 1 < present.length && present[to + 1] == present[to] + 1) {
        to++;
      }
      text.append(text.isEmpty() ? "" : ",").append(present[from]);
      if (to > from) {
        text.append('-').append(present[to]);
      }
      from = to + 1;
    }
    return text.toString();
  }
}

package dev.millrace.runners;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Finds the word that was probably meant. */
final class Nearest {

  private Nearest() {}

  /** {@code " Did you mean X?"}, or nothing if no word is near. */
  static String hint(String typed, Collection<String> words) {
    return to(typed, words).map(word -> " Did you mean " + word + "?").orElse("");
  }

  static Optional<String> to(String typed, Collection<String> words) {
    int limit = Math.max(2, typed.length() / 3);
    return words.stream()
        .filter(word -> distance(typed, word) <= limit)
        .min(
            Comparator.comparingInt((String word) -> distance(typed, word))
                .thenComparing(word -> word));
  }

  /**
   * Levenshtein's distance, in which exchanging two neighbours also counts one (optimal string
   * alignment).
   */
  static int distance(String a, String b) {
    int[][] d = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j;
          continue;
        }
        boolean same = a.charAt(i - 1) == b.charAt(j - 1);
        d[i][j] =
            Math.min(Math.min(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (same ? 0 : 1));
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
        }
      }
    }
    return d[a.length()][b.length()];
  }
}

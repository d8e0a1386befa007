package dev.millrace.transforms.ledger;

import dev.millrace.schemas.system.LedgerEntry;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;

/**
 * Whether a ledger balances: in every stage and source {@code read = written + invalid + late +
 * duplicate + filtered}, and along a chain of stages each reads what the one before has written.
 *
 * <p>Example: {@code LedgerCheck.of(entries).imbalances("RefineSales", "DedupSales",
 * "EnrichSales")}; an empty list is a balanced ledger.
 */
public final class LedgerCheck {

  private final List<LedgerEntry> entries;

  private LedgerCheck(List<LedgerEntry> entries) {
    this.entries = entries;
  }

  /** A check of a finished ledger: one entry per stage and source. */
  public static LedgerCheck of(Collection<LedgerEntry> entries) {
    return new LedgerCheck(List.copyOf(entries));
  }

  /** Records that entered a stage and have no outcome; negative where there are too many. */
  public static long residue(LedgerEntry entry) {
    return entry.getRead()
        - entry.getWritten()
        - entry.getInvalid()
        - entry.getLate()
        - entry.getDuplicate()
        - entry.getFiltered();
  }

  /**
   * What does not balance, a sentence each.
   *
   * @param chain names of stages that follow one another; none if only the stages themselves are to
   *     be checked
   */
  public List<String> imbalances(String... chain) {
    List<String> found = new ArrayList<>();
    for (LedgerEntry entry : entries) {
      long residue = residue(entry);
      if (residue != 0) {
        found.add(
            "Stage %s read %d records of %s, but accounts for %d: %d %s."
                .formatted(
                    entry.getStage(),
                    entry.getRead(),
                    entry.getSource(),
                    entry.getRead() - residue,
                    Math.abs(residue),
                    residue > 0 ? "are lost" : "are too many"));
      }
    }
    for (int i = 1; i < chain.length; i++) {
      compare(chain[i - 1], chain[i], found);
    }
    return found;
  }

  private void compare(String before, String after, List<String> found) {
    TreeSet<String> sources = new TreeSet<>();
    for (LedgerEntry entry : entries) {
      if (entry.getStage().equals(before) || entry.getStage().equals(after)) {
        sources.add(entry.getSource());
      }
    }
    for (String source : sources) {
      long written = 0;
      long read = 0;
      for (LedgerEntry entry : entries) {
        if (entry.getSource().equals(source)) {
          written += entry.getStage().equals(before) ? entry.getWritten() : 0;
          read += entry.getStage().equals(after) ? entry.getRead() : 0;
        }
      }
      if (written != read) {
        found.add(
            "Stage %s wrote %d records of %s, but stage %s after it read %d."
                .formatted(before, written, source, after, read));
      }
    }
  }
}

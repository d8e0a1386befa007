package dev.millrace.transforms.ledger;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.is;

import dev.millrace.schemas.system.LedgerEntry;
import java.util.List;
import org.junit.jupiter.api.Test;

class LedgerCheckTest {

  private static final LedgerEntry REFINE = entry("RefineSales", "a.json", 10, 6, 2, 1, 0, 1);

  @Test
  void aLedgerInWhichEveryRecordHasOneOutcomeBalances() {
    LedgerEntry dedup = entry("DedupSales", "a.json", 6, 5, 0, 0, 1, 0);

    assertThat(
        LedgerCheck.of(List.of(REFINE, dedup)).imbalances("RefineSales", "DedupSales"), empty());
  }

  @Test
  void aLostRecordIsToldWithStageAndSource() {
    LedgerEntry lossy = entry("DedupSales", "a.json", 6, 4, 0, 0, 1, 0);

    assertThat(LedgerCheck.residue(lossy), is(1L));
    assertThat(
        LedgerCheck.of(List.of(lossy)).imbalances(),
        contains("Stage DedupSales read 6 records of a.json, but accounts for 5: 1 are lost."));
  }

  @Test
  void aRecordCountedTwiceIsToldToo() {
    LedgerEntry twice = entry("DedupSales", "a.json", 6, 6, 0, 0, 2, 0);

    assertThat(
        LedgerCheck.of(List.of(twice)).imbalances(),
        contains("Stage DedupSales read 6 records of a.json, but accounts for 8: 2 are too many."));
  }

  @Test
  void whatOneStageWritesTheNextMustRead() {
    LedgerEntry short1 = entry("DedupSales", "a.json", 5, 5, 0, 0, 0, 0);

    assertThat(
        LedgerCheck.of(List.of(REFINE, short1)).imbalances("RefineSales", "DedupSales"),
        contains(
            "Stage RefineSales wrote 6 records of a.json, but stage DedupSales after it read 5."));
  }

  @Test
  void aSourceThatNeverReachesTheNextStageIsMissed() {
    assertThat(
        LedgerCheck.of(List.of(REFINE)).imbalances("RefineSales", "DedupSales"),
        contains(
            "Stage RefineSales wrote 6 records of a.json, but stage DedupSales after it read 0."));
  }

  private static LedgerEntry entry(
      String stage,
      String source,
      long read,
      long written,
      long invalid,
      long late,
      long duplicate,
      long filtered) {
    return new LedgerEntry(
        "sales", stage, source, read, written, invalid, late, duplicate, filtered);
  }
}

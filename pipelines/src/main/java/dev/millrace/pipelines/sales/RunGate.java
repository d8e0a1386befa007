package dev.millrace.pipelines.sales;

import dev.millrace.pipelines.UserError;
import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.transforms.ledger.LedgerCheck;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.View;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionView;

/**
 * Decides whether a run may be published: its ledger must balance, and not too many sales may be
 * rejected.
 *
 * <p><b>Input:</b> the ledger. <b>Output:</b> one element, the number of sales read, if the run may
 * be published; else the run fails with a {@link UserError} that says why.
 * <b>Bounded/unbounded:</b> bounded. <b>State and timers:</b> none. <b>Reasons:</b> none.
 * <b>Guarantee:</b> what waits for the output never sees a run that does not balance.
 * <b>Runners:</b> all.
 */
final class RunGate extends PTransform<PCollection<LedgerEntry>, PCollection<Long>> {

  private final double maxRejectRatio;

  private RunGate(double maxRejectRatio) {
    this.maxRejectRatio = maxRejectRatio;
  }

  static RunGate refusingMoreRejectsThan(double ratio) {
    return new RunGate(ratio);
  }

  @Override
  public PCollection<Long> expand(PCollection<LedgerEntry> ledger) {
    PCollectionView<List<LedgerEntry>> entries = ledger.apply("Entries", View.asList());
    return ledger
        .getPipeline()
        .apply("Once", Create.of(0L).withCoder(VarLongCoder.of()))
        .apply("Check", ParDo.of(new Check(entries, maxRejectRatio)).withSideInputs(entries));
  }

  /** Why a run with this ledger may not be published; an empty list if it may. */
  static List<String> objections(List<LedgerEntry> ledger, double maxRejectRatio) {
    Set<String> found = new LinkedHashSet<>();
    LedgerCheck check = LedgerCheck.of(ledger);
    for (List<String> chain : SalesPipeline.CHAINS) {
      found.addAll(check.imbalances(chain.toArray(String[]::new)));
    }
    long read = 0;
    long rejected = 0;
    for (LedgerEntry entry : ledger) {
      boolean first = entry.getStage().equals("RefineSales");
      read += first ? entry.getRead() : 0;
      if (first || entry.getStage().equals("EnrichSales")) {
        rejected += entry.getInvalid() + entry.getLate();
      }
    }
    if (rejected > maxRejectRatio * read) {
      found.add(
          "%,d of %,d sales were rejected (%.2f %%), more than --max-reject-ratio=%s allows; see the table of rejects for why."
              .formatted(rejected, read, 100.0 * rejected / read, maxRejectRatio));
    }
    return List.copyOf(found);
  }

  private static final class Check extends DoFn<Long, Long> {
    private final PCollectionView<List<LedgerEntry>> entries;
    private final double maxRejectRatio;

    private Check(PCollectionView<List<LedgerEntry>> entries, double maxRejectRatio) {
      this.entries = entries;
      this.maxRejectRatio = maxRejectRatio;
    }

    @ProcessElement
    public void process(ProcessContext context) {
      List<LedgerEntry> ledger = context.sideInput(entries);
      List<String> objections = objections(ledger, maxRejectRatio);
      if (!objections.isEmpty()) {
        throw new UserError(
            "The run is refused. " + String.join(" ", objections) + " Nothing was published.");
      }
      context.output(
          ledger.stream()
              .filter(e -> e.getStage().equals("RefineSales"))
              .mapToLong(LedgerEntry::getRead)
              .sum());
    }
  }
}

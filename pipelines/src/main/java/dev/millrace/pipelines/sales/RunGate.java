package dev.millrace.pipelines.sales;

import dev.millrace.pipelines.UserError;
import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.transforms.ledger.LedgerCheck;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CoderRegistry;
import org.apache.beam.sdk.coders.DelegateCoder;
import org.apache.beam.sdk.coders.ListCoder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.transforms.Combine;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.PCollection;

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

  /** How the message of a refused run begins. */
  static final String REFUSED = "The run is refused.";

  private final double maxRejectRatio;

  private RunGate(double maxRejectRatio) {
    this.maxRejectRatio = maxRejectRatio;
  }

  static RunGate refusingMoreRejectsThan(double ratio) {
    return new RunGate(ratio);
  }

  @Override
  public PCollection<Long> expand(PCollection<LedgerEntry> ledger) {
    // Gathered by a combine, not as a side input: the Direct runner tries an element that waits for
    // one again and again.
    return ledger
        .apply("Gather", Combine.globally(new Gather()).withoutDefaults())
        .apply("Check", ParDo.of(new Check(maxRejectRatio)))
        .setCoder(VarLongCoder.of());
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
    // In decimals: 0.29 * 100 is a little less than 29 as a double.
    BigDecimal allowed = BigDecimal.valueOf(maxRejectRatio).multiply(BigDecimal.valueOf(read));
    if (BigDecimal.valueOf(rejected).compareTo(allowed) > 0) {
      found.add(
          "%,d of %,d sales were rejected (%.2f %%), more than --max-reject-ratio=%s allows; with a higher ratio the run is published, and the table dead_letter says why each was rejected."
              .formatted(rejected, read, 100.0 * rejected / read, maxRejectRatio));
    }
    return List.copyOf(found);
  }

  private static final class Gather
      extends Combine.AccumulatingCombineFn<LedgerEntry, Entries, List<LedgerEntry>> {
    @Override
    public Entries createAccumulator() {
      return new Entries(List.of());
    }

    @Override
    public Coder<Entries> getAccumulatorCoder(CoderRegistry registry, Coder<LedgerEntry> input) {
      return DelegateCoder.of(ListCoder.of(input), e -> e.list, Entries::new);
    }

    @Override
    public Coder<List<LedgerEntry>> getDefaultOutputCoder(
        CoderRegistry registry, Coder<LedgerEntry> input) {
      return ListCoder.of(input);
    }
  }

  private static final class Entries
      implements Combine.AccumulatingCombineFn.Accumulator<
          LedgerEntry, Entries, List<LedgerEntry>> {
    private List<LedgerEntry> list;

    private Entries(List<LedgerEntry> list) {
      this.list = list;
    }

    @Override
    public void addInput(LedgerEntry entry) {
      list = joined(list, List.of(entry));
    }

    @Override
    public void mergeAccumulator(Entries other) {
      list = joined(list, other.list);
    }

    @Override
    public List<LedgerEntry> extractOutput() {
      return list;
    }

    private static List<LedgerEntry> joined(List<LedgerEntry> a, List<LedgerEntry> b) {
      List<LedgerEntry> both = new ArrayList<>(a);
      both.addAll(b);
      return both;
    }
  }

  private static final class Check extends DoFn<List<LedgerEntry>, Long> {
    private final double maxRejectRatio;

    private Check(double maxRejectRatio) {
      this.maxRejectRatio = maxRejectRatio;
    }

    @ProcessElement
    public void process(@Element List<LedgerEntry> ledger, OutputReceiver<Long> out) {
      List<String> objections = objections(ledger, maxRejectRatio);
      if (!objections.isEmpty()) {
        throw new UserError(
            REFUSED + " " + String.join(" ", objections) + " Nothing was published.");
      }
      out.output(
          ledger.stream()
              .filter(e -> e.getStage().equals("RefineSales"))
              .mapToLong(LedgerEntry::getRead)
              .sum());
    }
  }
}

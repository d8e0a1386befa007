package dev.millrace.pipelines;

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
 * Decides whether a run may be published: its ledger must balance, and not too many of its records
 * may be rejected.
 *
 * <p><b>Input:</b> the ledger. <b>Output:</b> one element, the number of records read, if the run
 * may be published; else the run fails with a {@link UserError} that says why.
 * <b>Bounded/unbounded:</b> bounded. <b>State and timers:</b> none. <b>Reasons:</b> none.
 * <b>Guarantee:</b> what waits for the output never sees a run that does not balance.
 * <b>Runners:</b> all.
 */
public final class RunGate extends PTransform<PCollection<LedgerEntry>, PCollection<Long>> {

  /** How the message of a refused run begins. */
  public static final String REFUSED = "The run is refused.";

  private final String what;
  private final List<List<String>> chains;
  private final double maxRejectRatio;

  private RunGate(String what, List<List<String>> chains, double maxRejectRatio) {
    this.what = what;
    this.chains = chains;
    this.maxRejectRatio = maxRejectRatio;
  }

  /**
   * A gate that lets every run pass that balances.
   *
   * @param what the records the run is about, in the plural, such as {@code sales}
   * @param chains stages that follow one another; the first chain is that of those records
   */
  public static RunGate of(String what, List<List<String>> chains) {
    return new RunGate(what, chains, 1);
  }

  /** The same, refusing also a run of whose records more than this share is rejected. */
  public RunGate refusingMoreRejectsThan(double ratio) {
    return new RunGate(what, chains, checkRatio(ratio));
  }

  /** Refuses what is no share; a {@link UserError} names the option. */
  public static double checkRatio(double ratio) {
    if (!(ratio >= 0 && ratio <= 1)) {
      throw new UserError(
          "--max-reject-ratio is " + ratio + "; give a share from 0 (none) to 1 (all).");
    }
    return ratio;
  }

  @Override
  public PCollection<Long> expand(PCollection<LedgerEntry> ledger) {
    // Gathered by a combine, not as a side input: the Direct runner tries an element that waits for
    // one again and again.
    return ledger
        .apply("Gather", Combine.globally(new Gather()).withoutDefaults())
        .apply("Check", ParDo.of(new Check(this)))
        .setCoder(VarLongCoder.of());
  }

  /** Why a run with this ledger may not be published; an empty list if it may. */
  List<String> objections(List<LedgerEntry> ledger) {
    Set<String> found = new LinkedHashSet<>();
    LedgerCheck check = LedgerCheck.of(ledger);
    for (List<String> chain : chains) {
      found.addAll(check.imbalances(chain.toArray(String[]::new)));
    }
    long read = 0;
    long rejected = 0;
    for (LedgerEntry entry : ledger) {
      read += entry.getStage().equals(chains.get(0).get(0)) ? entry.getRead() : 0;
      if (chains.get(0).contains(entry.getStage())) {
        rejected += entry.getInvalid() + entry.getLate();
      }
    }
    // In decimals: 0.29 * 100 is a little less than 29 as a double.
    BigDecimal allowed = BigDecimal.valueOf(maxRejectRatio).multiply(BigDecimal.valueOf(read));
    if (BigDecimal.valueOf(rejected).compareTo(allowed) > 0) {
      found.add(
          "%,d of %,d %s were rejected (%.2f %%), more than --max-reject-ratio=%s allows; with a higher ratio the run is published, and the table dead_letter says why each was rejected."
              .formatted(rejected, read, what, 100.0 * rejected / read, maxRejectRatio));
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
    private final RunGate gate;

    private Check(RunGate gate) {
      this.gate = gate;
    }

    @ProcessElement
    public void process(@Element List<LedgerEntry> ledger, OutputReceiver<Long> out) {
      List<String> objections = gate.objections(ledger);
      if (!objections.isEmpty()) {
        throw new UserError(
            REFUSED + " " + String.join(" ", objections) + " Nothing was published.");
      }
      out.output(
          ledger.stream()
              .filter(e -> e.getStage().equals(gate.chains.get(0).get(0)))
              .mapToLong(LedgerEntry::getRead)
              .sum());
    }
  }
}

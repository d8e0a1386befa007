package dev.millrace.transforms.rank;

import dev.millrace.transforms.combine.CombineBlocks;
import java.io.Serializable;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.ListCoder;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;

/**
 * The sum of a key's amounts until the end of each day that has one.
 *
 * <p><b>Input:</b> per key, amounts per day (days since the epoch); several amounts of a day are
 * added. <b>Output:</b> one row per key and day. <b>Bounded/unbounded:</b> bounded: a total needs
 * all earlier days, so a stream recomputes it over what it has stored. <b>State and timers:</b>
 * none; the days of one key are held in memory. <b>Reasons:</b> none. <b>Guarantee:</b> exact
 * decimals; independent of the order of the input. <b>Runners:</b> all, in batch.
 *
 * @param <K> key
 * @param <R> row
 */
public final class RunningTotal<K, R>
    extends PTransform<PCollection<KV<K, KV<Long, BigDecimal>>>, PCollection<R>> {

  private final Coder<R> coder;
  private final ToRow<K, R> toRow;

  private RunningTotal(Coder<R> coder, ToRow<K, R> toRow) {
    this.coder = coder;
    this.toRow = toRow;
  }

  /** Running totals as rows that a function makes. */
  public static <K, R> RunningTotal<K, R> into(Coder<R> rows, ToRow<K, R> function) {
    return new RunningTotal<>(rows, function);
  }

  @Override
  public PCollection<R> expand(PCollection<KV<K, KV<Long, BigDecimal>>> input) {
    if (input.isBounded() == PCollection.IsBounded.UNBOUNDED) {
      throw new IllegalArgumentException(
          "a running total needs all earlier days of its key: apply it to a bounded collection");
    }
    if (!(input.getCoder() instanceof KvCoder<K, KV<Long, BigDecimal>> keyed)) {
      throw new IllegalArgumentException("set a KvCoder on the input, not " + input.getCoder());
    }
    return input
        .apply(
            "ByKey",
            CombineBlocks.of(
                day -> KV.of(day.getKey(), List.of(day.getValue())),
                KvCoder.of(keyed.getKeyCoder(), ListCoder.of(keyed.getValueCoder())),
                RunningTotal::joined))
        .apply("Totals", ParDo.of(new Totals<>(toRow)))
        .setCoder(coder);
  }

  /** Days in order, each once. */
  private static List<KV<Long, BigDecimal>> joined(
      List<KV<Long, BigDecimal>> a, List<KV<Long, BigDecimal>> b) {
    List<KV<Long, BigDecimal>> both = new ArrayList<>(a.size() + b.size());
    int i = 0;
    int j = 0;
    while (i < a.size() && j < b.size()) {
      int order = Long.compare(a.get(i).getKey(), b.get(j).getKey());
      if (order < 0) {
        both.add(a.get(i++));
      } else if (order > 0) {
        both.add(b.get(j++));
      } else {
        KV<Long, BigDecimal> day = a.get(i++);
        both.add(KV.of(day.getKey(), day.getValue().add(b.get(j++).getValue())));
      }
    }
    both.addAll(a.subList(i, a.size()));
    both.addAll(b.subList(j, b.size()));
    return both;
  }

  /**
   * Makes a row.
   *
   * @param <K> key
   * @param <R> row
   */
  @FunctionalInterface
  public interface ToRow<K, R> extends Serializable {
    /** The row of a key and day: what the day brought, and the total until its end. */
    R row(K key, long epochDay, BigDecimal ofDay, BigDecimal total);
  }

  private static final class Totals<K, R> extends DoFn<KV<K, List<KV<Long, BigDecimal>>>, R> {
    private final ToRow<K, R> toRow;

    private Totals(ToRow<K, R> toRow) {
      this.toRow = toRow;
    }

    @ProcessElement
    public void process(@Element KV<K, List<KV<Long, BigDecimal>>> days, OutputReceiver<R> out) {
      BigDecimal total = BigDecimal.ZERO;
      for (KV<Long, BigDecimal> day : days.getValue()) {
        total = total.add(day.getValue());
        out.output(toRow.row(days.getKey(), day.getKey(), day.getValue(), total));
      }
    }
  }
}

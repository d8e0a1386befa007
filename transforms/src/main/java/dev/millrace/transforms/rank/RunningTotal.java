package dev.millrace.transforms.rank;

import dev.millrace.transforms.combine.CombineBlocks;
import java.io.Serializable;
import java.math.BigDecimal;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.SortedMapCoder;
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
    if (!(input.getCoder() instanceof KvCoder<K, KV<Long, BigDecimal>> keyed)
        || !(keyed.getValueCoder() instanceof KvCoder<Long, BigDecimal> dated)) {
      throw new IllegalArgumentException(
          "set a KvCoder of keys, and of days and amounts, not " + input.getCoder());
    }
    return input
        .apply(
            "ByKey",
            CombineBlocks.of(
                day -> KV.of(day.getKey(), days(day.getValue())),
                KvCoder.of(
                    keyed.getKeyCoder(),
                    SortedMapCoder.of(dated.getKeyCoder(), dated.getValueCoder())),
                RunningTotal::merge))
        .apply("Totals", ParDo.of(new Totals<>(toRow)))
        .setCoder(coder);
  }

  private static SortedMap<Long, BigDecimal> days(KV<Long, BigDecimal> day) {
    SortedMap<Long, BigDecimal> days = new TreeMap<>();
    days.put(day.getKey(), day.getValue());
    return days;
  }

  /** Adds to the first, for a key has many days: each is added once, and none copied. */
  private static SortedMap<Long, BigDecimal> merge(
      SortedMap<Long, BigDecimal> all, SortedMap<Long, BigDecimal> added) {
    added.forEach((day, amount) -> all.merge(day, amount, BigDecimal::add));
    return all;
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

  private static final class Totals<K, R> extends DoFn<KV<K, SortedMap<Long, BigDecimal>>, R> {
    private final ToRow<K, R> toRow;

    private Totals(ToRow<K, R> toRow) {
      this.toRow = toRow;
    }

    @ProcessElement
    public void process(@Element KV<K, SortedMap<Long, BigDecimal>> days, OutputReceiver<R> out) {
      BigDecimal total = BigDecimal.ZERO;
      for (Map.Entry<Long, BigDecimal> day : days.getValue().entrySet()) {
        total = total.add(day.getValue());
        out.output(toRow.row(days.getKey(), day.getKey(), day.getValue(), total));
      }
    }
  }
}

package dev.millrace.transforms.window;

import java.math.BigDecimal;
import java.util.List;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CoderRegistry;
import org.apache.beam.sdk.transforms.Combine.CombineFn;
import org.apache.beam.sdk.transforms.SerializableFunction;

/**
 * Sums several amounts of a record exactly, and counts the records, in one pass.
 *
 * <p>Example: {@code Sums.of(Sale::getStoreSales, Sale::getStoreCost)}; then {@code totals.sum(0)}
 * is the revenue, {@code totals.sum(1)} the cost, {@code totals.count()} the sales.
 *
 * @param <T> type of the record
 */
public final class Sums<T> extends CombineFn<T, Totals, Totals> {

  private final List<SerializableFunction<T, BigDecimal>> amounts;

  private Sums(List<SerializableFunction<T, BigDecimal>> amounts) {
    this.amounts = amounts;
  }

  /** Sums of these amounts, in this order; none of them may be null. No amounts: a count. */
  @SafeVarargs
  @SuppressWarnings("varargs")
  public static <T> Sums<T> of(SerializableFunction<T, BigDecimal>... amounts) {
    return new Sums<>(List.of(amounts));
  }

  @Override
  public Totals createAccumulator() {
    return Totals.none(amounts.size());
  }

  @Override
  public Totals addInput(Totals accumulator, T record) {
    BigDecimal[] values = new BigDecimal[amounts.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = amounts.get(i).apply(record);
    }
    return accumulator.plus(1, values);
  }

  @Override
  public Totals mergeAccumulators(Iterable<Totals> accumulators) {
    Totals all = null;
    for (Totals one : accumulators) {
      all = all == null ? one : all.plus(one);
    }
    return all == null ? createAccumulator() : all;
  }

  @Override
  public Totals extractOutput(Totals accumulator) {
    return accumulator;
  }

  @Override
  public Coder<Totals> getAccumulatorCoder(CoderRegistry registry, Coder<T> input) {
    return Totals.coder();
  }

  @Override
  public Coder<Totals> getDefaultOutputCoder(CoderRegistry registry, Coder<T> input) {
    return Totals.coder();
  }
}

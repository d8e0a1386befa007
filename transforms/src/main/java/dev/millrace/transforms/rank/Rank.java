package dev.millrace.transforms.rank;

import dev.millrace.transforms.combine.CombineBlocks;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.ListCoder;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.jspecify.annotations.Nullable;

/**
 * The first {@code n} values of each key, as rows with a rank.
 *
 * <pre>{@code
 * spentByCustomer.apply("TopCustomers",
 *     Rank.<String, Spent, TopCustomer>top(10, Comparator.comparing(Spent::revenue))
 *         .into(RecordCoder.of(TopCustomer.class), (region, rank, spent) -> ...));
 * }</pre>
 *
 * <p><b>Input:</b> keyed values, one for each thing to be ranked. <b>Output:</b> at most {@code n}
 * rows per key, ranks from 1, no gaps. <b>Bounded/unbounded:</b> bounded: a stream ranks over what
 * it has stored. <b>State and timers:</b> none; n values per key. <b>Reasons:</b> none.
 * <b>Guarantee:</b> the comparator must be total: then the result does not depend on the order of
 * the input. <b>Runners:</b> all.
 *
 * @param <K> key to rank within
 * @param <V> what is ranked
 * @param <R> row
 */
public final class Rank<K, V, R> extends PTransform<PCollection<KV<K, V>>, PCollection<R>> {

  private final int n;
  private final SerializableComparator<V> order;
  private final @Nullable Coder<R> coder;
  private final @Nullable ToRow<K, V, R> toRow;

  private Rank(
      int n,
      SerializableComparator<V> order,
      @Nullable Coder<R> coder,
      @Nullable ToRow<K, V, R> toRow) {
    this.n = n;
    this.order = order;
    this.coder = coder;
    this.toRow = toRow;
  }

  /** The {@code n} greatest by a total order. */
  public static <K, V, R> Rank<K, V, R> top(int n, SerializableComparator<V> order) {
    if (n < 1) {
      throw new IllegalArgumentException("a rank needs at least one place, not " + n);
    }
    return new Rank<>(n, order, null, null);
  }

  /** Makes a row of key, rank and value. */
  public Rank<K, V, R> into(Coder<R> rows, ToRow<K, V, R> function) {
    return new Rank<>(n, order, rows, function);
  }

  @Override
  public PCollection<R> expand(PCollection<KV<K, V>> input) {
    if (coder == null || toRow == null) {
      throw new IllegalStateException(
          "say what a row is: Rank.top(n, order).into(coder, function)");
    }
    if (!(input.getCoder() instanceof KvCoder<K, V> keyed)) {
      throw new IllegalArgumentException("set a KvCoder on the input, not " + input.getCoder());
    }
    int places = n;
    SerializableComparator<V> by = order;
    return input
        .apply(
            "Top",
            CombineBlocks.of(
                v -> KV.of(v.getKey(), List.of(v.getValue())),
                KvCoder.of(keyed.getKeyCoder(), ListCoder.of(keyed.getValueCoder())),
                (a, b) -> best(a, b, places, by)))
        .apply("Rows", ParDo.of(new Rows<>(toRow)))
        .setCoder(coder);
  }

  /** The first places of two lists that are in order, in order. */
  private static <V> List<V> best(List<V> a, List<V> b, int places, Comparator<V> by) {
    List<V> both = new ArrayList<>(Math.min(places, a.size() + b.size()));
    int i = 0;
    int j = 0;
    while (both.size() < places && (i < a.size() || j < b.size())) {
      boolean first = j == b.size() || (i < a.size() && by.compare(a.get(i), b.get(j)) >= 0);
      both.add(first ? a.get(i++) : b.get(j++));
    }
    return both;
  }

  /**
   * An order that can be sent to workers.
   *
   * @param <V> what it orders
   */
  public interface SerializableComparator<V> extends Comparator<V>, Serializable {}

  /**
   * Makes a row.
   *
   * @param <K> key
   * @param <V> value
   * @param <R> row
   */
  @FunctionalInterface
  public interface ToRow<K, V, R> extends Serializable {
    /** The row of a value that has a rank, from 1, within its key. */
    R row(K key, int rank, V value);
  }

  private static final class Rows<K, V, R> extends DoFn<KV<K, List<V>>, R> {
    private final ToRow<K, V, R> toRow;

    private Rows(ToRow<K, V, R> toRow) {
      this.toRow = toRow;
    }

    @ProcessElement
    public void process(@Element KV<K, List<V>> ranked, OutputReceiver<R> out) {
      int rank = 1;
      for (V value : ranked.getValue()) {
        out.output(toRow.row(ranked.getKey(), rank++, value));
      }
    }
  }
}

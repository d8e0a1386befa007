package dev.millrace.transforms.enrich;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.transforms.AtRest;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.SourcedCoder;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.MapCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.GroupByKey;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.View;
import org.apache.beam.sdk.transforms.WithKeys;
import org.apache.beam.sdk.util.construction.RunnerPCollectionView;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollection.IsBounded;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.PCollectionViews;
import org.apache.beam.sdk.values.PInput;
import org.apache.beam.sdk.values.POutput;
import org.apache.beam.sdk.values.PValue;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.TypeDescriptors;

/**
 * All rows of a dimension by their key, on every worker: what {@link Enrich} looks foreign keys up
 * in.
 *
 * <p>Example: {@code Dimension<Store> stores = refined.good().apply("Stores",
 * Dimension.of(Store.class))}.
 *
 * <p><b>Input:</b> rows whose contract has a key of one field, an integer or a string; tens of
 * thousands at most. <b>Output:</b> this, one map built once, not decoded again for each look-up.
 * <b>Bounded/unbounded:</b> bounded only. <b>State and timers:</b> a grouping in the global window.
 * <b>Reasons:</b> none. <b>Guarantee:</b> of several rows with one key the one of the earliest
 * origin; remove copies before, so that they are accounted for. <b>Runners:</b> all.
 *
 * @param <V> type of the rows
 */
public final class Dimension<V> implements POutput {

  private final Contract contract;
  private final PCollectionView<Map<Object, V>> view;
  private final PCollection<Map<Object, V>> rows;
  private final TupleTag<Map<Object, V>> tag = new TupleTag<>("rows");

  private Dimension(
      Contract contract, PCollection<Map<Object, V>> rows, PCollectionView<Map<Object, V>> view) {
    this.contract = contract;
    this.rows = rows;
    this.view = view;
  }

  /** The dimension of rows of a class, by the key its contract declares. */
  public static <V extends SpecificRecord> PTransform<PCollection<Sourced<V>>, Dimension<V>> of(
      Class<V> type) {
    Contract contract = Contract.of(type);
    if (contract.key().size() != 1) {
      throw new IllegalArgumentException(
          "contract %s has a key of %d fields; a dimension needs one"
              .formatted(contract.name(), contract.key().size()));
    }
    keyCoder(contract);
    return new Broadcast<>(contract);
  }

  /** The contract of the rows. */
  public Contract contract() {
    return contract;
  }

  FieldContract key() {
    return contract.key().get(0);
  }

  PCollectionView<Map<Object, V>> view() {
    return view;
  }

  @Override
  public Pipeline getPipeline() {
    return rows.getPipeline();
  }

  @Override
  public Map<TupleTag<?>, PValue> expand() {
    return Map.of(tag, rows);
  }

  @Override
  public void finishSpecifyingOutput(
      String transformName, PInput input, PTransform<?, ?> transform) {}

  @SuppressWarnings("unchecked") // The coder meets only values of the key's own type.
  private static Coder<Object> keyCoder(Contract contract) {
    FieldContract key = contract.key().get(0);
    Coder<?> coder =
        switch (key.type()) {
          case INT -> VarIntCoder.of();
          case LONG -> VarLongCoder.of();
          case STRING -> StringUtf8Coder.of();
          default ->
              throw new IllegalArgumentException(
                  "contract %s: its key %s is a %s; a dimension is keyed by int, long or string"
                      .formatted(contract.name(), key.name(), key.type()));
        };
    return (Coder<Object>) coder;
  }

  private static final class Broadcast<V extends SpecificRecord>
      extends PTransform<PCollection<Sourced<V>>, Dimension<V>> {
    private final Contract contract;

    private Broadcast(Contract contract) {
      this.contract = contract;
    }

    @Override
    public Dimension<V> expand(PCollection<Sourced<V>> rows) {
      if (rows.isBounded() == IsBounded.UNBOUNDED) {
        throw new IllegalArgumentException(
            "the rows of dimension "
                + contract.table()
                + " never end; a dimension is read from a bounded collection");
      }
      SourcedCoder<V> coder = (SourcedCoder<V>) rows.getCoder();
      PCollection<Map<Object, V>> map =
          rows.apply("Global", AtRest.window())
              .apply(
                  "Together",
                  WithKeys.<Integer, Sourced<V>>of(0).withKeyType(TypeDescriptors.integers()))
              .setCoder(KvCoder.of(VarIntCoder.of(), coder))
              .apply("Rows", GroupByKey.create())
              .apply("Map", ParDo.of(new ByKey<>(contract)))
              .setCoder(MapCoder.of(keyCoder(contract), coder.valueCoder()));
      PCollectionView<Map<Object, V>> view = view(map);
      map.apply("View", View.CreatePCollectionView.of(view));
      return new Dimension<>(contract, map, view);
    }

    /**
     * A view that is called like its step. Beam numbers views by all that was made before them, and
     * Flink finds their rows in a savepoint by that: a step more, anywhere, and the rows are gone.
     */
    private static <T> PCollectionView<Map<Object, T>> view(PCollection<Map<Object, T>> map) {
      Coder<Map<Object, T>> coder = map.getCoder();
      PCollectionView<Map<Object, T>> numbered =
          PCollectionViews.singletonView(
              map,
              coder::getEncodedTypeDescriptor,
              map.getWindowingStrategy(),
              true,
              Map.of(),
              coder);
      return named(numbered, map);
    }

    @SuppressWarnings({"unchecked", "rawtypes", "deprecation"}) // Beam hides what views are made of
    private static <T> PCollectionView<T> named(PCollectionView<T> view, PCollection<T> of) {
      return new RunnerPCollectionView(
          of,
          new TupleTag<>(of.getName()),
          view.getViewFn(),
          view.getWindowMappingFn(),
          view.getWindowingStrategyInternal(),
          view.getCoderInternal());
    }
  }

  /**
   * Makes one map of all rows. A combine would have the map as its state, which a live run on Flink
   * reads and writes for each row: what is grouped is only added to.
   */
  private static final class ByKey<V extends SpecificRecord>
      extends DoFn<KV<Integer, Iterable<Sourced<V>>>, Map<Object, V>> {
    private final Contract contract;

    private ByKey(Contract contract) {
      this.contract = contract;
    }

    @ProcessElement
    public void process(
        @Element KV<Integer, Iterable<Sourced<V>>> rows, OutputReceiver<Map<Object, V>> out) {
      Map<Object, Sourced<V>> earliest = new HashMap<>();
      for (Sourced<V> row : rows.getValue()) {
        Object key = Objects.requireNonNull(contract.key().get(0).valueIn(row.value()), "key");
        earliest.merge(key, row, ByKey::earlier);
      }
      Map<Object, V> values = new HashMap<>(2 * earliest.size());
      earliest.forEach((key, row) -> values.put(key, row.value()));
      out.output(values);
    }

    private static <V> Sourced<V> earlier(Sourced<V> one, Sourced<V> other) {
      return one.origin().compareTo(other.origin()) <= 0 ? one : other;
    }
  }
}

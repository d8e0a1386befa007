package dev.millrace.transforms.enrich;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.contract.Reason;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.AtRest;
import dev.millrace.transforms.DeadLetters;
import dev.millrace.transforms.Outcome;
import dev.millrace.transforms.RecordCoder;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.SourcedCoder;
import dev.millrace.transforms.Tally;
import dev.millrace.transforms.WindowedTallies;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.TupleTagList;
import org.jspecify.annotations.Nullable;

/**
 * Adds to each record what dimensions say about its foreign keys, in one pass.
 *
 * <pre>{@code
 * Accounted<EnrichedSale> enriched = unique.good().apply("EnrichSales",
 *     Enrich.broadcast(Sale.class).as("EnrichSales")
 *         .lookup("product_id", products)
 *         .lookup("store_id", stores)
 *         .into(EnrichedSale.class, (sale, looked) -> ... looked.get("store_id", Store.class) ...));
 * }</pre>
 *
 * <p><b>Input:</b> records of a contract. <b>Output:</b> what the function makes of each record and
 * the rows its keys point to; windows and timestamps stay. A null key points to nothing and is no
 * fault. <b>Bounded/unbounded:</b> both; the dimensions are bounded and read as a whole before the
 * first record. <b>State and timers:</b> none. <b>Reasons:</b> {@link Reason#ORPHAN_KEY}, for the
 * first key, in the order of the look-ups, that its dimension has no row for. <b>Guarantee:</b>
 * every record is written or refused. <b>Runners:</b> all.
 *
 * @param <T> type of the records
 * @param <R> type of what comes out
 */
public final class Enrich<T extends SpecificRecord, R>
    extends PTransform<PCollection<Sourced<T>>, Accounted<R>> {

  private final Lookups<T> lookups;
  private final Coder<R> coder;
  private final Join<T, R> join;
  private final boolean last;

  private Enrich(Lookups<T> lookups, Coder<R> coder, Join<T, R> join, boolean last) {
    this.lookups = lookups;
    this.coder = coder;
    this.join = join;
    this.last = last;
  }

  /** Enriches records of a class from dimensions that every worker holds whole. */
  public static <T extends SpecificRecord> Lookups<T> broadcast(Class<T> type) {
    return new Lookups<>(Contract.of(type), "Enrich" + type.getSimpleName(), List.of());
  }

  /**
   * The same as the last stage that refuses records: what comes out has no payload. That makes it
   * shorter on the way to other tasks and in state; a stage that refuses it all the same would have
   * no bytes for its dead letter.
   */
  public Enrich<T, R> withoutPayload() {
    return new Enrich<>(lookups, coder, join, true);
  }

  @Override
  public Accounted<R> expand(PCollection<Sourced<T>> input) {
    TupleTag<Sourced<R>> good = new TupleTag<>("good");
    TupleTag<DeadLetter> rejects = new TupleTag<>("rejects");
    TupleTag<Tally> tallies = new TupleTag<>("tallies");
    List<PCollectionView<?>> views = new ArrayList<>();
    lookups.lookups.forEach(lookup -> views.add(lookup.view));
    PCollectionTuple out =
        input.apply(
            "LookUp",
            ParDo.of(new LookUp<>(lookups, join, last, rejects, tallies))
                .withSideInputs(views)
                .withOutputTags(good, TupleTagList.of(rejects).and(tallies)));
    return Accounted.of(
        out.get(good).setCoder(SourcedCoder.of(coder)),
        out.get(rejects).setCoder(DeadLetters.coder()),
        out.get(tallies).setCoder(Tally.coder()).apply("Tallies", AtRest.window()));
  }

  /**
   * The foreign keys to look up, before it is said what becomes of the rows.
   *
   * @param <T> type of the records
   */
  public static final class Lookups<T extends SpecificRecord> {
    private final Contract contract;
    private final String stage;
    private final List<Lookup> lookups;

    private Lookups(Contract contract, String stage, List<Lookup> lookups) {
      this.contract = contract;
      this.stage = stage;
      this.lookups = lookups;
    }

    /** The same under another stage name, which stands in the ledger and in dead letters. */
    public Lookups<T> as(String name) {
      return new Lookups<>(contract, name, lookups);
    }

    /** Looks a field up in a dimension. Its type must be that of the dimension's key. */
    public Lookups<T> lookup(String field, Dimension<?> dimension) {
      FieldContract key = contract.field(field);
      if (key.type() != dimension.key().type()) {
        throw new IllegalArgumentException(
            "%s.%s is a %s, but %s.%s is a %s: nothing would be found"
                .formatted(
                    contract.name(),
                    field,
                    key.type(),
                    dimension.contract().name(),
                    dimension.key().name(),
                    dimension.key().type()));
      }
      List<Lookup> more = new ArrayList<>(lookups);
      more.add(new Lookup(key.name(), dimension.contract().table(), dimension.view()));
      return new Lookups<>(contract, stage, List.copyOf(more));
    }

    /** Makes records of a class. */
    public <R extends SpecificRecord> Enrich<T, R> into(Class<R> type, Join<T, R> join) {
      return into(RecordCoder.of(type), join);
    }

    /** Makes anything that has a coder. */
    public <R> Enrich<T, R> into(Coder<R> coder, Join<T, R> join) {
      return new Enrich<>(this, coder, join, false);
    }
  }

  /**
   * Makes an enriched record.
   *
   * @param <T> type of the record
   * @param <R> type of the enriched record
   */
  @FunctionalInterface
  public interface Join<T, R> extends Serializable {
    /** A record and the rows its keys point to, as one. */
    R join(T record, Looked looked);
  }

  private record Lookup(String field, String table, PCollectionView<? extends Map<Object, ?>> view)
      implements Serializable {}

  private static final class LookUp<T extends SpecificRecord, R>
      extends DoFn<Sourced<T>, Sourced<R>> {
    private final Contract contract;
    private final String stage;
    private final List<Lookup> lookups;
    private final List<String> names;
    private final Join<T, R> join;
    private final boolean last;
    private final TupleTag<DeadLetter> rejectsTag;
    private final TupleTag<Tally> talliesTag;
    private transient List<FieldContract> fields = List.of();
    private transient @Nullable List<Map<Object, ?>> rows;
    private final WindowedTallies tallies;

    private LookUp(
        Lookups<T> lookups,
        Join<T, R> join,
        boolean last,
        TupleTag<DeadLetter> rejectsTag,
        TupleTag<Tally> talliesTag) {
      this.contract = lookups.contract;
      this.stage = lookups.stage;
      this.lookups = lookups.lookups;
      this.names = this.lookups.stream().map(Lookup::field).toList();
      this.join = join;
      this.last = last;
      this.rejectsTag = rejectsTag;
      this.talliesTag = talliesTag;
      this.tallies = new WindowedTallies(stage);
    }

    @StartBundle
    public void start() {
      fields = names.stream().map(contract::field).toList();
      tallies.start();
      rows = null;
    }

    @ProcessElement
    public void process(ProcessContext context, BoundedWindow window) {
      // Dimensions are in the global window, so one bundle sees one map of each: asked for once,
      // since some runners make the map again each time they are asked.
      if (rows == null) {
        List<Map<Object, ?>> all = new ArrayList<>();
        lookups.forEach(lookup -> all.add(context.sideInput(lookup.view)));
        rows = all;
      }
      Sourced<T> record = context.element();
      String source = record.origin().source();
      @Nullable Object[] found = new @Nullable Object[lookups.size()];
      for (int i = 0; i < found.length; i++) {
        Object key = fields.get(i).valueIn(record.value());
        if (key != null) {
          found[i] = rows.get(i).get(key);
          if (found[i] == null) {
            tallies.count(source, Outcome.INVALID, 1, window);
            context.output(rejectsTag, orphan(i, key, record));
            return;
          }
        }
      }
      tallies.count(source, Outcome.WRITTEN, 1, window);
      Sourced<R> enriched = record.with(join.join(record.value(), new Looked(names, found)));
      context.output(last ? enriched.withoutPayload() : enriched);
    }

    @FinishBundle
    public void finish(FinishBundleContext context) {
      tallies.finish(context, talliesTag);
    }

    private DeadLetter orphan(int i, Object key, Sourced<T> record) {
      FieldContract field = fields.get(i);
      String shown = field.privacy().isEmpty() ? field.name() + " " + key : field.name();
      return DeadLetters.of(
          stage,
          Reason.ORPHAN_KEY,
          shown + " is in no row of " + lookups.get(i).table,
          field.name(),
          contract,
          record);
    }
  }
}

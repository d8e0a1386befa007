package dev.millrace.pipelines.job;

import dev.millrace.pipelines.UserError;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.RawRecord;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CoderRegistry;
import org.apache.beam.sdk.coders.DelegateCoder;
import org.apache.beam.sdk.coders.ListCoder;
import org.apache.beam.sdk.coders.MapCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.coders.VoidCoder;
import org.apache.beam.sdk.transforms.Combine;
import org.apache.beam.sdk.transforms.Combine.CombineFn;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.PCollection;
import org.jspecify.annotations.Nullable;

/**
 * Fails a backfill whose archive begins too late or ends too early: it would replace windows by
 * less than they hold, or delete them.
 *
 * <p><b>Input:</b> the raw records of the archive. <b>Output:</b> one element when it reaches far
 * enough. <b>Bounded/unbounded:</b> bounded. <b>State and timers:</b> none. <b>Reasons:</b> none.
 * <b>Guarantee:</b> each source that the archive has a record of is there from its position 0, or
 * from what arrived at the given time; what has no arrival times, or no record, is refused. A
 * source of which it has none is not missed. <b>Runners:</b> all.
 */
final class ArchiveCovers extends PTransform<PCollection<RawRecord>, PCollection<Void>> {

  private final Instant from;
  private final @Nullable Instant until;
  private final Set<String> whole;

  private ArchiveCovers(Instant from, @Nullable Instant until, Set<String> whole) {
    this.from = from;
    this.until = until;
    this.whole = whole;
  }

  /** What arrived from then on must be in the archive. */
  static ArchiveCovers from(Instant time) {
    return new ArchiveCovers(time, null, Set.of());
  }

  /** The same, until then; else it is known to end late enough. */
  ArchiveCovers until(Instant time) {
    return new ArchiveCovers(from, time, whole);
  }

  /** The same, but of these sources it is known that nothing is missing at their beginning. */
  ArchiveCovers withWhole(Set<String> sources) {
    return new ArchiveCovers(from, until, Set.copyOf(sources));
  }

  @Override
  public PCollection<Void> expand(PCollection<RawRecord> archive) {
    return archive
        .apply("Extents", Combine.globally(new Extents()))
        .apply("Check", ParDo.of(new Check(from, until, whole)))
        .setCoder(VoidCoder.of());
  }

  /**
   * What there is of a source.
   *
   * @param position the least
   * @param first the earliest arrival, {@link Origin#NO_ARRIVAL} if one is not known
   * @param last the latest
   */
  private record Extent(long position, long first, long last) {
    private static final Coder<Map<String, Extent>> CODER =
        MapCoder.of(
            StringUtf8Coder.of(),
            DelegateCoder.of(
                ListCoder.of(VarLongCoder.of()),
                extent -> List.of(extent.position, extent.first, extent.last),
                numbers -> new Extent(numbers.get(0), numbers.get(1), numbers.get(2))));

    private Extent and(Extent other) {
      return new Extent(
          Math.min(position, other.position),
          Math.min(first, other.first),
          Math.max(last, other.last));
    }
  }

  private static final class Extents
      extends CombineFn<RawRecord, Map<String, Extent>, Map<String, Extent>> {
    @Override
    public Map<String, Extent> createAccumulator() {
      return new TreeMap<>();
    }

    @Override
    public Map<String, Extent> addInput(Map<String, Extent> extents, RawRecord record) {
      Origin origin = record.origin();
      extents.merge(
          origin.source(),
          new Extent(origin.position(), origin.arrivalMillis(), origin.arrivalMillis()),
          Extent::and);
      return extents;
    }

    @Override
    public Map<String, Extent> mergeAccumulators(Iterable<Map<String, Extent>> all) {
      Map<String, Extent> merged = createAccumulator();
      all.forEach(
          one -> one.forEach((source, extent) -> merged.merge(source, extent, Extent::and)));
      return merged;
    }

    @Override
    public Map<String, Extent> extractOutput(Map<String, Extent> extents) {
      return extents;
    }

    @Override
    public Coder<Map<String, Extent>> getAccumulatorCoder(
        CoderRegistry registry, Coder<RawRecord> input) {
      return Extent.CODER;
    }

    @Override
    public Coder<Map<String, Extent>> getDefaultOutputCoder(
        CoderRegistry registry, Coder<RawRecord> input) {
      return Extent.CODER;
    }
  }

  private static final class Check extends DoFn<Map<String, Extent>, Void> {
    private final Instant from;
    private final @Nullable Instant until;
    private final Set<String> whole;

    private Check(Instant from, @Nullable Instant until, Set<String> whole) {
      this.from = from;
      this.until = until;
      this.whole = whole;
    }

    @ProcessElement
    public void process(@Element Map<String, Extent> extents, OutputReceiver<Void> out) {
      if (extents.isEmpty()) {
        throw new UserError(
            "The archive holds no record, and what it does not hold a backfill deletes. Give the"
                + " archive of the windows to fill.");
      }
      extents.forEach(this::checkBeginning);
      long last = extents.values().stream().mapToLong(Extent::last).max().orElseThrow();
      if (until != null && last < until.toEpochMilli()) {
        throw new UserError(
            "The archive ends with what arrived at "
                + Instant.ofEpochMilli(last)
                + ", and windows before --to can hold what arrived until "
                + until
                + ". End earlier, archive more first, or read the topic itself with ?until=end.");
      }
      out.output(null);
    }

    private void checkBeginning(String source, Extent extent) {
      if (whole.contains(source)) {
        return;
      }
      if (extent.first == Origin.NO_ARRIVAL) {
        throw new UserError(
            "Of "
                + source
                + " the archive does not say when its records arrived, so nothing says how far it"
                + " reaches. Give the bronze of a topic, or the topic itself with ?until=end.");
      }
      if (extent.position > 0 && extent.first > from.toEpochMilli()) {
        throw new UserError(
            "Of "
                + source
                + " the archive begins with what arrived at "
                + Instant.ofEpochMilli(extent.first)
                + ", and windows from --from on can hold what arrived since "
                + from
                + ". Begin later, or give an archive that reaches further back.");
      }
    }
  }
}

package dev.millrace.pipelines.job;

import dev.millrace.pipelines.UserError;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.RawRecord;
import java.time.Instant;
import org.apache.beam.sdk.coders.VoidCoder;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.Max;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.TypeDescriptors;

/**
 * Fails a backfill whose archive ends too early: it would replace windows by less than they hold.
 *
 * <p><b>Input:</b> the raw records of the archive. <b>Output:</b> one element when it reaches far
 * enough. <b>Bounded/unbounded:</b> bounded. <b>State and timers:</b> none. <b>Reasons:</b> none.
 * <b>Guarantee:</b> as far as arrival times are known: an archive without any is taken as whole.
 * <b>Runners:</b> all.
 */
final class ArchiveCovers extends PTransform<PCollection<RawRecord>, PCollection<Void>> {

  private final Instant until;

  private ArchiveCovers(Instant until) {
    this.until = until;
  }

  /** What arrived until then must be in the archive. */
  static ArchiveCovers until(Instant time) {
    return new ArchiveCovers(time);
  }

  @Override
  public PCollection<Void> expand(PCollection<RawRecord> archive) {
    return archive
        .apply(
            "Arrivals",
            MapElements.into(TypeDescriptors.longs()).via(raw -> raw.origin().arrivalMillis()))
        .apply("Last", Max.longsGlobally())
        .apply("Check", ParDo.of(new Check(until)))
        .setCoder(VoidCoder.of());
  }

  private static final class Check extends DoFn<Long, Void> {
    private final Instant until;

    private Check(Instant until) {
      this.until = until;
    }

    @ProcessElement
    public void process(@Element Long last, OutputReceiver<Void> out) {
      if (last != Origin.NO_ARRIVAL && last < until.toEpochMilli()) {
        throw new UserError(
            "The archive ends with what arrived at "
                + Instant.ofEpochMilli(last)
                + ", and windows before --to can hold what arrived until "
                + until
                + ". End earlier, archive more first, or read the topic itself with ?until=end.");
      }
      out.output(null);
    }
  }
}

package dev.millrace.transforms.profile;

import dev.millrace.contract.Contract;
import dev.millrace.schemas.system.FieldProfile;
import dev.millrace.transforms.RecordCoder;
import dev.millrace.transforms.Sourced;
import java.time.Duration;
import java.util.List;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CoderRegistry;
import org.apache.beam.sdk.coders.ListCoder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.transforms.Combine;
import org.apache.beam.sdk.transforms.Combine.CombineFn;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.Flatten;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.windowing.AfterProcessingTime;
import org.apache.beam.sdk.transforms.windowing.DefaultTrigger;
import org.apache.beam.sdk.transforms.windowing.GlobalWindow;
import org.apache.beam.sdk.transforms.windowing.GlobalWindows;
import org.apache.beam.sdk.transforms.windowing.Repeatedly;
import org.apache.beam.sdk.transforms.windowing.Window;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollection.IsBounded;
import org.apache.beam.sdk.values.PCollectionList;
import org.jspecify.annotations.Nullable;

/**
 * What a run saw in each field of a contract: records, nulls, least and greatest value.
 *
 * <p>Example: {@code sales.good().apply("ProfileSales", Profile.of("sales", Sale.class))}.
 *
 * <p><b>Input:</b> records. <b>Output:</b> one {@link FieldProfile} per field; of private fields
 * the counts only. Numbers and times are ordered by value, text by its characters' codes.
 * <b>Bounded/unbounded:</b> in batch once, also where there was no record; in a stream running
 * profiles, stated again a while after something new came, to be upserted. <b>State and timers:</b>
 * a combine in the global window, one accumulator. <b>Reasons:</b> none. <b>Guarantee:</b>
 * independent of order and bundles. <b>Runners:</b> all.
 *
 * @param <T> type of the records
 */
public final class Profile<T extends SpecificRecord>
    extends PTransform<PCollection<Sourced<T>>, PCollection<FieldProfile>> {

  private static final Coder<FieldProfile> PROFILE = RecordCoder.of(FieldProfile.class);
  private static final Coder<List<FieldProfile>> PROFILES = ListCoder.of(PROFILE);

  private final String pipeline;
  private final Contract contract;
  private final Duration every;

  private Profile(String pipeline, Contract contract, Duration every) {
    this.pipeline = pipeline;
    this.contract = contract;
    this.every = every;
  }

  /** The profile of a pipeline's records of a class. */
  public static <T extends SpecificRecord> Profile<T> of(String pipeline, Class<T> type) {
    return new Profile<>(pipeline, Contract.of(type), Duration.ofSeconds(10));
  }

  /** How long, by the clock, after something new came a stream states its profiles again. */
  public Profile<T> withUpdates(Duration after) {
    if (after.isNegative()) {
      throw new IllegalArgumentException("updates after " + after + " are in the past");
    }
    return new Profile<>(pipeline, contract, after);
  }

  @Override
  public PCollection<FieldProfile> expand(PCollection<Sourced<T>> input) {
    boolean bounded = input.isBounded() == IsBounded.BOUNDED;
    Combine.Globally<Seen, List<FieldProfile>> combine =
        Combine.globally(new Add(pipeline, contract));
    PCollection<Seen> seen =
        input
            .apply(
                "Global",
                Window.<Sourced<T>>into(new GlobalWindows())
                    .triggering(
                        bounded
                            ? DefaultTrigger.of()
                            : Repeatedly.forever(
                                AfterProcessingTime.pastFirstElementInPane()
                                    .plusDelayOf(org.joda.time.Duration.millis(every.toMillis()))))
                    .withAllowedLateness(org.joda.time.Duration.ZERO)
                    .accumulatingFiredPanes())
            .apply("SeeBundle", ParDo.of(new SeeBundle<T>(contract)))
            .setCoder(Seen.coder(contract));
    if (bounded) {
      // Something to add where there was no record. Not the default of the combine: that is a side
      // input, and the Direct
      // runner tries what waits for one again and again until the run ends.
      seen =
          PCollectionList.of(seen)
              .and(
                  input
                      .getPipeline()
                      .apply("Nothing", Create.of(0).withCoder(VarIntCoder.of()))
                      .apply("NothingSeen", ParDo.of(new NothingSeen(contract)))
                      .setCoder(Seen.coder(contract)))
              .apply("AllSeen", Flatten.pCollections());
    }
    return seen.apply("Add", combine.withoutDefaults())
        .setCoder(PROFILES)
        .apply("Profiles", Flatten.iterables())
        .setCoder(PROFILE);
  }

  private static final class NothingSeen extends DoFn<Integer, Seen> {
    private final Contract contract;

    private NothingSeen(Contract contract) {
      this.contract = contract;
    }

    @ProcessElement
    public void process(OutputReceiver<Seen> out) {
      out.output(new Seen(contract));
    }
  }

  private static final class SeeBundle<T extends SpecificRecord> extends DoFn<Sourced<T>, Seen> {
    private final Contract contract;
    private transient @Nullable Seen seen;

    private SeeBundle(Contract contract) {
      this.contract = contract;
    }

    @ProcessElement
    public void process(@Element Sourced<T> record) {
      if (seen == null) {
        seen = new Seen(contract);
      }
      seen.add(record.value());
    }

    @FinishBundle
    public void finish(FinishBundleContext context) {
      if (seen != null) {
        context.output(seen, GlobalWindow.INSTANCE.maxTimestamp(), GlobalWindow.INSTANCE);
        seen = null;
      }
    }
  }

  private static final class Add extends CombineFn<Seen, Seen, List<FieldProfile>> {
    private final String pipeline;
    private final Contract contract;

    private Add(String pipeline, Contract contract) {
      this.pipeline = pipeline;
      this.contract = contract;
    }

    @Override
    public Seen createAccumulator() {
      return new Seen(contract);
    }

    @Override
    public Seen addInput(Seen sum, Seen bundle) {
      return sum.plus(bundle);
    }

    @Override
    public Seen mergeAccumulators(Iterable<Seen> all) {
      Seen sum = createAccumulator();
      for (Seen one : all) {
        sum = sum.plus(one);
      }
      return sum;
    }

    @Override
    public List<FieldProfile> extractOutput(Seen sum) {
      return sum.profiles(pipeline);
    }

    @Override
    public Coder<Seen> getAccumulatorCoder(CoderRegistry registry, Coder<Seen> input) {
      return Seen.coder(contract);
    }

    @Override
    public Coder<List<FieldProfile>> getDefaultOutputCoder(
        CoderRegistry registry, Coder<Seen> input) {
      return PROFILES;
    }
  }
}

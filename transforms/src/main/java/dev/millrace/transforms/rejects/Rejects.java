package dev.millrace.transforms.rejects;

import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.AtRest;
import dev.millrace.transforms.DeadLetters;
import dev.millrace.transforms.Tallies;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.beam.sdk.metrics.Metrics;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.Flatten;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionList;

/**
 * Brings the refused records of all stages together, and stamps each with pipeline and version.
 *
 * <p>Example: {@code Rejects.of("sales", "0.1.0", refined, unique, enriched)}.
 *
 * <p><b>Input:</b> dead letters. <b>Output:</b> the same, stamped, in the global window.
 * <b>Bounded/unbounded:</b> both; one by one. <b>State and timers:</b> none. <b>Reasons:</b> those
 * of the stages. <b>Guarantee:</b> none is lost or changed otherwise. <b>Runners:</b> all.
 */
public final class Rejects
    extends PTransform<PCollectionList<DeadLetter>, PCollection<DeadLetter>> {

  private final String pipeline;
  private final String version;

  private Rejects(String pipeline, String version) {
    this.pipeline = pipeline;
    this.version = version;
  }

  /** The rejects of a pipeline's stages, brought together in a step {@code Rejects}. */
  public static PCollection<DeadLetter> of(
      String pipeline, String version, Accounted<?>... stages) {
    return PCollectionList.of(Arrays.stream(stages).map(Accounted::rejects).toList())
        .apply("Rejects", stamp(pipeline, version));
  }

  /** The same, to be applied to a list of rejects. */
  public static Rejects stamp(String pipeline, String version) {
    return new Rejects(pipeline, version);
  }

  @Override
  public PCollection<DeadLetter> expand(PCollectionList<DeadLetter> stages) {
    PCollectionList<DeadLetter> windowed = PCollectionList.empty(stages.getPipeline());
    for (int i = 0; i < stages.size(); i++) {
      // Stages can have windows of their own, which do not flatten.
      windowed = windowed.and(stages.get(i).apply("Global" + i, AtRest.window()));
    }
    return windowed
        .apply("Flatten", Flatten.pCollections())
        .setCoder(DeadLetters.coder())
        .apply("Stamp", ParDo.of(new Stamp(pipeline, version)))
        .setCoder(DeadLetters.coder());
  }

  private static final class Stamp extends DoFn<DeadLetter, DeadLetter> {
    private final String pipeline;
    private final String version;
    private transient Map<String, Integer> reasons = new HashMap<>();

    private Stamp(String pipeline, String version) {
      this.pipeline = pipeline;
      this.version = version;
    }

    @StartBundle
    public void start() {
      reasons = new HashMap<>();
    }

    @ProcessElement
    public void process(@Element DeadLetter reject, OutputReceiver<DeadLetter> out) {
      reasons.merge(reject.getReason(), 1, Integer::sum);
      out.output(DeadLetters.stamped(reject, pipeline, version));
    }

    /** Counters {@code millrace/rejected_<reason>}, for those who watch. */
    @FinishBundle
    public void finish() {
      reasons.forEach(
          (reason, count) ->
              Metrics.counter(Tallies.NAMESPACE, "rejected_" + reason.toLowerCase(Locale.ROOT))
                  .inc(count));
    }
  }
}

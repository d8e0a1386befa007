package dev.millrace.transforms;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.ListCoder;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.Flatten;
import org.apache.beam.sdk.transforms.Reshuffle;
import org.apache.beam.sdk.values.PCollection;

/** Collections that come in bundles of any sizes, for laws that must not depend on them. */
public final class Bundles {

  private Bundles() {}

  /** A pipeline; what it asserts fails {@code run().waitUntilFinish()}. */
  public static Pipeline pipeline() {
    return Pipeline.create(PipelineOptionsFactory.create());
  }

  /** The elements in bundles of up to five, cut and ordered by a seed. */
  public static <T> PCollection<T> of(
      Pipeline pipeline, List<T> elements, Coder<T> coder, long seed) {
    Random random = new Random(seed);
    List<T> rest = new ArrayList<>(elements);
    Collections.shuffle(rest, random);
    List<List<T>> bundles = new ArrayList<>();
    while (!rest.isEmpty()) {
      List<T> bundle = rest.subList(0, Math.min(rest.size(), 1 + random.nextInt(5)));
      bundles.add(List.copyOf(bundle));
      bundle.clear();
    }
    return pipeline
        .apply("Bundles", Create.of(bundles).withCoder(ListCoder.of(coder)))
        .apply("Apart", Reshuffle.viaRandomKey())
        .apply("Elements", Flatten.iterables())
        .setCoder(coder);
  }
}

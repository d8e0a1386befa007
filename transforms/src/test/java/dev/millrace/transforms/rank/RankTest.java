package dev.millrace.transforms.rank;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.testing.BeamTest;
import dev.millrace.testing.Expect;
import dev.millrace.testing.ExplicitCoders;
import dev.millrace.transforms.Bundles;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.testing.PAssert;
import org.apache.beam.sdk.testing.TestPipeline;
import org.apache.beam.sdk.testing.TestStream;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.junit.jupiter.api.Test;

@BeamTest
class RankTest {

  /** Within a region: (score, id). */
  private static final KvCoder<String, KV<Integer, Integer>> CODER =
      KvCoder.of(StringUtf8Coder.of(), KvCoder.of(VarIntCoder.of(), VarIntCoder.of()));

  /** More is better; of equal ones the lower id. */
  private static int byScore(KV<Integer, Integer> a, KV<Integer, Integer> b) {
    int byScore = Integer.compare(a.getKey(), b.getKey());
    return byScore != 0 ? byScore : Integer.compare(b.getValue(), a.getValue());
  }

  @Test
  void theFirstOfEachKeyWithRanksFromOne(TestPipeline pipeline) {
    PCollection<String> rows =
        pipeline
            .apply(
                Create.of(
                        scored("East", 5, 1),
                        scored("East", 7, 2),
                        scored("East", 6, 3),
                        scored("West", 1, 4))
                    .withCoder(CODER))
            .apply("Top", top(2));

    Expect.rowsInAnyOrder(rows, "East 1: 7 of 2", "East 2: 6 of 3", "West 1: 1 of 4");
    ExplicitCoders.in(pipeline);
    pipeline.run();
  }

  @Test
  void tiesAreBrokenByTheTotalOrder(TestPipeline pipeline) {
    PCollection<String> rows =
        pipeline
            .apply(
                Create.of(
                        scored("East", 5, 9),
                        scored("East", 5, 3),
                        scored("East", 5, 7),
                        scored("East", 5, 1))
                    .withCoder(CODER))
            .apply("Top", top(3));

    Expect.rowsInAnyOrder(rows, "East 1: 5 of 1", "East 2: 5 of 3", "East 3: 5 of 7");
    pipeline.run();
  }

  @Property(tries = 25)
  void theResultIsThatOfASortWhateverTheBundles(
      @ForAll @Size(max = 40) List<@IntRange(max = 14) Integer> scores,
      @ForAll @IntRange(min = 1, max = 5) int places,
      @ForAll long seed) {
    // Given
    Map<String, List<KV<Integer, Integer>>> byKey = new TreeMap<>();
    List<KV<String, KV<Integer, Integer>>> input = new ArrayList<>();
    for (int id = 0; id < scores.size(); id++) {
      KV<String, KV<Integer, Integer>> scored =
          scored("region" + scores.get(id) / 5, scores.get(id) % 5, id);
      input.add(scored);
      byKey.computeIfAbsent(scored.getKey(), k -> new ArrayList<>()).add(scored.getValue());
    }
    List<String> expected = new ArrayList<>();
    byKey.forEach(
        (region, all) -> {
          all.sort(
              Comparator.<KV<Integer, Integer>>comparingInt(s -> -s.getKey())
                  .thenComparingInt(KV::getValue));
          for (int i = 0; i < Math.min(places, all.size()); i++) {
            expected.add(row(region, i + 1, all.get(i)));
          }
        });
    Pipeline pipeline = Bundles.pipeline();

    // When
    PCollection<String> rows = Bundles.of(pipeline, input, CODER, seed).apply("Top", top(places));

    // Then
    PAssert.that(rows).containsInAnyOrder(expected);
    pipeline.run().waitUntilFinish();
  }

  @Test
  void whatIsMissingIsSaidBeforeTheRun() {
    PCollection<KV<String, KV<Integer, Integer>>> stream =
        TestPipeline.create().apply(TestStream.create(CODER).advanceWatermarkToInfinity());
    PCollection<KV<String, KV<Integer, Integer>>> bounded =
        TestPipeline.create().apply(Create.of(scored("East", 1, 1)).withCoder(CODER));

    var unbounded = assertThrows(IllegalArgumentException.class, () -> stream.apply(top(1)));
    var noPlace = assertThrows(IllegalArgumentException.class, () -> top(0));
    var noRow =
        assertThrows(
            IllegalStateException.class,
            () ->
                bounded.apply(
                    Rank.<String, KV<Integer, Integer>, String>top(1, RankTest::byScore)));

    assertThat(unbounded.getMessage(), containsString("bounded only"));
    assertThat(noPlace.getMessage(), containsString("at least one place"));
    assertThat(noRow.getMessage(), containsString("into(coder, function)"));
  }

  private static Rank<String, KV<Integer, Integer>, String> top(int places) {
    return Rank.<String, KV<Integer, Integer>, String>top(places, RankTest::byScore)
        .into(StringUtf8Coder.of(), RankTest::row);
  }

  private static String row(String region, int rank, KV<Integer, Integer> scored) {
    return region + " " + rank + ": " + scored.getKey() + " of " + scored.getValue();
  }

  private static KV<String, KV<Integer, Integer>> scored(String region, int score, int id) {
    return KV.of(region, KV.of(score, id));
  }
}

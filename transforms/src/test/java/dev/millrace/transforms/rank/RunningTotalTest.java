package dev.millrace.transforms.rank;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.testing.BeamTest;
import dev.millrace.testing.Expect;
import dev.millrace.testing.ExplicitCoders;
import dev.millrace.transforms.Bundles;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.coders.BigDecimalCoder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.testing.PAssert;
import org.apache.beam.sdk.testing.TestPipeline;
import org.apache.beam.sdk.testing.TestStream;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.junit.jupiter.api.Test;

@BeamTest
class RunningTotalTest {

  private static final KvCoder<String, KV<Long, BigDecimal>> CODER =
      KvCoder.of(StringUtf8Coder.of(), KvCoder.of(VarLongCoder.of(), BigDecimalCoder.of()));

  @Test
  void eachDayHasItsAmountAndTheTotalUntilItsEnd(TestPipeline pipeline) {
    PCollection<String> rows =
        pipeline
            .apply(
                Create.of(
                        amount("a", 10, "0.10"),
                        amount("a", -3, "0.20"),
                        amount("b", 5, "1"),
                        amount("a", 10, "0.05"),
                        amount("a", 400, "-0.35"))
                    .withCoder(CODER))
            .apply("Totals", totals());

    Expect.rowsInAnyOrder(
        rows, "a -3: 0.20, 0.20", "a 10: 0.15, 0.35", "a 400: -0.35, 0.00", "b 5: 1, 1");
    ExplicitCoders.in(pipeline);
    pipeline.run();
  }

  @Property(tries = 25)
  void theTotalOfADayIsTheSumOfAllAmountsUntilItWhateverTheBundles(
      @ForAll("amounts") List<KV<String, KV<Long, BigDecimal>>> amounts, @ForAll long seed) {
    // Given
    List<String> expected = new ArrayList<>();
    amounts.stream()
        .map(a -> KV.of(a.getKey(), a.getValue().getKey()))
        .distinct()
        .forEach(
            day ->
                expected.add(
                    row(
                        day.getKey(),
                        day.getValue(),
                        sum(amounts, day.getKey(), day.getValue(), day.getValue()),
                        sum(amounts, day.getKey(), Long.MIN_VALUE, day.getValue()))));
    Pipeline pipeline = Bundles.pipeline();

    // When
    PCollection<String> rows = Bundles.of(pipeline, amounts, CODER, seed).apply("Totals", totals());

    // Then
    PAssert.that(rows).containsInAnyOrder(expected);
    pipeline.run().waitUntilFinish();
  }

  @Test
  void aStreamIsRefused() {
    PCollection<KV<String, KV<Long, BigDecimal>>> stream =
        TestPipeline.create().apply(TestStream.create(CODER).advanceWatermarkToInfinity());

    var refused = assertThrows(IllegalArgumentException.class, () -> stream.apply(totals()));

    assertThat(refused.getMessage(), containsString("apply it to a bounded collection"));
  }

  private static BigDecimal sum(
      List<KV<String, KV<Long, BigDecimal>>> amounts, String key, long from, long to) {
    return amounts.stream()
        .filter(a -> a.getKey().equals(key))
        .map(KV::getValue)
        .filter(a -> a.getKey() >= from && a.getKey() <= to)
        .map(KV::getValue)
        .reduce(BigDecimal.ZERO, BigDecimal::add);
  }

  @Provide
  Arbitrary<List<KV<String, KV<Long, BigDecimal>>>> amounts() {
    return Combinators.combine(
            Arbitraries.of("a", "b", ""),
            Arbitraries.longs().between(-2, 5),
            Arbitraries.longs().between(-10_000, 10_000_000))
        .as((key, day, cents) -> KV.of(key, KV.of(day, BigDecimal.valueOf(cents, 4))))
        .list()
        .ofMaxSize(30);
  }

  private static RunningTotal<String, String> totals() {
    return RunningTotal.into(StringUtf8Coder.of(), RunningTotalTest::row);
  }

  private static String row(String key, long day, BigDecimal ofDay, BigDecimal total) {
    return key + " " + day + ": " + ofDay + ", " + total;
  }

  private static KV<String, KV<Long, BigDecimal>> amount(String key, long day, String amount) {
    return KV.of(key, KV.of(day, new BigDecimal(amount)));
  }
}

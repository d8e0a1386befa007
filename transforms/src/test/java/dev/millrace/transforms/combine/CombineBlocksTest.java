package dev.millrace.transforms.combine;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.testing.BeamTest;
import dev.millrace.testing.Expect;
import dev.millrace.testing.ExplicitCoders;
import java.util.ArrayList;
import java.util.List;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.testing.PAssert;
import org.apache.beam.sdk.testing.TestPipeline;
import org.apache.beam.sdk.testing.TestStream;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.windowing.FixedWindows;
import org.apache.beam.sdk.transforms.windowing.Window;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.TimestampedValue;
import org.joda.time.Duration;
import org.joda.time.Instant;
import org.junit.jupiter.api.Test;

@BeamTest
class CombineBlocksTest {

  private static final KvCoder<String, Long> CODER =
      KvCoder.of(StringUtf8Coder.of(), VarLongCoder.of());

  @Test
  void isCombinePerKey(TestPipeline pipeline) {
    List<KV<String, Long>> values = new ArrayList<>();
    List<KV<String, Long>> expected = new ArrayList<>();
    for (long i = 0; i < 300; i++) {
      values.add(KV.of("key" + i % 100, i));
    }
    for (long i = 0; i < 100; i++) {
      expected.add(KV.of("key" + i, 300 + 3 * i));
    }

    PCollection<KV<String, Long>> sums =
        pipeline
            .apply(Create.of(values).withCoder(CODER))
            .apply("Sum", CombineBlocks.perKey(Long::sum));

    PAssert.that(sums).containsInAnyOrder(expected);
    ExplicitCoders.in(pipeline);
    pipeline.run();
  }

  @Test
  void windowsDoNotKeepKeysApart(TestPipeline pipeline) {
    PCollection<KV<String, Long>> sums =
        pipeline
            .apply(
                Create.timestamped(
                        TimestampedValue.of(KV.of("a", 1L), Instant.EPOCH),
                        TimestampedValue.of(
                            KV.of("a", 2L), Instant.EPOCH.plus(Duration.standardDays(1))))
                    .withCoder(CODER))
            .apply(Window.into(FixedWindows.of(Duration.standardMinutes(1))))
            .apply("Sum", CombineBlocks.perKey(Long::sum));

    Expect.rowsInAnyOrder(sums, KV.of("a", 3L));
    pipeline.run();
  }

  @Test
  void aStreamIsRefused() {
    PCollection<KV<String, Long>> stream =
        TestPipeline.create().apply(TestStream.create(CODER).advanceWatermarkToInfinity());

    var refused =
        assertThrows(
            IllegalArgumentException.class, () -> stream.apply(CombineBlocks.perKey(Long::sum)));

    assertThat(refused.getMessage(), containsString("bounded only"));
  }
}

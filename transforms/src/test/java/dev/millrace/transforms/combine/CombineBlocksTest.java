package dev.millrace.transforms.combine;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.lessThan;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.testing.BeamTest;
import dev.millrace.testing.Expect;
import dev.millrace.testing.ExplicitCoders;
import dev.millrace.testing.Splitting;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.MapCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.runners.TransformHierarchy;
import org.apache.beam.sdk.testing.PAssert;
import org.apache.beam.sdk.testing.TestPipeline;
import org.apache.beam.sdk.testing.TestStream;
import org.apache.beam.sdk.transforms.Count;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.FlatMapElements;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.Max;
import org.apache.beam.sdk.transforms.windowing.FixedWindows;
import org.apache.beam.sdk.transforms.windowing.Window;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.TimestampedValue;
import org.apache.beam.sdk.values.TypeDescriptor;
import org.apache.beam.sdk.values.TypeDescriptors;
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
  void blocksFitIntoTheLeastMemoryOfASort(TestPipeline pipeline) {
    // Given: values that cannot be compressed, in one bundle
    Random random = new Random(1);
    List<KV<String, byte[]>> values = new ArrayList<>();
    for (int i = 0; i < 5_000; i++) {
      byte[] value = new byte[1_000];
      random.nextBytes(value);
      values.add(KV.of("key" + i, value));
    }

    // When
    PCollection<KV<String, byte[]>> combined =
        pipeline
            .apply(Create.of(1).withCoder(VarIntCoder.of()))
            .apply(
                "Values",
                FlatMapElements.into(new TypeDescriptor<KV<String, byte[]>>() {})
                    .via(one -> values))
            .setCoder(KvCoder.of(StringUtf8Coder.of(), ByteArrayCoder.of()))
            .apply("First", CombineBlocks.perKey((a, b) -> a));

    // Then
    PAssert.thatSingleton(combined.apply("All", Count.globally())).isEqualTo(5_000L);
    PAssert.thatSingleton(
            packed(pipeline)
                .apply(
                    "Sizes",
                    MapElements.into(TypeDescriptors.integers())
                        .via(block -> block.getValue().length))
                .apply("Largest", Max.integersGlobally()))
        .satisfies(
            largest -> {
              assertThat(largest, lessThan(200 << 10));
              return null;
            });
    pipeline.run();
  }

  @SuppressWarnings("unchecked") // of what CombineBlocks groups
  private static PCollection<KV<Integer, byte[]>> packed(Pipeline pipeline) {
    List<PCollection<KV<Integer, byte[]>>> found = new ArrayList<>();
    pipeline.traverseTopologically(
        new Pipeline.PipelineVisitor.Defaults() {
          @Override
          public void visitPrimitiveTransform(TransformHierarchy.Node node) {
            if (node.getFullName().startsWith("First/Pack")) {
              node.getOutputs()
                  .values()
                  .forEach(output -> found.add((PCollection<KV<Integer, byte[]>>) output));
            }
          }
        });
    assertThat(found, hasSize(1));
    return found.get(0);
  }

  @Test
  void aPartThatARunnerTakesAwayIsMergedByWhoHasIt() throws IOException {
    // Given
    Random random = new Random(1);
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(block);
    List<Integer> keys = new ArrayList<>();
    for (int part = 0; part < CombineBlocks.PARTS; part++) {
      ByteArrayOutputStream entry = new ByteArrayOutputStream();
      entry.write(part);
      VarIntCoder.of().encode(part, entry);
      // So large that there are several steps.
      byte[] value = new byte[100_000];
      random.nextBytes(value);
      ByteArrayCoder.of().encode(value, entry);
      byte[] zipped = Zipped.zip(entry.toByteArray());
      out.writeByte(part);
      out.writeByte(part);
      out.writeInt(zipped.length);
      out.write(zipped);
      keys.add(part);
    }
    CombineBlocks.Merge<Integer, byte[]> merge =
        new CombineBlocks.Merge<>((a, b) -> a, KvCoder.of(VarIntCoder.of(), ByteArrayCoder.of()));
    KV<Integer, Iterable<byte[]>> bucket = KV.of(0, List.of(block.toByteArray()));
    List<Integer> merged = new ArrayList<>();

    // When
    Splitting.run(
        merge.steps(bucket),
        tracker ->
            merge.process(
                bucket, tracker, Splitting.receiver(entry -> merged.add(entry.getKey()))));

    // Then
    merged.sort(null);
    assertThat(merged, equalTo(keys));
  }

  @Test
  void keysWithoutOneEncodingAreRefused(TestPipeline pipeline) {
    PCollection<KV<Map<String, String>, Long>> input =
        pipeline.apply(
            Create.empty(
                KvCoder.of(
                    MapCoder.of(StringUtf8Coder.of(), StringUtf8Coder.of()), VarLongCoder.of())));

    var refused =
        assertThrows(
            IllegalArgumentException.class, () -> input.apply(CombineBlocks.perKey(Long::sum)));

    assertThat(refused.getMessage(), containsString("equal keys must have equal encodings"));
    pipeline.enableAbandonedNodeEnforcement(false);
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

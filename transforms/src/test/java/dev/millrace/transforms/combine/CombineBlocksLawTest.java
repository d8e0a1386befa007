package dev.millrace.transforms.combine;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.is;

import dev.millrace.transforms.Bundles;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.coders.BigEndianLongCoder;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.testing.PAssert;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.junit.jupiter.api.Test;

/** Whatever the bundles and the order: what a plain map says. */
class CombineBlocksLawTest {

  private static final KvCoder<String, Long> CODER =
      KvCoder.of(StringUtf8Coder.of(), BigEndianLongCoder.of());

  @Property(tries = 25)
  void theResultIsThatOfAPlainMap(
      @ForAll @Size(max = 60)
          List<@CharRange(from = 'a', to = 'e') @StringLength(max = 2) String> keys,
      @ForAll long seed) {
    // Given
    Map<String, Long> expected = new HashMap<>();
    List<KV<String, Long>> input = new ArrayList<>();
    for (int i = 0; i < keys.size(); i++) {
      long value = 1L << i;
      expected.merge(keys.get(i), value, Long::sum);
      input.add(KV.of(keys.get(i), value));
    }
    Pipeline pipeline = Bundles.pipeline();

    // When
    PCollection<KV<String, Long>> sums =
        Bundles.of(pipeline, input, CODER, seed).apply("Sum", CombineBlocks.perKey(Long::sum));

    // Then
    PAssert.that(sums)
        .containsInAnyOrder(
            expected.entrySet().stream().map(e -> KV.of(e.getKey(), e.getValue())).toList());
    pipeline.run().waitUntilFinish();
  }

  @Property(tries = 10)
  void elementsThatAreNotKeyedGiveTheSame(
      @ForAll @Size(max = 40) List<@IntRange(max = 999) Integer> values, @ForAll long seed) {
    // Given
    Map<String, Long> expected = new HashMap<>();
    values.forEach(value -> expected.merge("k" + value % 7, (long) value, Math::max));
    Pipeline pipeline = Bundles.pipeline();

    // When
    PCollection<KV<String, Long>> greatest =
        Bundles.of(pipeline, values, VarIntCoder.of(), seed)
            .apply(
                "Greatest", CombineBlocks.of(v -> KV.of("k" + v % 7, (long) v), CODER, Math::max));

    // Then
    PAssert.that(greatest)
        .containsInAnyOrder(
            expected.entrySet().stream().map(e -> KV.of(e.getKey(), e.getValue())).toList());
    pipeline.run().waitUntilFinish();
  }

  /** More than a worker merges at a time: 3,000 keys of 4 KB that do not compress. */
  @Test
  void whatIsMergedInPartsIsWhole() {
    // Given
    int keys = 3000;
    List<Integer> seeds = IntStream.range(0, 80).boxed().toList();
    Pipeline pipeline = Bundles.pipeline();

    // When
    PCollection<KV<Integer, Integer>> hashes =
        pipeline
            .apply(Create.of(seeds).withCoder(VarIntCoder.of()))
            .apply("Values", ParDo.of(new Values(keys)))
            .setCoder(KvCoder.of(VarIntCoder.of(), ByteArrayCoder.of()))
            .apply("Mix", CombineBlocks.perKey(CombineBlocksLawTest::mixed))
            .apply("Hash", ParDo.of(new Hash()))
            .setCoder(KvCoder.of(VarIntCoder.of(), VarIntCoder.of()));

    // Then
    PAssert.that(hashes)
        .satisfies(
            all -> {
              boolean[] seen = new boolean[keys];
              for (KV<Integer, Integer> hash : all) {
                int key = hash.getKey();
                assertThat("key " + key + " came before", seen[key], is(false));
                seen[key] = true;
                byte[] whole = mixed(Values.bytes(key, 0), Values.bytes(key, 1));
                assertThat("value of key " + key, hash.getValue(), is(Arrays.hashCode(whole)));
              }
              for (int key = 0; key < keys; key++) {
                assertThat("key " + key + " is there", seen[key], is(true));
              }
              return null;
            });
    pipeline.run().waitUntilFinish();
  }

  private static byte[] mixed(byte[] one, byte[] other) {
    byte[] both = new byte[one.length];
    for (int i = 0; i < both.length; i++) {
      both[i] = (byte) (one[i] ^ other[i]);
    }
    return both;
  }

  /** Each key twice, from different seeds. */
  private static final class Values extends DoFn<Integer, KV<Integer, byte[]>> {
    private final int keys;

    private Values(int keys) {
      this.keys = keys;
    }

    @ProcessElement
    public void process(@Element Integer seed, OutputReceiver<KV<Integer, byte[]>> out) {
      for (int key = seed % 40; key < keys; key += 40) {
        out.output(KV.of(key, bytes(key, seed / 40)));
      }
    }

    private static byte[] bytes(int key, int half) {
      byte[] bytes = new byte[4096];
      new Random(2L * key + half).nextBytes(bytes);
      return bytes;
    }
  }

  private static final class Hash extends DoFn<KV<Integer, byte[]>, KV<Integer, Integer>> {
    @ProcessElement
    public void process(
        @Element KV<Integer, byte[]> value, OutputReceiver<KV<Integer, Integer>> out) {
      out.output(KV.of(value.getKey(), Arrays.hashCode(value.getValue())));
    }
  }
}

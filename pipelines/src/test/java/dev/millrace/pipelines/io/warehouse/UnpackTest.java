package dev.millrace.pipelines.io.warehouse;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;

import dev.millrace.testing.Splitting;
import dev.millrace.transforms.combine.Zipped;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.values.KV;
import org.junit.jupiter.api.Test;

class UnpackTest {

  @Test
  void aBlockThatARunnerTakesAwayIsUnpackedByWhoHasIt() throws Exception {
    // Given
    Random random = new Random(1);
    List<byte[]> blocks = new ArrayList<>();
    List<Integer> expected = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      byte[] row = new byte[30_000];
      random.nextBytes(row);
      row[0] = (byte) i;
      ByteArrayOutputStream block = new ByteArrayOutputStream();
      ByteArrayCoder.of().encode(row, block);
      blocks.add(Zipped.zip(block.toByteArray()));
      expected.add(i);
    }
    KV<Integer, Iterable<byte[]>> element = KV.of(0, blocks);
    WriteTable.Unpack<byte[]> unpack = new WriteTable.Unpack<>(ByteArrayCoder.of());
    List<Integer> unpacked = new ArrayList<>();

    // When
    Splitting.run(
        unpack.steps(element),
        tracker ->
            unpack.process(
                element, tracker, Splitting.receiver(row -> unpacked.add((int) row[0]))));

    // Then
    unpacked.sort(null);
    assertThat(unpacked, equalTo(expected));
  }
}

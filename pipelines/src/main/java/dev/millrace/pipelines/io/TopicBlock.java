package dev.millrace.pipelines.io;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.apache.beam.sdk.coders.BigEndianLongCoder;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CustomCoder;
import org.apache.beam.sdk.coders.VarIntCoder;

/**
 * Records of a partition that one answer of the broker brought, in their order.
 *
 * @param partition number of the partition
 * @param offsets of the records
 * @param arrivals timestamps of the records, in milliseconds
 * @param values of the records; a tombstone's is empty
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody, and not copied for speed
record TopicBlock(int partition, long[] offsets, long[] arrivals, byte[][] values) {

  int size() {
    return offsets.length;
  }

  /** When the first of them arrived, by their timestamps. */
  long leastArrival() {
    long least = Long.MAX_VALUE;
    for (long arrival : arrivals) {
      least = Math.min(least, arrival);
    }
    return least;
  }

  /** When the last of them arrived, by their timestamps. */
  long greatestArrival() {
    long greatest = Long.MIN_VALUE;
    for (long arrival : arrivals) {
      greatest = Math.max(greatest, arrival);
    }
    return greatest;
  }

  static Coder<TopicBlock> coder() {
    return BlockCoder.INSTANCE;
  }

  private static final class BlockCoder extends CustomCoder<TopicBlock> {
    private static final long serialVersionUID = 1L;
    private static final BlockCoder INSTANCE = new BlockCoder();
    private static final VarIntCoder COUNT = VarIntCoder.of();
    private static final BigEndianLongCoder LONG = BigEndianLongCoder.of();
    private static final ByteArrayCoder BYTES = ByteArrayCoder.of();

    @Override
    public void encode(TopicBlock block, OutputStream out) throws IOException {
      COUNT.encode(block.partition, out);
      COUNT.encode(block.size(), out);
      for (int i = 0; i < block.size(); i++) {
        LONG.encode(block.offsets[i], out);
        LONG.encode(block.arrivals[i], out);
        BYTES.encode(block.values[i], out);
      }
    }

    @Override
    public TopicBlock decode(InputStream in) throws IOException {
      int partition = COUNT.decode(in);
      int size = COUNT.decode(in);
      TopicBlock block =
          new TopicBlock(partition, new long[size], new long[size], new byte[size][]);
      for (int i = 0; i < size; i++) {
        block.offsets[i] = LONG.decode(in);
        block.arrivals[i] = LONG.decode(in);
        block.values[i] = BYTES.decode(in);
      }
      return block;
    }

    @Override
    public void verifyDeterministic() {}

    private Object readResolve() {
      return INSTANCE;
    }
  }
}

package dev.millrace.pipelines.io;

import java.util.List;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.DelegateCoder;
import org.apache.beam.sdk.coders.ListCoder;
import org.apache.beam.sdk.coders.VarLongCoder;

/**
 * A part of a partition for one worker.
 *
 * @param partition number of the partition
 * @param start first offset
 * @param end offset after the last
 */
record TopicSlice(int partition, long start, long end) {

  static Coder<TopicSlice> coder() {
    return DelegateCoder.of(
        ListCoder.of(VarLongCoder.of()),
        slice -> List.of((long) slice.partition, slice.start, slice.end),
        numbers -> new TopicSlice(Math.toIntExact(numbers.get(0)), numbers.get(1), numbers.get(2)));
  }
}

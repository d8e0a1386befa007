package dev.millrace.benchmarks.flink;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.ChainingStrategy;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Sums up what has the same key and window before it crosses to another task. What is summed goes
 * on when the watermark moves, before a checkpoint, when there are many sums, and at the end: so
 * nothing is late, and nothing is lost.
 *
 * @param <T> elements, with timestamps
 * @param <K> keys
 * @param <A> sums
 */
final class LocalSums<T, K, A> extends AbstractStreamOperator<Tuple3<K, Long, A>>
    implements OneInputStreamOperator<T, Tuple3<K, Long, A>> {

  private static final long serialVersionUID = 1L;
  private static final int MOST = 10_000;

  private final KeySelector<T, K> key;
  private final long size;
  private final AggregateFunction<T, A, A> add;
  private transient Map<Long, Map<K, A>> windows = new HashMap<>();
  private transient int sums;

  private LocalSums(KeySelector<T, K> key, long size, AggregateFunction<T, A, A> add) {
    this.key = key;
    this.size = size;
    this.add = add;
    setChainingStrategy(ChainingStrategy.ALWAYS);
  }

  /**
   * The sums by key and window: key, start of the window in milliseconds, and sum.
   *
   * @param size of the windows, in milliseconds
   */
  static <T, K, A> SingleOutputStreamOperator<Tuple3<K, Long, A>> of(
      SingleOutputStreamOperator<T> elements,
      KeySelector<T, K> key,
      TypeInformation<K> keys,
      long size,
      AggregateFunction<T, A, A> add,
      TypeInformation<A> sums) {
    return elements.transform(
        "sums", Types.TUPLE(keys, Types.LONG, sums), new LocalSums<>(key, size, add));
  }

  @Override
  public void open() {
    windows = new HashMap<>();
  }

  @Override
  public void processElement(StreamRecord<T> element) throws Exception {
    Map<K, A> window =
        windows.computeIfAbsent(
            Math.floorDiv(element.getTimestamp(), size) * size, first -> new HashMap<>());
    K of = key.getKey(element.getValue());
    A sum = window.get(of);
    if (sum == null) {
      sum = add.createAccumulator();
      sums++;
    }
    window.put(of, add.add(element.getValue(), sum));
    if (sums == MOST) {
      flush();
    }
  }

  private void flush() {
    windows.forEach(
        (start, window) ->
            window.forEach(
                (of, sum) -> output.collect(new StreamRecord<>(Tuple3.of(of, start, sum), start))));
    windows.clear();
    sums = 0;
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    flush();
    super.processWatermark(mark);
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) {
    flush();
  }

  @Override
  public void finish() {
    flush();
  }

  /** Sums of sums. */
  static final class Merge<K, A> implements AggregateFunction<Tuple3<K, Long, A>, A, A> {
    private static final long serialVersionUID = 1L;

    private final AggregateFunction<?, A, A> add;

    Merge(AggregateFunction<?, A, A> add) {
      this.add = add;
    }

    @Override
    public A createAccumulator() {
      return add.createAccumulator();
    }

    @Override
    public A add(Tuple3<K, Long, A> part, A sum) {
      return add.merge(sum, part.f2);
    }

    @Override
    public A getResult(A sum) {
      return sum;
    }

    @Override
    public A merge(A one, A other) {
      return add.merge(one, other);
    }
  }
}

package dev.millrace.testing;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;
import org.apache.beam.sdk.io.range.OffsetRange;
import org.apache.beam.sdk.transforms.DoFn.OutputReceiver;
import org.apache.beam.sdk.transforms.splittabledofn.OffsetRangeTracker;
import org.apache.beam.sdk.transforms.splittabledofn.RestrictionTracker;
import org.apache.beam.sdk.transforms.splittabledofn.SplitResult;
import org.apache.beam.sdk.values.OutputBuilder;
import org.joda.time.Instant;

/**
 * Works a splittable function as a runner does that takes half of what is left away, after every
 * claim, and checks that what a call was left with was done.
 */
public final class Splitting {

  private Splitting() {}

  /** One call of the function's {@code ProcessElement}. */
  @FunctionalInterface
  public interface Call {
    /** Works through the restriction of the tracker. */
    void with(RestrictionTracker<OffsetRange, Long> tracker) throws Exception;
  }

  /** Calls the function until the whole restriction is done. */
  public static void run(OffsetRange whole, Call call) {
    Deque<OffsetRange> left = new ArrayDeque<>();
    left.add(whole);
    while (!left.isEmpty()) {
      OffsetRangeTracker tracker =
          new OffsetRangeTracker(left.remove()) {
            @Override
            public boolean tryClaim(Long offset) {
              boolean claimed = super.tryClaim(offset);
              SplitResult<OffsetRange> split = claimed ? trySplit(0.5) : null;
              if (split != null) {
                left.add(split.getResidual());
              }
              return claimed;
            }
          };
      try {
        call.with(tracker);
      } catch (Exception failed) {
        throw new AssertionError("the function failed", failed);
      }
      tracker.checkDone();
    }
  }

  /** Gives what the function puts out to a consumer. */
  public static <T> OutputReceiver<T> receiver(Consumer<T> consumer) {
    return new OutputReceiver<T>() {
      @Override
      public OutputBuilder<T> builder(T value) {
        throw new UnsupportedOperationException("output with more than a timestamp");
      }

      @Override
      public void output(T value) {
        consumer.accept(value);
      }

      @Override
      public void outputWithTimestamp(T value, Instant timestamp) {
        consumer.accept(value);
      }
    };
  }
}

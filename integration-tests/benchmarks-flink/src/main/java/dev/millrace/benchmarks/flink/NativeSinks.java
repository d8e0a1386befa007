package dev.millrace.benchmarks.flink;

import org.apache.flink.streaming.api.functions.sink.SinkFunction;

/** Where the jobs that are written by hand end: in this process. */
final class NativeSinks {

  private NativeSinks() {}

  /** Takes refused records. */
  static final class TakeRejects implements SinkFunction<byte[]> {
    private static final long serialVersionUID = 1L;

    @Override
    public void invoke(byte[] record, Context context) {
      Collected.reject();
    }
  }

  /** A row of the answer. */
  public static final class Minute {
    public long start;
    public String action = "";
    public long events;
    public long revenue;

    /** For Flink. */
    public Minute() {}

    Minute(long start, String action, PlainJob.Sum sum) {
      this.start = start;
      this.action = action;
      this.events = sum.events;
      this.revenue = sum.revenue;
    }
  }

  /** Takes rows of the answer. */
  static final class TakeMinutes implements SinkFunction<Minute> {
    private static final long serialVersionUID = 1L;

    @Override
    public void invoke(Minute row, Context context) {
      Collected.minute(row.start, row.action, row.events, row.revenue);
    }
  }
}

package dev.millrace.benchmarks.flink;

import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * The job as one would write it whose bill depends on it: strings that nobody needs are not made,
 * what crosses to the next task is three numbers, and objects are used again.
 */
@SuppressWarnings("SameNameButDifferent") // Flink has two Contexts
final class TunedJob {

  private static final List<String> ACTIONS =
      List.of("view", "search", "cart", "checkout", "purchase");

  private TunedJob() {}

  static EventsAnswer run(EventsInput input) throws Exception {
    StreamExecutionEnvironment environment = NativeJob.environment(true);
    SingleOutputStreamOperator<Hit> hits =
        NativeJob.lines(environment, input).process(new Refine());
    hits.getSideOutput(NativeJob.REJECTS).addSink(new NativeSinks.TakeRejects());
    hits.assignTimestampsAndWatermarks(
            WatermarkStrategy.<Hit>forBoundedOutOfOrderness(NativeJob.OUT_OF_ORDER)
                .withTimestampAssigner((hit, before) -> hit.happened))
        .keyBy(hit -> hit.action)
        .window(TumblingEventTimeWindows.of(NativeJob.MINUTE))
        .aggregate(new Add(), new ToRow())
        .addSink(new NativeSinks.TakeMinutes());
    return NativeJob.run(environment);
  }

  /** What the sums need of an event. */
  public static final class Hit {
    public int action;
    public long happened;
    public long revenue;

    /** For Flink. */
    public Hit() {}
  }

  private static final class Refine extends NativeJob.Counting<byte[], Hit> {
    private static final long serialVersionUID = 1L;

    private transient @Nullable EventParser parser;

    private Refine() {
      super("good", "invalid", "late");
    }

    @Override
    public void open(Configuration parameters) {
      super.open(parameters);
      parser = new EventParser(false);
    }

    @Override
    public void processElement(byte[] line, Context context, Collector<Hit> out) {
      Event event = parser == null ? null : parser.parse(line);
      if (event == null) {
        refuse(line, false, context);
      } else if (NativeJob.isLate(event, context.timestamp())) {
        refuse(line, true, context);
      } else {
        Hit hit = new Hit();
        hit.action = ACTIONS.indexOf(event.action);
        hit.happened = event.happened;
        hit.revenue = event.revenue();
        good(hit, out);
      }
    }
  }

  private static final class Add implements AggregateFunction<Hit, PlainJob.Sum, PlainJob.Sum> {
    private static final long serialVersionUID = 1L;

    @Override
    public PlainJob.Sum createAccumulator() {
      return new PlainJob.Sum();
    }

    @Override
    public PlainJob.Sum add(Hit hit, PlainJob.Sum sum) {
      sum.events++;
      sum.revenue += hit.revenue;
      return sum;
    }

    @Override
    public PlainJob.Sum getResult(PlainJob.Sum sum) {
      return sum;
    }

    @Override
    public PlainJob.Sum merge(PlainJob.Sum one, PlainJob.Sum other) {
      one.events += other.events;
      one.revenue += other.revenue;
      return one;
    }
  }

  private static final class ToRow
      extends ProcessWindowFunction<PlainJob.Sum, NativeSinks.Minute, Integer, TimeWindow> {
    private static final long serialVersionUID = 1L;

    @Override
    public void process(
        Integer action,
        Context context,
        Iterable<PlainJob.Sum> sums,
        Collector<NativeSinks.Minute> out) {
      for (PlainJob.Sum sum : sums) {
        out.collect(new NativeSinks.Minute(context.window().getStart(), ACTIONS.get(action), sum));
      }
    }
  }
}

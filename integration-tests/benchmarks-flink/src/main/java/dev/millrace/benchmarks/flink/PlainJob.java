package dev.millrace.benchmarks.flink;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** The job as most would write it: an event is a POJO, and Flink's defaults are kept. */
@SuppressWarnings("SameNameButDifferent") // Flink has two Contexts
final class PlainJob {

  private PlainJob() {}

  static EventsAnswer run(EventsInput input) throws Exception {
    Collected.clear(input.bySession());
    StreamExecutionEnvironment environment = NativeJob.environment(false);
    KeySelector<Event, String> key =
        input.bySession() ? event -> event.session : event -> event.action;
    SingleOutputStreamOperator<Event> events =
        NativeJob.lines(environment, input).process(new Refine());
    events.getSideOutput(NativeJob.REJECTS).addSink(new NativeSinks.TakeRejects());
    events
        .assignTimestampsAndWatermarks(
            WatermarkStrategy.<Event>forBoundedOutOfOrderness(NativeJob.OUT_OF_ORDER)
                .withTimestampAssigner((event, before) -> event.happened))
        .keyBy(key, Types.STRING)
        .window(TumblingEventTimeWindows.of(NativeJob.MINUTE))
        .aggregate(new Add(), new ToRow())
        .addSink(new NativeSinks.TakeMinutes());
    return NativeJob.run(environment);
  }

  /** Parses, checks, and keeps late events out. */
  private static final class Refine extends NativeJob.Counting<byte[], Event> {
    private static final long serialVersionUID = 1L;

    private transient @Nullable EventParser parser;

    private Refine() {
      super("good", "invalid", "late");
    }

    @Override
    public void open(Configuration parameters) {
      super.open(parameters);
      parser = new EventParser(EventParser.Texts.ALL);
    }

    @Override
    public void processElement(byte[] line, Context context, Collector<Event> out) {
      Event event = parser == null ? null : parser.parse(line);
      if (event == null) {
        refuse(line, false, context);
      } else if (NativeJob.isLate(event, context.timestamp())) {
        refuse(line, true, context);
      } else {
        good(event, out);
      }
    }
  }

  /** Events and revenue. */
  public static final class Sum {
    public long events;
    public long revenue;

    /** For Flink. */
    public Sum() {}
  }

  private static final class Add implements AggregateFunction<Event, Sum, Sum> {
    private static final long serialVersionUID = 1L;

    @Override
    public Sum createAccumulator() {
      return new Sum();
    }

    @Override
    public Sum add(Event event, Sum sum) {
      sum.events++;
      sum.revenue += event.revenue();
      return sum;
    }

    @Override
    public Sum getResult(Sum sum) {
      return sum;
    }

    @Override
    public Sum merge(Sum one, Sum other) {
      one.events += other.events;
      one.revenue += other.revenue;
      return one;
    }
  }

  private static final class ToRow
      extends ProcessWindowFunction<Sum, NativeSinks.Minute, String, TimeWindow> {
    private static final long serialVersionUID = 1L;

    @Override
    public void process(
        String action, Context context, Iterable<Sum> sums, Collector<NativeSinks.Minute> out) {
      for (Sum sum : sums) {
        out.collect(new NativeSinks.Minute(context.window().getStart(), action, sum));
      }
    }
  }
}

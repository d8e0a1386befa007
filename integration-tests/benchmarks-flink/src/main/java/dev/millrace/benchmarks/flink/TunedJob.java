package dev.millrace.benchmarks.flink;

import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * The job as one would write it whose bill depends on it: strings that nobody needs are not made,
 * events are summed before they cross to the next task, and objects are used again.
 */
@SuppressWarnings("SameNameButDifferent") // Flink has two Contexts
final class TunedJob {

  private static final List<String> ACTIONS =
      List.of("view", "search", "cart", "checkout", "purchase");

  private TunedJob() {}

  static EventsAnswer run(EventsInput input) throws Exception {
    Collected.clear(input.bySession());
    StreamExecutionEnvironment environment = NativeJob.environment(true);
    DataStream<byte[]> lines = NativeJob.lines(environment, input);
    if (input.bySession()) {
      sum(
          lines.process(new RefineSessions(), Types.POJO(SessionHit.class)),
          hit -> hit.session,
          Types.STRING,
          session -> session);
    } else {
      sum(
          lines.process(new RefineActions(), Types.POJO(ActionHit.class)),
          hit -> hit.action,
          Types.INT,
          ACTIONS::get);
    }
    return NativeJob.run(environment);
  }

  private static <H extends Hit, K> void sum(
      SingleOutputStreamOperator<H> hits,
      KeySelector<H, K> key,
      TypeInformation<K> keys,
      MapFunction<K, String> name) {
    hits.getSideOutput(NativeJob.REJECTS).addSink(new NativeSinks.TakeRejects());
    TypeInformation<PlainJob.Sum> sums = Types.POJO(PlainJob.Sum.class);
    LocalSums.of(
            hits.assignTimestampsAndWatermarks(
                WatermarkStrategy.<H>forBoundedOutOfOrderness(NativeJob.OUT_OF_ORDER)
                    .withTimestampAssigner((hit, before) -> hit.happened)),
            key,
            keys,
            NativeJob.MINUTE.toMillis(),
            new Add<H>(),
            sums)
        .keyBy(sum -> sum.f0, keys)
        .window(TumblingEventTimeWindows.of(NativeJob.MINUTE))
        .aggregate(
            new LocalSums.Merge<K, PlainJob.Sum>(new Add<H>()),
            new ToRow<K>(name),
            Types.POJO(PlainJob.Sum.class),
            Types.POJO(PlainJob.Sum.class),
            Types.POJO(NativeSinks.Minute.class))
        .addSink(new NativeSinks.TakeMinutes());
  }

  /** What the sums need of an event, apart from the key. */
  @SuppressWarnings("checkstyle:VisibilityModifier") // Flink's serializer wants public fields
  abstract static class Hit {
    public long happened;
    public long revenue;
  }

  /** By action. */
  public static final class ActionHit extends Hit {
    public int action;

    /** For Flink. */
    public ActionHit() {}
  }

  /** By session. */
  public static final class SessionHit extends Hit {
    public String session = "";

    /** For Flink. */
    public SessionHit() {}
  }

  private static final class RefineActions extends Refine<ActionHit> {
    private static final long serialVersionUID = 1L;

    private RefineActions() {
      super(false);
    }

    @Override
    ActionHit hit(Event event) {
      ActionHit hit = new ActionHit();
      hit.action = ACTIONS.indexOf(event.action);
      return hit;
    }
  }

  private static final class RefineSessions extends Refine<SessionHit> {
    private static final long serialVersionUID = 1L;

    private RefineSessions() {
      super(true);
    }

    @Override
    SessionHit hit(Event event) {
      SessionHit hit = new SessionHit();
      hit.session = event.session;
      return hit;
    }
  }

  private abstract static class Refine<H extends Hit> extends NativeJob.Counting<byte[], H> {
    private static final long serialVersionUID = 1L;

    private final boolean bySession;
    private transient @Nullable EventParser parser;

    private Refine(boolean bySession) {
      super("good", "invalid", "late");
      this.bySession = bySession;
    }

    abstract H hit(Event event);

    @Override
    public void open(Configuration parameters) {
      super.open(parameters);
      parser = new EventParser(bySession ? EventParser.Texts.SESSION : EventParser.Texts.NONE);
    }

    @Override
    public void processElement(byte[] line, Context context, Collector<H> out) {
      Event event = parser == null ? null : parser.parse(line);
      if (event == null) {
        refuse(line, false, context);
      } else if (NativeJob.isLate(event, context.timestamp())) {
        refuse(line, true, context);
      } else {
        H hit = hit(event);
        hit.happened = event.happened;
        hit.revenue = event.revenue();
        good(hit, out);
      }
    }
  }

  private static final class Add<H extends Hit>
      implements AggregateFunction<H, PlainJob.Sum, PlainJob.Sum> {
    private static final long serialVersionUID = 1L;

    @Override
    public PlainJob.Sum createAccumulator() {
      return new PlainJob.Sum();
    }

    @Override
    public PlainJob.Sum add(H hit, PlainJob.Sum sum) {
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

  private static final class ToRow<K>
      extends ProcessWindowFunction<PlainJob.Sum, NativeSinks.Minute, K, TimeWindow> {
    private static final long serialVersionUID = 1L;

    private final MapFunction<K, String> name;

    private ToRow(MapFunction<K, String> name) {
      this.name = name;
    }

    @Override
    public void process(
        K key, Context context, Iterable<PlainJob.Sum> sums, Collector<NativeSinks.Minute> out)
        throws Exception {
      for (PlainJob.Sum sum : sums) {
        out.collect(new NativeSinks.Minute(context.window().getStart(), name.map(key), sum));
      }
    }
  }
}

package dev.millrace.benchmarks.flink;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import nl.basjes.parse.useragent.UserAgent;
import nl.basjes.parse.useragent.UserAgentAnalyzer;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.contrib.streaming.state.EmbeddedRocksDBStateBackend.PriorityQueueStateType;
import org.apache.flink.contrib.streaming.state.RocksDBOptions;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.streaming.api.functions.sink.SinkFunction;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.EventTimeSessionWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * The work of {@code clickstream}, written by hand: events are judged, enriched and freed of
 * copies, and three windows sum them up. Twice: as most would write it, and as one would whose bill
 * depends on it.
 *
 * <p>Besides what {@link EventParser} lacks, it has no ledger by source, its windows state nothing
 * before their end, and an event that is late for its window would be dropped without a trace (none
 * is: watermarks stay behind all that the gate lets pass).
 */
@SuppressWarnings("SameNameButDifferent") // Flink has two Contexts
final class WholeNativeJob {

  static final Duration CHECKPOINTS = Duration.ofSeconds(5);

  /**
   * What RocksDB may use beside the heap. With the 128 MB that a cluster inside a process has
   * otherwise, the dozen tables of these jobs share so little that RocksDB does nothing but move
   * what it has just written.
   */
  static final MemorySize STATE = MemorySize.parse("512m");

  private static final Duration FIVE_MINUTES = Duration.ofMinutes(5);
  private static final Duration GAP = Duration.ofMinutes(30);

  /** How far behind the watermark a copy is known. */
  private static final long COPIES = Duration.ofMinutes(1).toMillis();

  private static final List<String> ACTIONS =
      List.of("view", "search", "cart", "checkout", "purchase");

  private WholeNativeJob() {}

  /** The file of products that lies beside the events. */
  static Path products(EventsInput input) {
    return input.path().resolveSibling("product.json");
  }

  /** The file of product classes that lies beside the events. */
  static Path productClasses(EventsInput input) {
    return input.path().resolveSibling("product_class.json");
  }

  /** The whole event crosses to the next tasks, Flink's defaults, a state and a timer per id. */
  static EventsAnswer plain(EventsInput input) throws Exception {
    StreamExecutionEnvironment environment = environment(new Configuration());
    SingleOutputStreamOperator<Whole> events =
        NativeJob.lines(environment, input).process(new JudgeWhole(input));
    rejects(events);
    return windows(
        environment,
        timed(events).keyBy(Whole::id).process(new DedupById<>(), events.getType()).name("dedup"),
        false);
  }

  /**
   * Only what the sums need, made before events are grouped where keys are few; objects used again,
   * timers on the heap, states of many ids.
   */
  static EventsAnswer tuned(EventsInput input) throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(RocksDBOptions.TIMER_SERVICE_FACTORY, PriorityQueueStateType.HEAP);
    StreamExecutionEnvironment environment = environment(configuration);
    environment.getConfig().enableObjectReuse();
    SingleOutputStreamOperator<Slim> events =
        NativeJob.lines(environment, input).process(new JudgeSlim(input));
    rejects(events);
    return windows(
        environment,
        timed(events)
            .keyBy(DedupBySlot::slot)
            .process(new DedupBySlot<>(), events.getType())
            .name("dedup")
            .map(WholeNativeJob::withoutId)
            .returns(events.getType()),
        true);
  }

  /** Nobody needs it after the dedup. */
  private static Slim withoutId(Slim event) {
    event.id = "";
    return event;
  }

  private static StreamExecutionEnvironment environment(Configuration configuration)
      throws IOException {
    configuration.set(StateBackendOptions.STATE_BACKEND, "rocksdb");
    configuration.set(
        CheckpointingOptions.CHECKPOINTS_DIRECTORY,
        Files.createTempDirectory("native").toUri().toString());
    configuration.set(CheckpointingOptions.INCREMENTAL_CHECKPOINTS, true);
    configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, STATE);
    configuration.set(ExecutionOptions.BUFFER_TIMEOUT, Duration.ofMillis(20));
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
    environment.enableCheckpointing(CHECKPOINTS.toMillis());
    return environment;
  }

  private static void rejects(SingleOutputStreamOperator<?> events) {
    events.getSideOutput(NativeJob.REJECTS).addSink(new TakeRejects());
  }

  private static <C extends Click> SingleOutputStreamOperator<C> timed(
      SingleOutputStreamOperator<C> events) {
    return events.assignTimestampsAndWatermarks(
        WatermarkStrategy.<C>forBoundedOutOfOrderness(NativeJob.OUT_OF_ORDER)
            .withTimestampAssigner((event, before) -> event.happened()));
  }

  private static <C extends Click> EventsAnswer windows(
      StreamExecutionEnvironment environment, SingleOutputStreamOperator<C> events, boolean tuned)
      throws Exception {
    window(events, Click::action, FIVE_MINUTES, new AddEvents<C>(), new ToRow("5m"), tuned);
    window(events, Click::device, NativeJob.MINUTE, new AddActions<C>(), new ToRow("1m"), tuned);
    events
        .keyBy(Click::user)
        .window(EventTimeSessionWindows.withGap(GAP))
        .aggregate(new AddVisit<C>(), new ToRow("visit"))
        .addSink(new TakeRows());
    WholeCollected.clear();
    JobExecutionResult result = environment.execute();
    for (String outcome : List.of("good", "invalid", "late", "duplicate")) {
      WholeCollected.count(outcome, "", result.<Long>getAccumulatorResult(outcome));
    }
    return WholeCollected.answer();
  }

  /** Tuned: summed before it is grouped, for the keys are few. */
  private static <C extends Click> void window(
      SingleOutputStreamOperator<C> events,
      KeySelector<C, String> key,
      Duration size,
      Add<C> add,
      ToRow toRow,
      boolean tuned) {
    TumblingEventTimeWindows windows = TumblingEventTimeWindows.of(size);
    SingleOutputStreamOperator<Row> rows;
    if (tuned) {
      rows =
          LocalSums.of(
                  events, key, Types.STRING, size.toMillis(), add, TypeInformation.of(Sums.class))
              .keyBy(part -> part.f0, Types.STRING)
              .window(windows)
              .aggregate(new LocalSums.Merge<>(add), toRow);
    } else {
      rows = events.keyBy(key).window(windows).aggregate(add, toRow);
    }
    rows.addSink(new TakeRows());
  }

  /** What the windows ask of an enriched event. */
  interface Click {
    String id();

    String user();

    String action();

    String device();

    long happened();

    long revenue();
  }

  /** A whole event, enriched. */
  @SuppressWarnings("checkstyle:VisibilityModifier") // Flink's serializer wants public fields
  public static final class Whole implements Click {
    public Event event = new Event();
    public @Nullable String category;
    public String device = "";
    public long revenue;

    /** For Flink. */
    public Whole() {}

    @Override
    public String id() {
      return event.id;
    }

    @Override
    public String user() {
      return event.user;
    }

    @Override
    public String action() {
      return event.action;
    }

    @Override
    public String device() {
      return device;
    }

    @Override
    public long happened() {
      return event.happened;
    }

    @Override
    public long revenue() {
      return revenue;
    }
  }

  /** What the sums need of an event. */
  @SuppressWarnings("checkstyle:VisibilityModifier") // Flink's serializer wants public fields
  public static final class Slim implements Click {
    public String id = "";
    public String user = "";
    public int action;
    public String device = "";
    public long happened;
    public long revenue;

    /** For Flink. */
    public Slim() {}

    @Override
    public String id() {
      return id;
    }

    @Override
    public String user() {
      return user;
    }

    @Override
    public String action() {
      return ACTIONS.get(action);
    }

    @Override
    public String device() {
      return device;
    }

    @Override
    public long happened() {
      return happened;
    }

    @Override
    public long revenue() {
      return revenue;
    }
  }

  /** Parses, checks, keeps late events out, and looks up the product and the kind of device. */
  private abstract static class Judge<C> extends ProcessFunction<byte[], C> {
    private static final long serialVersionUID = 1L;

    private final String products;
    private final String classes;
    private final LongCounter invalid = new LongCounter();
    private final LongCounter late = new LongCounter();
    private final EventParser.Texts texts;
    private transient EventParser parser = new EventParser(EventParser.Texts.ALL);
    private transient Map<Integer, String> categories = Map.of();

    private Judge(EventsInput input, EventParser.Texts texts) {
      this.texts = texts;
      products = products(input).toString();
      classes = productClasses(input).toString();
    }

    @Override
    public void open(Configuration parameters) throws IOException {
      getRuntimeContext().addAccumulator("invalid", invalid);
      getRuntimeContext().addAccumulator("late", late);
      parser = new EventParser(texts);
      categories = categories(Path.of(products), Path.of(classes));
    }

    abstract C enriched(Event event, @Nullable String category, String device);

    @Override
    public void processElement(byte[] line, Context context, Collector<C> out) {
      Event event = parser.parse(line);
      if (event == null) {
        invalid.add(1L);
        context.output(NativeJob.REJECTS, line);
        return;
      }
      if (NativeJob.isLate(event, context.timestamp())) {
        late.add(1L);
        context.output(NativeJob.REJECTS, line);
        return;
      }
      String category = event.product == 0 ? null : categories.get(event.product);
      if (event.product != 0 && category == null) {
        invalid.add(1L);
        context.output(NativeJob.REJECTS, line);
        return;
      }
      out.collect(enriched(event, category, Devices.classOf(event.agent)));
    }

    /** Categories of products, by product: the dimensions are small, and held whole. */
    private static Map<Integer, String> categories(Path products, Path classes) throws IOException {
      Map<Integer, String> ofClass = new HashMap<>();
      for (JsonNode row : rows(classes)) {
        ofClass.put(row.get("product_class_id").intValue(), row.get("product_category").asText());
      }
      Map<Integer, String> ofProduct = new HashMap<>();
      for (JsonNode row : rows(products)) {
        String category = ofClass.get(row.get("product_class_id").intValue());
        if (category != null) {
          ofProduct.put(row.get("product_id").intValue(), category);
        }
      }
      return ofProduct;
    }

    private static List<JsonNode> rows(Path file) throws IOException {
      try (MappingIterator<JsonNode> rows =
          new ObjectMapper().readerFor(JsonNode.class).readValues(file.toFile())) {
        return rows.readAll();
      }
    }
  }

  private static final class JudgeWhole extends Judge<Whole> {
    private static final long serialVersionUID = 1L;

    private JudgeWhole(EventsInput input) {
      super(input, EventParser.Texts.ALL);
    }

    @Override
    Whole enriched(Event event, @Nullable String category, String device) {
      Whole whole = new Whole();
      whole.event = event;
      whole.category = category;
      whole.device = device;
      whole.revenue = event.revenue();
      return whole;
    }
  }

  private static final class JudgeSlim extends Judge<Slim> {
    private static final long serialVersionUID = 1L;

    private JudgeSlim(EventsInput input) {
      super(input, EventParser.Texts.VISITOR);
    }

    @Override
    Slim enriched(Event event, @Nullable String category, String device) {
      Slim slim = new Slim();
      slim.id = event.id;
      slim.user = event.user;
      slim.action = ACTIONS.indexOf(event.action);
      slim.device = device;
      slim.happened = event.happened;
      slim.revenue = event.revenue();
      return slim;
    }
  }

  /** Kinds of devices, by the same rules and with the same memory as the pipeline has. */
  private static final class Devices {
    private static final UserAgentAnalyzer ALL =
        UserAgentAnalyzer.newBuilder()
            .withField(UserAgent.DEVICE_CLASS)
            .withCache(10_000)
            .hideMatcherLoadStats()
            .build();

    private static String classOf(@Nullable String agent) {
      return agent == null || agent.isBlank()
          ? "Unknown"
          : ALL.parse(agent).getValue(UserAgent.DEVICE_CLASS);
    }
  }

  /** Counts what goes on, and what does not. */
  private abstract static class Dedup<K, C> extends KeyedProcessFunction<K, C, C> {
    private static final long serialVersionUID = 1L;

    private final LongCounter good = new LongCounter();
    private final LongCounter duplicate = new LongCounter();

    @Override
    public void open(Configuration parameters) {
      getRuntimeContext().addAccumulator("good", good);
      getRuntimeContext().addAccumulator("duplicate", duplicate);
    }

    final void first(C event, Collector<C> out) {
      good.add(1L);
      out.collect(event);
    }

    final void copy() {
      duplicate.add(1L);
    }
  }

  /** A state and a timer for each id. */
  private static final class DedupById<C extends Click> extends Dedup<String, C> {
    private static final long serialVersionUID = 1L;

    private static final ValueStateDescriptor<Boolean> SEEN =
        new ValueStateDescriptor<>("seen", Types.BOOLEAN);

    private transient @Nullable ValueState<Boolean> seen;

    @Override
    public void open(Configuration parameters) {
      super.open(parameters);
      seen = getRuntimeContext().getState(SEEN);
    }

    @Override
    public void processElement(C event, Context context, Collector<C> out) throws IOException {
      ValueState<Boolean> state = java.util.Objects.requireNonNull(seen);
      if (state.value() != null) {
        copy();
        return;
      }
      state.update(true);
      context.timerService().registerEventTimeTimer(event.happened() + COPIES);
      first(event, out);
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<C> out) {
      java.util.Objects.requireNonNull(seen).clear();
    }
  }

  /** A map for the ids of a bucket and second, and a timer for each map. */
  private static final class DedupBySlot<C extends Click> extends Dedup<Long, C> {
    private static final long serialVersionUID = 1L;
    private static final int BUCKETS = 64;
    private static final long SLICE = 1_000;

    private static final MapStateDescriptor<String, Boolean> SEEN =
        new MapStateDescriptor<>("seen", Types.STRING, Types.BOOLEAN);

    private transient @Nullable MapState<String, Boolean> seen;

    private static long slot(Click event) {
      return Math.floorDiv(event.happened(), SLICE) * BUCKETS
          + Math.floorMod(event.id().hashCode(), BUCKETS);
    }

    @Override
    public void open(Configuration parameters) {
      super.open(parameters);
      seen = getRuntimeContext().getMapState(SEEN);
    }

    @Override
    public void processElement(C event, Context context, Collector<C> out) throws Exception {
      MapState<String, Boolean> state = java.util.Objects.requireNonNull(seen);
      if (state.contains(event.id())) {
        copy();
        return;
      }
      state.put(event.id(), true);
      long second = Math.floorDiv(context.getCurrentKey(), BUCKETS);
      // The same one again and again is one timer.
      context.timerService().registerEventTimeTimer((second + 1) * SLICE + COPIES);
      first(event, out);
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<C> out) {
      java.util.Objects.requireNonNull(seen).clear();
    }
  }

  /** What a window counts. What each count is of, the window says. */
  @SuppressWarnings("checkstyle:VisibilityModifier") // Flink's serializer wants public fields
  public static final class Sums {
    public long first;
    public long second;
    public long purchases;
    public long revenue;

    /** For Flink. */
    public Sums() {}

    Sums plus(Sums other) {
      first += other.first;
      second += other.second;
      purchases += other.purchases;
      revenue += other.revenue;
      return this;
    }
  }

  private abstract static class Add<C extends Click> implements AggregateFunction<C, Sums, Sums> {
    private static final long serialVersionUID = 1L;

    @Override
    public Sums createAccumulator() {
      return new Sums();
    }

    @Override
    public Sums getResult(Sums sums) {
      return sums;
    }

    @Override
    public Sums merge(Sums one, Sums other) {
      return one.plus(other);
    }
  }

  /** Events, and revenue. */
  private static final class AddEvents<C extends Click> extends Add<C> {
    private static final long serialVersionUID = 1L;

    @Override
    public Sums add(C event, Sums sums) {
      sums.first++;
      sums.revenue += event.revenue();
      return sums;
    }
  }

  /** Views, carts, purchases, and revenue. */
  private static final class AddActions<C extends Click> extends Add<C> {
    private static final long serialVersionUID = 1L;

    @Override
    public Sums add(C event, Sums sums) {
      switch (event.action()) {
        case "view" -> sums.first++;
        case "cart" -> sums.second++;
        case "purchase" -> sums.purchases++;
        default -> {}
      }
      sums.revenue += event.revenue();
      return sums;
    }
  }

  /** Events, pages, purchases, and revenue. */
  private static final class AddVisit<C extends Click> extends Add<C> {
    private static final long serialVersionUID = 1L;

    @Override
    public Sums add(C event, Sums sums) {
      sums.first++;
      switch (event.action()) {
        case "view", "search" -> sums.second++;
        case "purchase" -> sums.purchases++;
        default -> {}
      }
      sums.revenue += event.revenue();
      return sums;
    }
  }

  /** A row of an answer. */
  @SuppressWarnings("checkstyle:VisibilityModifier") // Flink's serializer wants public fields
  public static final class Row {
    public String table = "";
    public String key = "";
    public long start;
    public long end;
    public Sums sums = new Sums();

    /** For Flink. */
    public Row() {}
  }

  private static final class ToRow extends ProcessWindowFunction<Sums, Row, String, TimeWindow> {
    private static final long serialVersionUID = 1L;

    private final String table;

    private ToRow(String table) {
      this.table = table;
    }

    @Override
    public void process(String key, Context context, Iterable<Sums> all, Collector<Row> out) {
      for (Sums sums : all) {
        Row row = new Row();
        row.table = table;
        row.key = key;
        row.start = context.window().getStart();
        row.end = context.window().getEnd();
        row.sums = sums;
        out.collect(row);
      }
    }
  }

  private static final class TakeRows implements SinkFunction<Row> {
    private static final long serialVersionUID = 1L;

    @Override
    public void invoke(Row row, Context context) {
      Sums sums = row.sums;
      switch (row.table) {
        case "5m" -> WholeCollected.fiveMinutes(row.start, row.key, sums.first, sums.revenue);
        case "1m" ->
            WholeCollected.minute(
                row.start, row.key, sums.first, sums.second, sums.purchases, sums.revenue);
        default ->
            WholeCollected.visit(
                row.key,
                row.start,
                row.end - GAP.toMillis(),
                sums.first,
                sums.second,
                sums.purchases > 0,
                sums.revenue);
      }
    }
  }

  private static final class TakeRejects implements SinkFunction<byte[]> {
    private static final long serialVersionUID = 1L;

    @Override
    public void invoke(byte[] record, Context context) {
      WholeCollected.reject();
    }
  }
}

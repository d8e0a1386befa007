package dev.millrace.transforms.window;

import dev.millrace.transforms.AtRest;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.window.OpenSessions.Session;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BinaryOperator;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.state.StateSpec;
import org.apache.beam.sdk.state.StateSpecs;
import org.apache.beam.sdk.state.TimeDomain;
import org.apache.beam.sdk.state.Timer;
import org.apache.beam.sdk.state.TimerSpec;
import org.apache.beam.sdk.state.TimerSpecs;
import org.apache.beam.sdk.state.ValueState;
import org.apache.beam.sdk.transforms.Combine.CombineFn;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.transforms.windowing.GlobalWindow;
import org.apache.beam.sdk.transforms.windowing.PaneInfo.Timing;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.joda.time.Instant;

/**
 * Sessions of a stream with one cell of state per key.
 *
 * <p>Beam's session windows give each record a window and merge the windows of a key as they meet:
 * per record they read and write the key's set of windows, and trigger, pane, watermark hold and
 * accumulator of each. Here a key's sessions are one value ({@link OpenSessions}), read and written
 * once for all the records of a bundle, and one event-time timer, set again only when it has fired.
 *
 * <p>The sessions are those of {@link org.apache.beam.sdk.transforms.windowing.Sessions}: two
 * records are of one session if less than the gap lies between them. What is stated is in the
 * global window, at the end of its session, or the time at which it was due if that is later. No
 * record is dropped: one that comes when its session is forgotten begins a new one.
 */
final class StreamSessions<T, K, A, R>
    extends PTransform<PCollection<Sourced<T>>, PCollection<Aggregate<K, R>>> {

  private final SerializableFunction<T, K> key;
  private final Coder<K> keys;
  private final CombineFn<T, A, R> fn;
  private final Coder<A> sums;
  private final Coder<R> results;
  private final Duration gap;
  private final WindowPolicy policy;

  StreamSessions(
      SerializableFunction<T, K> key,
      Coder<K> keys,
      CombineFn<T, A, R> fn,
      Coder<A> sums,
      Coder<R> results,
      Duration gap,
      WindowPolicy policy) {
    this.key = key;
    this.keys = keys;
    this.fn = fn;
    this.sums = sums;
    this.results = results;
    this.gap = gap;
    this.policy = policy;
  }

  @Override
  public PCollection<Aggregate<K, R>> expand(PCollection<Sourced<T>> input) {
    return input
        .apply("AllTime", AtRest.window())
        .apply("CombineBundle", ParDo.of(new CombineBundle<>(key, fn, gap)))
        .setCoder(KvCoder.of(keys, OpenSessions.sessionCoder(sums)))
        .apply("Sessions", ParDo.of(new Merge<K, A, R>(fn, sums, gap, policy)))
        .setCoder(Aggregate.coder(keys, results));
  }

  private static <A> BinaryOperator<A> plus(CombineFn<?, A, ?> fn) {
    return (one, other) -> fn.mergeAccumulators(List.of(one, other));
  }

  /** One element per key and session of a bundle. */
  private static final class CombineBundle<T, K, A> extends DoFn<Sourced<T>, KV<K, Session<A>>> {
    private record Part<A>(OpenSessions<A> sessions, Instant timestamp) {}

    private final SerializableFunction<T, K> key;
    private final CombineFn<T, A, ?> fn;
    private final long gapMillis;
    private transient Map<K, Part<A>> buffer = new HashMap<>();

    private CombineBundle(SerializableFunction<T, K> key, CombineFn<T, A, ?> fn, Duration gap) {
      this.key = key;
      this.fn = fn;
      this.gapMillis = gap.toMillis();
    }

    @StartBundle
    public void start() {
      buffer = new HashMap<>();
    }

    @ProcessElement
    public void process(
        @Element Sourced<T> record,
        @Timestamp Instant timestamp,
        OutputReceiver<KV<K, Session<A>>> out) {
      K of = key.apply(record.value());
      A one = fn.addInput(fn.createAccumulator(), record.value());
      Session<A> session = Session.of(record.requiredEventTimeMillis(), one);
      Part<A> part = buffer.get(of);
      if (part != null) {
        Instant earliest = part.timestamp.isBefore(timestamp) ? part.timestamp : timestamp;
        buffer.put(of, new Part<>(part.sessions.plus(session, gapMillis, plus(fn)), earliest));
      } else if (buffer.size() < Windowed.BUFFER_LIMIT) {
        buffer.put(of, new Part<>(OpenSessions.<A>none().with(List.of(session)), timestamp));
      } else {
        out.output(KV.of(of, session));
      }
    }

    @FinishBundle
    public void finish(FinishBundleContext context) {
      buffer.forEach(
          (of, part) ->
              part.sessions
                  .sessions()
                  .forEach(
                      session ->
                          context.output(
                              KV.of(of, session), part.timestamp, GlobalWindow.INSTANCE)));
      buffer = new HashMap<>();
    }
  }

  // Not private: its timers are called by the runner alone.
  static final class Merge<K, A, R> extends DoFn<KV<K, Session<A>>, Aggregate<K, R>> {
    private static final String OPEN = "open";
    private static final String CLOCK = "clock";
    private static final String ALARM = "alarm";

    @StateId(OPEN)
    private final StateSpec<ValueState<OpenSessions<A>>> spec;

    @TimerId(CLOCK)
    @SuppressWarnings("UnusedVariable") // read by the runner
    private final TimerSpec clockSpec = TimerSpecs.timer(TimeDomain.PROCESSING_TIME);

    @TimerId(ALARM)
    @SuppressWarnings("UnusedVariable") // read by the runner
    private final TimerSpec alarmSpec = TimerSpecs.timer(TimeDomain.EVENT_TIME);

    private final CombineFn<?, A, R> fn;
    private final long gapMillis;
    private final long latenessMillis;
    private final long earlyMillis;

    private Merge(CombineFn<?, A, R> fn, Coder<A> sums, Duration gap, WindowPolicy policy) {
      this.spec = StateSpecs.value(OpenSessions.coder(sums));
      this.fn = fn;
      this.gapMillis = gap.toMillis();
      this.latenessMillis = policy.lateness().toMillis();
      this.earlyMillis = policy.early().map(Duration::toMillis).orElse(0L);
    }

    @ProcessElement
    public void process(
        @Element KV<K, Session<A>> element,
        @StateId(OPEN) ValueState<OpenSessions<A>> state,
        @TimerId(CLOCK) Timer clock,
        @TimerId(ALARM) Timer alarm) {
      OpenSessions<A> before = state.read();
      OpenSessions<A> open =
          (before == null ? OpenSessions.<A>none() : before)
              .plus(element.getValue(), gapMillis, plus(fn));
      if (earlyMillis > 0 && !open.early()) {
        open = open.withEarly(true);
        clock.offset(org.joda.time.Duration.millis(earlyMillis)).setRelative();
      }
      state.write(waking(open, alarm));
    }

    /** States early what has changed. */
    @OnTimer(CLOCK)
    public void early(
        @Key K key,
        @StateId(OPEN) ValueState<OpenSessions<A>> state,
        OutputReceiver<Aggregate<K, R>> out) {
      OpenSessions<A> open = state.read();
      if (open != null) {
        List<Session<A>> sessions = new ArrayList<>(open.sessions().size());
        for (Session<A> one : open.sessions()) {
          sessions.add(one.changed() ? state(key, one, one.onTime(), out) : one);
        }
        state.write(open.with(sessions).withEarly(false));
      }
    }

    /** States what has changed and ended, and forgets what can change no more. */
    @OnTimer(ALARM)
    public void passed(
        @Key K key,
        @StateId(OPEN) ValueState<OpenSessions<A>> state,
        @TimerId(ALARM) Timer alarm,
        OutputReceiver<Aggregate<K, R>> out) {
      OpenSessions<A> open = state.read();
      if (open == null) {
        return;
      }
      long now = open.alarmMillis();
      List<Session<A>> sessions = new ArrayList<>(open.sessions().size());
      for (Session<A> one : open.sessions()) {
        boolean ended = one.changed() && endMillis(one) <= now;
        Session<A> stated = ended ? state(key, one, true, out) : one;
        if (stated.changed() || forgottenMillis(one) > now) {
          sessions.add(stated);
        }
      }
      if (sessions.isEmpty()) {
        state.clear();
      } else {
        state.write(waking(open.with(sessions).withAlarm(OpenSessions.NONE), alarm));
      }
    }

    /** The last moment of a session, as of any window of event time. */
    private long endMillis(Session<A> session) {
      return session.lastMillis() + gapMillis - 1;
    }

    private long forgottenMillis(Session<A> session) {
      return Math.min(
          endMillis(session) + latenessMillis, GlobalWindow.INSTANCE.maxTimestamp().getMillis());
    }

    /** Sees that the alarm rings when the first session is to be stated, or forgotten. */
    private OpenSessions<A> waking(OpenSessions<A> open, Timer alarm) {
      long due = OpenSessions.NONE;
      for (Session<A> one : open.sessions()) {
        due = Math.min(due, one.changed() ? endMillis(one) : forgottenMillis(one));
      }
      // A session that grows leaves the alarm alone: it rings too early, once, and is set anew.
      if (due >= open.alarmMillis()) {
        return open;
      }
      alarm.set(Instant.ofEpochMilli(due));
      return open.withAlarm(due);
    }

    private Session<A> state(
        K key, Session<A> session, boolean ended, OutputReceiver<Aggregate<K, R>> out) {
      Timing timing = session.onTime() ? Timing.LATE : ended ? Timing.ON_TIME : Timing.EARLY;
      out.output(
          new Aggregate<>(
              key,
              fn.extractOutput(session.sum()),
              session.startMillis(),
              session.lastMillis() + gapMillis,
              session.panes(),
              timing));
      return session.stated(ended);
    }
  }
}

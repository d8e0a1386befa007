package dev.millrace.transforms.window;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BinaryOperator;
import org.apache.beam.sdk.coders.BigEndianLongCoder;
import org.apache.beam.sdk.coders.BooleanCoder;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.StructuredCoder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.coders.VarLongCoder;

/**
 * The sessions of one key that can still change, by their start, and when the key is to be woken
 * for them: the whole of what a stream remembers of it, in one cell of state. Immutable, so that a
 * snapshot of the state and the state that goes on may share it.
 *
 * @param <A> type of the accumulator
 * @param sessions none of them within a gap of another
 * @param alarmMillis the event time for which the key's alarm is set, or {@link #NONE}
 * @param early whether an early pane is due by the clock
 */
record OpenSessions<A>(List<Session<A>> sessions, long alarmMillis, boolean early) {

  /** No alarm is set. */
  static final long NONE = Long.MAX_VALUE;

  /**
   * What happened from its start to its last record, none of it a gap after what was before.
   *
   * @param startMillis event time of the first record
   * @param lastMillis event time of the last one
   * @param panes how many panes have stated it, or what is now a part of it
   * @param changed whether it has grown since it was stated
   * @param onTime whether it was stated when its end had come; it is late from then on
   */
  record Session<A>(
      long startMillis, long lastMillis, A sum, long panes, boolean changed, boolean onTime) {

    /** A session of one record. */
    static <A> Session<A> of(long millis, A sum) {
      return new Session<>(millis, millis, sum, 0, true, false);
    }

    private boolean meets(Session<A> other, long gapMillis) {
      return startMillis - other.lastMillis < gapMillis
          && other.startMillis - lastMillis < gapMillis;
    }

    private Session<A> with(Session<A> other, BinaryOperator<A> plus) {
      return new Session<>(
          Math.min(startMillis, other.startMillis),
          Math.max(lastMillis, other.lastMillis),
          plus.apply(sum, other.sum),
          Math.max(panes, other.panes),
          true,
          onTime || other.onTime);
    }

    /** The same, stated. */
    Session<A> stated(boolean itsEndHasCome) {
      return new Session<>(startMillis, lastMillis, sum, panes + 1, false, onTime || itsEndHasCome);
    }
  }

  /** Nothing remembered. */
  static <A> OpenSessions<A> none() {
    return new OpenSessions<>(List.of(), NONE, false);
  }

  /** With a session more, joined with those it comes within a gap of. */
  OpenSessions<A> plus(Session<A> session, long gapMillis, BinaryOperator<A> sum) {
    Session<A> joined = session;
    List<Session<A>> all = new ArrayList<>(sessions.size() + 1);
    // In order of their starts, what has joined can only come to meet the next one.
    for (Session<A> one : sessions) {
      if (one.meets(joined, gapMillis)) {
        joined = one.with(joined, sum);
      } else {
        all.add(one);
      }
    }
    int place = 0;
    while (place < all.size() && all.get(place).startMillis() < joined.startMillis()) {
      place++;
    }
    all.add(place, joined);
    return new OpenSessions<>(all, alarmMillis, early);
  }

  /** With other sessions. */
  OpenSessions<A> with(List<Session<A>> others) {
    return new OpenSessions<>(others, alarmMillis, early);
  }

  /** With an alarm for this event time. */
  OpenSessions<A> withAlarm(long millis) {
    return new OpenSessions<>(sessions, millis, early);
  }

  /** With an early pane that is due, or none. */
  OpenSessions<A> withEarly(boolean due) {
    return new OpenSessions<>(sessions, alarmMillis, due);
  }

  /** The coder of a key's sessions. */
  static <A> Coder<OpenSessions<A>> coder(Coder<A> sums) {
    return new OpenSessionsCoder<>(new SessionCoder<>(sums));
  }

  /** The coder of a session. */
  static <A> Coder<Session<A>> sessionCoder(Coder<A> sums) {
    return new SessionCoder<>(sums);
  }

  private static final class SessionCoder<A> extends StructuredCoder<Session<A>> {
    private static final long serialVersionUID = 1L;
    private static final BigEndianLongCoder MILLIS = BigEndianLongCoder.of();
    private static final VarLongCoder COUNT = VarLongCoder.of();

    private final Coder<A> sums;

    private SessionCoder(Coder<A> sums) {
      this.sums = sums;
    }

    @Override
    public void encode(Session<A> session, OutputStream out) throws IOException {
      MILLIS.encode(session.startMillis, out);
      COUNT.encode(session.lastMillis - session.startMillis, out);
      sums.encode(session.sum, out);
      COUNT.encode(session.panes << 2 | (session.changed ? 2 : 0) | (session.onTime ? 1 : 0), out);
    }

    @Override
    public Session<A> decode(InputStream in) throws IOException {
      long start = MILLIS.decode(in);
      long last = start + COUNT.decode(in);
      A sum = sums.decode(in);
      long stated = COUNT.decode(in);
      return new Session<>(start, last, sum, stated >>> 2, (stated & 2) != 0, (stated & 1) != 0);
    }

    @Override
    public List<? extends Coder<?>> getCoderArguments() {
      return List.of(sums);
    }

    @Override
    public void verifyDeterministic() throws NonDeterministicException {
      sums.verifyDeterministic();
    }
  }

  private static final class OpenSessionsCoder<A> extends StructuredCoder<OpenSessions<A>> {
    private static final long serialVersionUID = 1L;
    private static final VarIntCoder COUNT = VarIntCoder.of();
    private static final BigEndianLongCoder MILLIS = BigEndianLongCoder.of();
    private static final BooleanCoder FLAG = BooleanCoder.of();

    private final Coder<Session<A>> session;

    private OpenSessionsCoder(Coder<Session<A>> session) {
      this.session = session;
    }

    @Override
    public void encode(OpenSessions<A> open, OutputStream out) throws IOException {
      COUNT.encode(open.sessions.size(), out);
      for (Session<A> one : open.sessions) {
        session.encode(one, out);
      }
      MILLIS.encode(open.alarmMillis, out);
      FLAG.encode(open.early, out);
    }

    @Override
    public OpenSessions<A> decode(InputStream in) throws IOException {
      int count = COUNT.decode(in);
      List<Session<A>> sessions = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        sessions.add(session.decode(in));
      }
      return new OpenSessions<>(sessions, MILLIS.decode(in), FLAG.decode(in));
    }

    @Override
    public List<? extends Coder<?>> getCoderArguments() {
      return List.of(session);
    }

    @Override
    public void verifyDeterministic() throws NonDeterministicException {
      session.verifyDeterministic();
    }
  }
}

package dev.millrace.transforms.window;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;

import dev.millrace.transforms.window.OpenSessions.Session;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.testing.CoderProperties;

class OpenSessionsTest {

  private static final long GAP = 10;

  @Property
  void inWhateverOrderRecordsComeTheirSessionsAreThoseOfTheSortedOnes(
      @ForAll @Size(max = 12) List<@IntRange(max = 120) Integer> times) {
    // When
    OpenSessions<Long> open = OpenSessions.none();
    for (int time : times) {
      open = open.plus(Session.of(time, 1L), GAP, Long::sum);
    }

    // Then
    assertThat(bounds(open), equalTo(bounds(sorted(times))));
  }

  @Property
  void partsOfSessionsJoinAsTheirRecordsDo(
      @ForAll @Size(max = 8) List<@IntRange(max = 120) Integer> some,
      @ForAll @Size(max = 8) List<@IntRange(max = 120) Integer> others) {
    // When: others are joined among themselves first, as in a bundle
    OpenSessions<Long> open = sorted(some);
    for (Session<Long> part : sorted(others).sessions()) {
      open = open.plus(part, GAP, Long::sum);
    }

    // Then
    List<Integer> all = new ArrayList<>(some);
    all.addAll(others);
    assertThat(bounds(open), equalTo(bounds(sorted(all))));
  }

  @Property
  void theCoderKeepsEveryField(
      @ForAll @Size(max = 4) List<@IntRange(max = 120) Integer> times,
      @ForAll long alarm,
      @ForAll boolean early,
      @ForAll boolean ended)
      throws Exception {
    List<Session<Long>> sessions = new ArrayList<>();
    sorted(times)
        .sessions()
        .forEach(one -> sessions.add(sessions.isEmpty() ? one : one.stated(ended)));
    OpenSessions<Long> open =
        OpenSessions.<Long>none().with(sessions).withAlarm(alarm).withEarly(early);

    CoderProperties.coderDecodeEncodeEqual(OpenSessions.coder(VarLongCoder.of()), open);
  }

  /** By the definition: a record begins a session if none lies less than a gap before it. */
  private static OpenSessions<Long> sorted(List<Integer> times) {
    List<Session<Long>> sessions = new ArrayList<>();
    for (int time : times.stream().sorted().toList()) {
      Session<Long> last = sessions.isEmpty() ? null : sessions.get(sessions.size() - 1);
      if (last == null || time - last.lastMillis() >= GAP) {
        sessions.add(Session.of(time, 1L));
      } else {
        sessions.set(
            sessions.size() - 1,
            new Session<>(last.startMillis(), time, last.sum() + 1, 0, true, false));
      }
    }
    return OpenSessions.<Long>none().with(sessions);
  }

  private static List<String> bounds(OpenSessions<Long> open) {
    return open.sessions().stream()
        .map(one -> one.startMillis() + "-" + one.lastMillis() + ": " + one.sum())
        .toList();
  }
}

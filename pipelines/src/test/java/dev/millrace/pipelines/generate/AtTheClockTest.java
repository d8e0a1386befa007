package dev.millrace.pipelines.generate;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;

/** Events that are moved to the time at which they are written. */
class AtTheClockTest {

  private static final Instant NOW = Instant.parse("2026-05-05T12:00:00Z");

  private final Ticking clock = new Ticking();
  private final AtTheClock moved = new AtTheClock(clock);

  @Test
  void anEventArrivesNowAndHappenedAsLongBeforeAsItDid() {
    assertThat(
        move(
            "{\"event_id\":\"E1\",\"event_time\":\"2024-03-01T05:59:00Z\","
                + "\"arrived_at\":\"2024-03-01T06:00:00Z\"}"),
        equalTo(
            "{\"event_id\":\"E1\",\"event_time\":\"2026-05-05T11:59:00Z\","
                + "\"arrived_at\":\"2026-05-05T12:00:00Z\"}"));
  }

  @Test
  void aCopyKeepsTheTimesOfItsEvent() {
    String event =
        "{\"event_id\":\"E1\",\"event_time\":\"2024-03-01T05:59:00Z\","
            + "\"arrived_at\":\"2024-03-01T06:00:00Z\"}";
    String first = move(event);
    clock.now = NOW.plusSeconds(90);
    assertThat(move(event), equalTo(first));
  }

  @Test
  void anEventThatDoesNotSayWhenItArrivedGoesByTheOneBefore() {
    move("{\"event_id\":\"E1\",\"arrived_at\":\"2024-03-01T06:10:00Z\"}");
    assertThat(
        move("{\"event_id\":\"E2\",\"event_time\":\"2024-03-01T06:09:00Z\"}"),
        equalTo("{\"event_id\":\"E2\",\"event_time\":\"2026-05-05T11:59:00Z\"}"));
  }

  @Test
  void whatCannotBeReadStaysAsItIs() {
    byte[] broken = {'{', '"', 'e', (byte) 0xff, (byte) 0xfe};
    assertThat(moved.apply(broken), equalTo(broken));
    String noTime = "{\"event_id\":\"E9\",\"event_time\":\"2024-99-01T05:59:00Z\"}";
    assertThat(move(noTime), equalTo(noTime));
  }

  private String move(String line) {
    return new String(moved.apply(line.getBytes(StandardCharsets.UTF_8)), StandardCharsets.UTF_8);
  }

  private static final class Ticking extends Clock {
    private Instant now = NOW;

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneOffset getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(java.time.ZoneId zone) {
      return offset(this, Duration.ZERO);
    }
  }
}

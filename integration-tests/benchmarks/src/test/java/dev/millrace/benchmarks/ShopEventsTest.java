package dev.millrace.benchmarks;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.is;

import org.junit.jupiter.api.Test;

class ShopEventsTest {

  @Test
  void anEventKeepsItsDelay() {
    assertThat(
        ShopEvents.closer(
            "{\"event_time\":\"2026-01-01T00:00:03.500Z\",\"arrived_at\":\"2026-01-01T00:00:10Z\"}"),
        is(
            "{\"event_time\":\"1970-01-05T02:10:38.622Z\",\"arrived_at\":\"1970-01-05T02:10:45.122Z\"}"));
  }

  @Test
  void whatIsNoTimeStaysWhatItIs() {
    String line = "{\"event_time\":\"2026-13-01T00:00:00Z\",\"arrived_at\":null} \u00ff";
    assertThat(ShopEvents.closer(line), is(line));
  }
}

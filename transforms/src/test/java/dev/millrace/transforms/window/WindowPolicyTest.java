package dev.millrace.transforms.window;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.hasToString;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class WindowPolicyTest {

  @Test
  void printsWhatItDoes() {
    assertThat(WindowPolicy.onTime(), hasToString("on time; accumulating, no empty panes"));
    assertThat(
        WindowPolicy.onTime().withEarly(Duration.ofSeconds(10)).withLateness(Duration.ofDays(7)),
        hasToString("early every 10 s, on time, late up to 7 d; accumulating, no empty panes"));
  }

  @Test
  void windowsPrintTheirSizeAndPolicy() {
    assertThat(
        Windowed.sliding(Duration.ofDays(7), Duration.ofHours(1)),
        hasToString("sliding 7 d every 1 h; on time; accumulating, no empty panes"));
    assertThat(
        Windowed.sessions(Duration.ofMinutes(30)),
        hasToString("sessions, gap 30 min; on time; accumulating, no empty panes"));
  }

  @Test
  void timesThatMakeNoSenseAreRefused() {
    assertThrows(
        IllegalArgumentException.class,
        () -> WindowPolicy.onTime().withLateness(Duration.ofDays(-1)));
    assertThrows(
        IllegalArgumentException.class, () -> WindowPolicy.onTime().withEarly(Duration.ZERO));
    assertThrows(IllegalArgumentException.class, () -> Windowed.tumbling(Duration.ZERO));
    assertThrows(
        IllegalArgumentException.class,
        () -> Windowed.sliding(Duration.ofDays(1), Duration.ofDays(7)));
  }
}

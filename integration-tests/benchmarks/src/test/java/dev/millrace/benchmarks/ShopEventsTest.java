package dev.millrace.benchmarks;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.is;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
  void anEventGetsAnotherSession() {
    assertThat(
        ShopEvents.withSession("{\"a\":1,\"session_id\" : \"S1\",\"b\":2}", 12),
        is("{\"a\":1,\"session_id\":\"S0000000012\",\"b\":2}"));
  }

  @Test
  void aSessionThatIsNoneStaysWhatItIs() {
    for (String session : new String[] {"17", "\"\"", "null", '"' + "R".repeat(41) + '"'}) {
      String line = "{\"session_id\":" + session + "}";
      assertThat(ShopEvents.withSession(line, 12), is(line));
    }
  }

  @Test
  void copiesOfAFileHoldWhatItHolds(@TempDir Path directory) throws Exception {
    Path file = Files.writeString(directory.resolve("events"), "one line\n");

    Path copies = ShopEvents.copies(file, directory.resolve("copies"), 3);

    try (Stream<Path> all = Files.list(copies)) {
      assertThat(
          all.map(ShopEventsTest::content).toList(), is(Collections.nCopies(3, "one line\n")));
    }
  }

  private static String content(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }

  @Test
  void whatIsNoTimeStaysWhatItIs() {
    String line = "{\"event_time\":\"2026-13-01T00:00:00Z\",\"arrived_at\":null} \u00ff";
    assertThat(ShopEvents.closer(line), is(line));
  }
}

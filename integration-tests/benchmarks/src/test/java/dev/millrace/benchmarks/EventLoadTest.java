package dev.millrace.benchmarks;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.is;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventLoadTest {

  private static final String TIME = "2026-02-03T04:05:06.007Z";
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;

  @Test
  void everyLineThatIsSentIsAnEventOfItsOwnThatHappensWhenItIsSent() throws Exception {
    // Given
    List<EventLoad.Stamped> lines = EventLoad.lines(directory);

    // When
    List<JsonNode> sent = new ArrayList<>();
    for (int pass = 0; pass < 2; pass++) {
      for (EventLoad.Stamped line : lines) {
        sent.add(JSON.readTree(line.at(sent.size(), TIME.getBytes(StandardCharsets.US_ASCII))));
      }
    }

    // Then
    Set<String> ids = new HashSet<>();
    Set<String> users = new HashSet<>();
    sent.forEach(event -> ids.add(event.get("event_id").asText()));
    sent.forEach(event -> users.add(event.get("user_id").asText()));
    assertThat(ids.size(), equalTo(2 * lines.size()));
    assertThat(users.size(), greaterThan(5_000));
    assertThat(
        sent.stream().map(event -> event.get("event_time").asText()).toList(),
        everyItem(equalTo(TIME)));
    assertThat(sent.stream().map(event -> event.has("arrived_at")).toList(), everyItem(is(false)));
  }
}

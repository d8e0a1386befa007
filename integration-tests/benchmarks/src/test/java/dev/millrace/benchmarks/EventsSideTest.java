package dev.millrace.benchmarks;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

class EventsSideTest {

  private static JsonNode found(long good, long invalid, String minute) throws Exception {
    return new ObjectMapper()
        .readTree(
            "{\"good\":%d,\"invalid\":%d,\"late\":0,\"minutes\":[\"%s\"]}"
                .formatted(good, invalid, minute));
  }

  @Test
  void theAnswerToCopiesIsThatToEachOfThem() throws Exception {
    assertThat(
        EventsSide.answer(found(12, 6, "60000|view|12|90"), 6),
        equalTo(EventsSide.answer(found(2, 1, "60000|view|2|15"), 1)));
  }

  @Test
  void copiesWithDifferentAnswersAreNoticed() throws Exception {
    JsonNode found = found(12, 5, "60000|view|12|90");

    WrongAnswer told = assertThrows(WrongAnswer.class, () -> EventsSide.answer(found, 6));

    assertThat(told.getMessage(), containsString("6 times, and 5"));
  }
}

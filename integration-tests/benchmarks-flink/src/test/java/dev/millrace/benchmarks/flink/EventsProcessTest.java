package dev.millrace.benchmarks.flink;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.is;

import dev.millrace.benchmarks.flink.EventsProcess.Way;
import dev.millrace.pipelines.generate.AnswerKey;
import dev.millrace.pipelines.generate.ClickstreamGenerator;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** All sides come to the same answer about events with all the faults the generator knows. */
@Timeout(value = 5, unit = TimeUnit.MINUTES) // a job that fails is started again, for ever
class EventsProcessTest {

  @TempDir private static Path directory;
  private static EventsInput all;
  private static EventsInput ofSessions;
  private static AnswerKey.Counts key;
  private static EventsAnswer answer;

  @BeforeAll
  static void generate() throws Exception {
    ClickstreamGenerator.with(ClickstreamGenerator.Config.of(30_000, 3).withFiles(1))
        .writeTo(directory);
    Path file = directory.resolve("clickstream-00000.jsonl");
    key = AnswerKey.readFrom(directory).total();
    all = EventsInput.of(file.toString(), false);
    answer = Way.LOOP.run(all);
    // A job that leaves what has no arrival to the watermark keeps or drops it by chance.
    Path arrived = directory.resolve("arrived.jsonl");
    try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1);
        BufferedWriter out = Files.newBufferedWriter(arrived, StandardCharsets.ISO_8859_1)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.contains("\"arrived_at\"")) {
          out.write(line);
          out.write('\n');
        }
      }
    }
    ofSessions = EventsInput.of(arrived.toString(), true);
  }

  @Test
  void theLoopDecidesAsTheAnswerKeyDoes() {
    long invalid = key.invalid().values().stream().mapToLong(Long::longValue).sum();
    assertThat(answer.invalid(), is(invalid));
    assertThat(answer.late(), is(key.late() + key.future()));
    assertThat(answer.good() + answer.invalid() + answer.late(), is(key.read()));
  }

  @ParameterizedTest
  @EnumSource(names = {"DUCKDB", "MILLRACE_BATCH", "MILLRACE_DIRECT"})
  void inBatchAllGiveTheSameAnswer(Way way) throws Exception {
    assertThat(way.run(all), equalTo(answer));
  }

  @ParameterizedTest
  @EnumSource(names = {"PLAIN", "TUNED", "MILLRACE", "MILLRACE_BATCH"})
  void bySessionAllGiveTheSameAnswer(Way way) throws Exception {
    EventsAnswer expected = Way.LOOP.run(ofSessions);
    assertThat(expected.minutes(), hasSize(1));

    assertThat(way.run(ofSessions), equalTo(expected));
  }
}

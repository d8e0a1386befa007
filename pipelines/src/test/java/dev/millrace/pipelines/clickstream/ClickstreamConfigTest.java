package dev.millrace.pipelines.clickstream;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.pipelines.UserError;
import java.time.Duration;
import java.util.Optional;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClickstreamConfigTest {

  @Test
  void defaults() {
    // When
    ClickstreamConfig config = ClickstreamConfig.from(options());

    // Then
    assertThat(
        config,
        is(
            new ClickstreamConfig(
                Duration.ofMinutes(10),
                Duration.ofMinutes(1),
                1.0,
                Duration.ofMinutes(30),
                Duration.ofMillis(100),
                Duration.ofSeconds(5),
                "file:.millrace/secret.key")));
    assertThat(
        config.policy().toString(),
        equalTo("early every 100 ms, on time, late up to 10 min; accumulating, no empty panes"));
  }

  @Test
  void everyOptionIsMapped() {
    // When
    ClickstreamConfig config =
        ClickstreamConfig.from(
            options(
                "--maxLateness=1h",
                "--maxSkew=30s",
                "--maxRejectRatio=0.05",
                "--sessionGap=10m",
                "--early=1s",
                "--earlyVisits=2s",
                "--secret=env:KEY"));

    // Then
    assertThat(
        config,
        is(
            new ClickstreamConfig(
                Duration.ofHours(1),
                Duration.ofSeconds(30),
                0.05,
                Duration.ofMinutes(10),
                Duration.ofSeconds(1),
                Duration.ofSeconds(2),
                "env:KEY")));
  }

  @ParameterizedTest
  @CsvSource({
    "--maxLateness=week, --max-lateness is 'week'",
    "--maxLateness=-PT1H, cannot be negative",
    "--maxSkew=-P1D, cannot be negative",
    "--maxRejectRatio=1.5, give a share from 0",
    "--sessionGap=PT0S, give at least a millisecond",
    "--early=PT0S, give at least a millisecond",
    "--earlyVisits=PT0S, --early-visits is"
  })
  void refusesWithTheNameOfTheOption(String argument, String words) {
    // When
    UserError refused =
        assertThrows(UserError.class, () -> ClickstreamConfig.from(options(argument)));

    // Then
    assertThat(refused.getMessage(), containsString(words));
  }

  @Test
  void onlyALiveRunLastsForATime() {
    assertThat(
        ClickstreamConfig.runFor(options("--runFor=10m"), true),
        equalTo(Optional.of(Duration.ofMinutes(10))));
    assertThat(ClickstreamConfig.runFor(options(), true), equalTo(Optional.empty()));
    UserError refused =
        assertThrows(
            UserError.class, () -> ClickstreamConfig.runFor(options("--runFor=10m"), false));
    assertThat(refused.getMessage(), containsString("--run-for is for a live run"));
  }

  private static ClickstreamOptions options(String... arguments) {
    return PipelineOptionsFactory.fromArgs(arguments).as(ClickstreamOptions.class);
  }
}

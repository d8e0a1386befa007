package dev.millrace.pipelines.sales;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.nullValue;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.pipelines.UserError;
import java.time.Duration;
import java.time.LocalDate;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SalesConfigTest {

  @Test
  void defaults() {
    // When
    SalesConfig config = config();

    // Then
    assertThat(config.maxLateness(), is(Duration.ofDays(7)));
    assertThat(config.maxSkew(), is(Duration.ofDays(1)));
    assertThat(config.maxRejectRatio(), is(1.0));
    assertThat(config.topCustomers(), is(10));
    assertThat(config.topProducts(), is(5));
    assertThat(config.asOf(), is(nullValue()));
    assertThat(config.secret(), is("file:.millrace/secret.key"));
  }

  @Test
  void everyOptionIsMapped() {
    // When
    SalesConfig config =
        config(
            "--maxLateness=36h",
            "--maxSkew=PT90M",
            "--maxRejectRatio=0.05",
            "--topCustomers=3",
            "--topProducts=4",
            "--asOf=1998-12-31",
            "--secret=env:KEY");

    // Then
    assertThat(
        config,
        is(
            new SalesConfig(
                Duration.ofHours(36),
                Duration.ofMinutes(90),
                0.05,
                3,
                4,
                LocalDate.of(1998, 12, 31),
                "env:KEY")));
  }

  @ParameterizedTest
  @CsvSource({
    "--maxLateness=week, --max-lateness is 'week'",
    "--maxLateness=-PT1H, cannot be negative",
    "--maxSkew=-P1D, cannot be negative",
    "--maxRejectRatio=1.5, give a share from 0",
    "--maxRejectRatio=NaN, give a share from 0",
    "--topCustomers=0, give 1 to 10000",
    "--topProducts=0, give 1 to 10000",
    "--asOf=yesterday, write it like 1998-12-31"
  })
  void refusesWithTheNameOfTheOption(String argument, String words) {
    // When
    UserError refused = assertThrows(UserError.class, () -> config(argument));

    // Then
    assertThat(refused.getMessage(), containsString(words));
  }

  private static SalesConfig config(String... arguments) {
    return SalesConfig.from(
        PipelineOptionsFactory.fromArgs(arguments).withValidation().as(SalesOptions.class));
  }
}

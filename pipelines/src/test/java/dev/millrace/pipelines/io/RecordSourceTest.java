package dev.millrace.pipelines.io;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.endsWith;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.contract.Contract;
import dev.millrace.pipelines.UserError;
import dev.millrace.schemas.retail.Sale;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a URI means, and what is said of one that is wrong. */
class RecordSourceTest {

  private static RecordSource source(String uri) {
    return RecordSource.of("--sales", uri, Contract.of(Sale.class), Duration.ofDays(7));
  }

  private static String refusal(String uri) {
    return String.valueOf(assertThrows(UserError.class, () -> source(uri)).getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"kafka://a.b:9092/sales", "kafka://h:1,[::1]:2/t?from=latest", "KAFKA://h:1/t"})
  void aTopicHasNoEndUnlessToldSo(String uri) {
    assertThat(source(uri).isBounded(), is(false));
    assertThat(source(uri + (uri.contains("?") ? "&" : "?") + "until=end").isBounded(), is(true));
  }

  @Test
  void whatIsNoTopicIsFilesWhichEnd() {
    assertThat(source("data/*.json,more.csv").ending().isBounded(), is(true));
  }

  @Test
  void aBatchRefusesATopicWithoutAnEndAndSaysWhatToAdd() {
    // Given
    RecordSource live = source("kafka://h:1/t?from=latest");

    // When
    UserError refused = assertThrows(UserError.class, live::ending);

    // Then
    assertThat(
        refused.getMessage(),
        equalTo(
            "--sales: this pipeline is a batch, and a topic has no end; add '&until=end' to read"
                + " what it holds now."));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "kafka:sales | which names no topic; write kafka://host:port/topic",
        "kafka://h:1 | which names no topic",
        "kafka://h/t | in which 'h' is no host:port",
        "kafka://h:1,,g:2/t | in which '' is no host:port",
        "kafka://h:65536/t | in which 'h:65536' is no host:port",
        "kafka://h:1/ | in which '' is no name of a topic",
        "kafka://h:1/a b | in which 'a b' is no name of a topic",
        "kafka://h:1/.. | in which '..' is no name of a topic",
        "kafka://h:1/t?form=latest | no parameter 'form' here; there are arrival, format, from, reader, registry, until",
        "kafka://h:1/t?until=end&until=end | gives 'until' twice",
        "kafka://h:1/t?until=now | 'until=now' is not understood; write until=end",
        "kafka://h:1/t?until= | 'until=' is not understood",
        "kafka://h:1/t?from=monday | write from=earliest, from=latest or a time like from=2026-",
        "kafka://h:1/t?until=end&arrival=now | write arrival=log or arrival=record",
        "kafka://h:1/t?arrival=record | 'arrival=record' needs 'until=end'",
        "kafka://h:1/t?format=xml | 'format=xml' is not understood; write format=json or format=avro",
        "kafka://h:1/t?format=avro | add '&registry=127.0.0.1:8081/apis/ccompat/v7'",
        "kafka://h:1/t?registry=h:8081 | 'registry' is for format=avro",
        "kafka://h:1/t?format=avro&registry=ftp://h:1 | 'registry=ftp://h:1' is not understood",
        "kafka://h:1/t?format=avro&registry=h:x | write registry=host:port/path, as in 127.0.0.1:8081",
        "kafka://h:1/t?format=avro&registry= | 'registry=' is not understood",
        "kafka://h:1/t?format=avro&registry=u:p@h:1 | takes no user and no password",
      })
  void aWrongUriIsRefusedWithWhatIsWrongAndWhatToWrite(String uri, String words) {
    assertThat(refusal(uri), containsString(words));
    assertThat(refusal(uri), containsString("--sales"));
  }

  @Test
  void aPasswordInAUriIsNotRepeated() {
    // When
    String said = refusal("kafka://me:secret@h:1/t");

    // Then
    assertThat(said, containsString("takes no user and no password"));
    assertThat(said, not(containsString("secret")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1:8081/apis/ccompat/v7", "http://r:80/", "https://r.example"})
  void aRegistryIsNamedWithOrWithoutItsScheme(String registry) {
    assertThat(source("kafka://h:1/t?format=avro&registry=" + registry).isBounded(), is(false));
  }

  @Test
  void aRegistryThatDoesNotAnswerIsToldBeforeTheRun() throws IOException {
    // Given: a port that nobody listens at
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    String registry = "127.0.0.1:" + port + "/apis/ccompat/v7";

    // When
    UserError refused =
        assertThrows(
            UserError.class,
            () -> source("kafka://h:1/t?format=avro&registry=" + registry).check());

    // Then
    assertThat(
        refused.getMessage(),
        startsWith("--sales: the schema registry does not answer at http://" + registry + " ("));
    assertThat(
        refused.getMessage(),
        endsWith("); start it (millrace stack up --registry), or check the address."));
  }

  @Test
  void aHostThatIsNotKnownIsToldBeforeTheRun() {
    // When
    UserError refused =
        assertThrows(UserError.class, () -> source("kafka://no.such.host.invalid:1/t").check());

    // Then
    assertThat(
        refused.getMessage(), containsString("no host of 'no.such.host.invalid:1' is known"));
  }

  @Test
  void aBrokerThatDoesNotAnswerIsToldBeforeTheRun() throws IOException {
    // Given: a port that nobody listens at
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }

    // When
    UserError refused =
        assertThrows(UserError.class, () -> source("kafka://127.0.0.1:" + port + "/t").check());

    // Then
    assertThat(
        refused.getMessage(),
        equalTo(
            "--sales: Kafka does not answer at 127.0.0.1:"
                + port
                + "; start it (millrace stack up), or check the address."));
  }
}

package dev.millrace.transforms.rejects;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.hasProperty;
import static org.hamcrest.Matchers.hasToString;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.schemas.retail.Sale;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.schemas.web.ShopEvent;
import dev.millrace.testing.BeamTest;
import dev.millrace.testing.Expect;
import dev.millrace.transforms.refine.Vault;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.testing.TestPipeline;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.errorhandling.BadRecord;
import org.apache.beam.sdk.transforms.errorhandling.BadRecordRouter;
import org.apache.beam.sdk.transforms.errorhandling.ErrorHandler;
import org.apache.beam.sdk.transforms.errorhandling.ErrorHandler.BadRecordErrorHandler;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionList;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.TupleTagList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@BeamTest
class BadRecordsTest {

  private static final String OF_KAFKA =
      "ConsumerRecord(topic = clicks-eu, partition = 11, leaderEpoch = 0, offset = 4711,"
          + " LogAppendTime = 1767225600000, key = null, value = [B@1b2c3d)";

  @TempDir static Path home;

  @Test
  void whatAConnectorRefusesComesToTheOtherDeadLettersWithItsBytes(TestPipeline pipeline) {
    // When
    PCollection<DeadLetter> letters =
        refused(
            pipeline, BadRecords.of(Sale.class).as("ReadSales"), ByteArrayCoder.of(), "7 \u2212");

    // Then
    Expect.rows(
        letters,
        () ->
            contains(
                allOf(
                    hasProperty("pipeline", is("shop")),
                    hasProperty("stage", is("ReadSales")),
                    hasProperty("reason", is("CONNECTOR_FAILURE")),
                    hasProperty(
                        "detail",
                        is(
                            "No number: java.lang.NumberFormatException: For input string: \"7 \u2212\"")),
                    hasProperty("exceptionClass", is("java.lang.NumberFormatException")),
                    hasProperty("stack", containsString("\tat java.base/java.lang.Long.parseLong")),
                    hasProperty("payload", is(bytes("7 \u2212"))),
                    hasProperty("payloadState", is("PLAIN")),
                    hasProperty("source", is("ReadSales")),
                    hasProperty("contract", is("Sale")))));
    pipeline.run();
  }

  @Test
  void aRecordThatKafkaCouldNotDeserializeKeepsItsPlace(TestPipeline pipeline) {
    // When: Beam has no coder for it, and its text changes from run to run
    PCollection<DeadLetter> letters = refused(pipeline, BadRecords.of(Sale.class), null, OF_KAFKA);

    // Then
    Expect.rows(
        letters,
        () ->
            contains(
                allOf(
                    hasProperty("source", is("clicks-eu-11")),
                    hasProperty("position", is(4711L)),
                    hasProperty("payload", nullValue()),
                    hasProperty("payloadState", is("OMITTED")))));
    pipeline.run();
  }

  @Test
  void ofAPrivateContractNothingOfTheRecordIsInTheClear(TestPipeline pipeline) throws Exception {
    // Given
    Path key = home.resolve("secret.key");
    Vault.createIfAbsent(key);
    String secret = "file:" + key;
    byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes("anna@example.org").array());
    long hashOfWhatCanBeGuessed = ByteBuffer.wrap(hash).getLong() & Long.MAX_VALUE;

    // When
    PCollection<DeadLetter> letters =
        refused(
            pipeline,
            BadRecords.of(ShopEvent.class).withSecret(secret),
            ByteArrayCoder.of(),
            "anna@example.org");

    // Then
    Expect.rows(
        letters,
        () ->
            contains(
                allOf(
                    not(hasToString(containsString("anna"))),
                    hasProperty("position", is(not(hashOfWhatCanBeGuessed))),
                    hasProperty("exceptionClass", is("java.lang.NumberFormatException")),
                    hasProperty("stack", startsWith("\tat ")),
                    hasProperty("payloadState", is("ENCRYPTED")),
                    hasProperty(
                        "payload",
                        is(
                            ByteBuffer.wrap(
                                Vault.open(secret).encrypt(bytes("anna@example.org").array())))))));
    pipeline.run();
  }

  @Test
  void aPrivateContractNeedsASecret(TestPipeline pipeline) {
    // When
    Exception refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> refused(pipeline, BadRecords.of(ShopEvent.class), ByteArrayCoder.of(), "x"));

    // Then
    assertThat(refused.getMessage(), containsString("ShopEvent has private fields"));
    pipeline.enableAbandonedNodeEnforcement(false);
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  /** What Beam's own error handler gives of a record, among the rejects of a pipeline. */
  private static PCollection<DeadLetter> refused(
      TestPipeline pipeline, BadRecords letters, @Nullable ByteArrayCoder coder, String record) {
    BadRecordErrorHandler<PCollection<DeadLetter>> handler =
        pipeline.registerBadRecordErrorHandler(letters);
    pipeline
        .apply(Create.of("1", record).withCoder(StringUtf8Coder.of()))
        .apply("Connector", new Connector(handler, coder));
    handler.close();
    return PCollectionList.of(handler.getOutput()).apply("Rejects", Rejects.stamp("shop", "1"));
  }

  /** A connector as Beam's are: it reads numbers, and gives others to its error handler. */
  private static final class Connector extends PTransform<PCollection<String>, PCollection<Long>> {
    private static final TupleTag<Long> NUMBERS = new TupleTag<>("numbers") {};
    private final ErrorHandler<BadRecord, ?> handler;
    private final @Nullable ByteArrayCoder coder;

    private Connector(ErrorHandler<BadRecord, ?> handler, @Nullable ByteArrayCoder coder) {
      this.handler = handler;
      this.coder = coder;
    }

    @Override
    public PCollection<Long> expand(PCollection<String> texts) {
      PCollectionTuple out =
          texts.apply(
              ParDo.of(new Read(coder))
                  .withOutputTags(NUMBERS, TupleTagList.of(BadRecordRouter.BAD_RECORD_TAG)));
      handler.addErrorCollection(
          out.get(BadRecordRouter.BAD_RECORD_TAG)
              .setCoder(BadRecord.getCoder(texts.getPipeline())));
      return out.get(NUMBERS);
    }

    /** No JSON can be made of it, and no coder is there, as of Kafka's raw records. */
    private static final class Opaque {
      private final String text;

      private Opaque(String text) {
        this.text = text;
      }

      @Override
      public String toString() {
        return text;
      }
    }

    private static final class Read extends DoFn<String, Long> {
      private final @Nullable ByteArrayCoder coder;

      private Read(@Nullable ByteArrayCoder coder) {
        this.coder = coder;
      }

      @ProcessElement
      @SuppressWarnings({"unchecked", "NullAway"}) // Beam takes no coder as well
      public void process(@Element String text, MultiOutputReceiver out) throws Exception {
        try {
          out.get(NUMBERS).output(Long.parseLong(text));
        } catch (NumberFormatException e) {
          Object record = coder == null ? new Opaque(text) : text.getBytes(StandardCharsets.UTF_8);
          BadRecordRouter.RECORDING_ROUTER.route(
              out, record, (Coder<Object>) (Coder<?>) coder, e, "No number");
        }
      }
    }
  }
}

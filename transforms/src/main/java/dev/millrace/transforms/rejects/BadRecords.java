package dev.millrace.transforms.rejects;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Reason;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.transforms.DeadLetters;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.refine.Vault;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.errorhandling.BadRecord;
import org.apache.beam.sdk.values.PCollection;
import org.jspecify.annotations.Nullable;

/**
 * Makes dead letters of what Beam's own connectors refuse, so that they stand in the same store.
 * For {@code Pipeline.registerBadRecordErrorHandler}:
 *
 * <pre>{@code
 * BadRecordErrorHandler<PCollection<DeadLetter>> unread =
 *     pipeline.registerBadRecordErrorHandler(BadRecords.of(Sale.class).as("ReadSales"));
 * pipeline.apply("ReadSales", KafkaIO.<…>read()….withBadRecordErrorHandler(unread));
 * unread.close();
 * PCollectionList.of(unread.getOutput()).and(refined.rejects()).apply("Rejects", Rejects.stamp("sales", "1"));
 * }</pre>
 *
 * <p>The payload is the record as its coder encodes it; without one, its text. Where a record of
 * Kafka could not be deserialized, Beam keeps neither: then topic, partition and offset say where
 * its bytes are, and {@code payload_state} is {@code OMITTED}. Other records have no position, and
 * that of the dead letter is a hash of the payload: of records that are the same there is one.
 *
 * <p><b>Input:</b> {@link BadRecord}s. <b>Output:</b> {@link DeadLetter}s, for {@link Rejects}.
 * <b>Bounded/unbounded:</b> both; one by one. <b>State and timers:</b> none. <b>Reasons:</b> {@code
 * CONNECTOR_FAILURE}. <b>Guarantee:</b> none is lost; the same record gives the same id. Of a
 * contract with private fields the payload is encrypted, and what the exception says left out, as
 * it may quote the record. No ledger counts them: they were refused before the first stage, or
 * after the last. <b>Runners:</b> all.
 */
public final class BadRecords extends PTransform<PCollection<BadRecord>, PCollection<DeadLetter>> {

  private static final int STACK_LIMIT = 4096;

  private static final int CLASS_LIMIT = 200;

  private final Class<? extends SpecificRecord> type;
  private final String stage;
  private final @Nullable String secret;

  private BadRecords(Class<? extends SpecificRecord> type, String stage, @Nullable String secret) {
    this.type = type;
    this.stage = stage;
    this.secret = secret;
  }

  /** Dead letters of records that were to be, or are, of a class. */
  public static BadRecords of(Class<? extends SpecificRecord> type) {
    return new BadRecords(type, "Connect" + type.getSimpleName(), null);
  }

  /** The same under another stage name, which stands in the dead letters. */
  public BadRecords as(String stageName) {
    if (stageName.isBlank()) {
      throw new IllegalArgumentException("a stage needs a name");
    }
    return new BadRecords(type, stageName, secret);
  }

  /**
   * Key of private fields, as a reference ({@code env:NAME} or {@code file:PATH}); needed if the
   * contract has any.
   */
  public BadRecords withSecret(String reference) {
    return new BadRecords(type, stage, Vault.requireReference(reference));
  }

  @Override
  public PCollection<DeadLetter> expand(PCollection<BadRecord> bad) {
    if (Contract.of(type).hasPrivateFields() && secret == null) {
      throw new IllegalArgumentException(
          "contract "
              + Contract.of(type).name()
              + " has private fields; give BadRecords a secret: withSecret(\"env:NAME\") or withSecret(\"file:PATH\")");
    }
    return bad.apply("ToDeadLetter", ParDo.of(new ToDeadLetter(this)))
        .setCoder(DeadLetters.coder());
  }

  static final class ToDeadLetter extends DoFn<BadRecord, DeadLetter> {

    /** How Kafka's client prints a record. */
    private static final Pattern OF_KAFKA =
        Pattern.compile(
            "ConsumerRecord\\(topic = ([^,]+), partition = (\\d+),.*?offset = (\\d+),.*",
            Pattern.DOTALL);

    private final Class<? extends SpecificRecord> type;
    private final String stage;
    private final @Nullable String secret;
    private transient @Nullable Vault vault;

    private ToDeadLetter(BadRecords spec) {
      this.type = spec.type;
      this.stage = spec.stage;
      this.secret = spec.secret;
    }

    @Setup
    public void open() {
      vault = isPrivate() && secret != null ? Vault.open(secret) : null;
    }

    private boolean isPrivate() {
      return Contract.of(type).hasPrivateFields();
    }

    @ProcessElement
    public void process(@Element BadRecord bad, OutputReceiver<DeadLetter> out) {
      byte[] encoded = encoded(bad.getRecord());
      String text = Objects.requireNonNullElse(text(bad.getRecord()), "");
      Matcher ofKafka = OF_KAFKA.matcher(text);
      boolean isOfKafka = encoded == null && ofKafka.matches();
      byte[] plain = encoded == null ? text.getBytes(StandardCharsets.UTF_8) : encoded;
      // Before it is hashed: a hash of a record that can be guessed would give it away.
      byte[] payload = vault == null ? plain : vault.encrypt(plain);
      Origin origin =
          isOfKafka
              ? new Origin(
                  ofKafka.group(1) + "-" + ofKafka.group(2),
                  Long.parseLong(ofKafka.group(3)),
                  Origin.NO_ARRIVAL)
              : new Origin(stage, hash(payload), Origin.NO_ARRIVAL);
      String exception = exception(bad.getFailure());
      DeadLetter letter =
          DeadLetters.of(
              stage,
              Reason.CONNECTOR_FAILURE,
              detail(bad.getFailure().getDescription(), exception),
              null,
              Contract.of(type),
              0,
              Origin.NO_ARRIVAL,
              origin,
              payload);
      letter.setExceptionClass(classOf(exception));
      letter.setStack(stack(bad.getFailure()));
      if (isOfKafka || plain.length == 0) {
        letter.setPayload((ByteBuffer) null);
        letter.setPayloadState("OMITTED");
      }
      out.output(letter);
    }

    /** What was attempted, and if it cannot be of the record, what the exception says. */
    private String detail(String description, @Nullable String exception) {
      return isPrivate() || exception == null || exception.equals(description)
          ? (isPrivate() ? "The connector failed on it." : description)
          : description + ": " + exception;
    }

    private static @Nullable String classOf(@Nullable String exception) {
      if (exception == null) {
        return null;
      }
      int colon = exception.indexOf(':');
      return limited(colon < 0 ? exception : exception.substring(0, colon), CLASS_LIMIT);
    }

    /** The stack; without messages if they may quote what is private. */
    private @Nullable String stack(BadRecord.Failure failure) {
      String stack = stackTrace(failure);
      if (stack == null) {
        return null;
      }
      return limited(
          isPrivate()
              ? stack
                  .lines()
                  .filter(line -> line.startsWith("\tat "))
                  .collect(Collectors.joining("\n"))
              : stack,
          STACK_LIMIT);
    }

    private static String limited(String text, int limit) {
      return text.length() > limit ? text.substring(0, limit) : text;
    }

    private static long hash(byte[] payload) {
      try {
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(payload);
        return ByteBuffer.wrap(hash).getLong() & Long.MAX_VALUE;
      } catch (NoSuchAlgorithmException missing) {
        throw new IllegalStateException("every Java platform has SHA-256", missing);
      }
    }

    // Beam declares some of these as never null, and gives null.

    private static byte @Nullable [] encoded(BadRecord.Record record) {
      return record.getEncodedRecord();
    }

    private static @Nullable String text(BadRecord.Record record) {
      return record.getHumanReadableJsonRecord();
    }

    private static @Nullable String exception(BadRecord.Failure failure) {
      return failure.getException();
    }

    private static @Nullable String stackTrace(BadRecord.Failure failure) {
      return failure.getExceptionStacktrace();
    }
  }
}

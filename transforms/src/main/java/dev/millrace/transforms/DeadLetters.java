package dev.millrace.transforms;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Reason;
import dev.millrace.schemas.system.DeadLetter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import org.apache.avro.Schema;
import org.apache.beam.sdk.coders.Coder;
import org.jspecify.annotations.Nullable;

/**
 * Makes {@link DeadLetter}s. Pipeline, version and id are stamped where the rejects of all stages
 * come together: pipelines that share a warehouse can have stages and sources of one name.
 */
public final class DeadLetters {

  private static final int DETAIL_LIMIT = 500;

  private DeadLetters() {}

  /** The coder of dead letters. */
  public static Coder<DeadLetter> coder() {
    return RecordCoder.of(DeadLetter.class);
  }

  /**
   * A dead letter.
   *
   * @param stage name of the stage that refused the record
   * @param reason why
   * @param detail what was wrong, in words, without any private value
   * @param field the field at fault, if one is
   * @param contract the contract the record was held against
   * @param contractVersion the version it came in, 0 if that could not be told
   * @param eventTimeMillis its event time, {@link Origin#NO_ARRIVAL} if that could not be read
   * @param origin where it came from
   * @param payload its bytes, encrypted already where the contract has private fields
   */
  public static DeadLetter of(
      String stage,
      Reason reason,
      String detail,
      @Nullable String field,
      Contract contract,
      int contractVersion,
      long eventTimeMillis,
      Origin origin,
      byte[] payload) {
    return DeadLetter.newBuilder()
        .setId("")
        .setPipeline("")
        .setPipelineVersion("")
        .setStage(stage)
        .setReason(reason.name())
        .setDetail(detail.length() > DETAIL_LIMIT ? detail.substring(0, DETAIL_LIMIT) : detail)
        .setField(field)
        .setExceptionClass(null)
        .setStack(null)
        .setPayload(ByteBuffer.wrap(payload))
        .setPayloadState(contract.hasPrivateFields() ? "ENCRYPTED" : "PLAIN")
        .setSource(origin.source())
        .setPosition(origin.position())
        .setEventTime(instant(eventTimeMillis))
        .setArrivalTime(instant(origin.arrivalMillis()))
        .setContract(contract.name())
        .setContractVersion(contractVersion)
        .setAttempt(1)
        .build();
  }

  /** The dead letter of a record that a stage after the refining one refuses. */
  public static DeadLetter of(
      String stage,
      Reason reason,
      String detail,
      @Nullable String field,
      Contract contract,
      Sourced<?> record) {
    return of(
        stage,
        reason,
        detail,
        field,
        contract,
        record.contractVersion(),
        record.eventTimeMillis(),
        record.origin(),
        record.payload().bytes());
  }

  /** A dead letter as the pipeline's own, with its id. */
  public static DeadLetter stamped(DeadLetter letter, String pipeline, String version) {
    // The builder would copy each value by its schema.
    DeadLetter stamped = new DeadLetter();
    for (Schema.Field field : letter.getSchema().getFields()) {
      stamped.put(field.pos(), letter.get(field.pos()));
    }
    ByteBuffer payload = letter.getPayload();
    stamped.setPayload(payload == null ? null : payload.duplicate());
    stamped.setId(id(pipeline, letter.getStage(), letter.getSource(), letter.getPosition()));
    stamped.setPipeline(pipeline);
    stamped.setPipelineVersion(version);
    return stamped;
  }

  /**
   * Id of a dead letter: the first 16 bytes of SHA-256 over pipeline, source, position and stage,
   * in hexadecimal. No clock.
   */
  static String id(String pipeline, String stage, String source, long position) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      String text = pipeline + '\n' + source + '\n' + position + '\n' + stage;
      byte[] hash = digest.digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 16);
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException("every Java platform has SHA-256", missing);
    }
  }

  private static @Nullable Instant instant(long millis) {
    return millis == Origin.NO_ARRIVAL ? null : Instant.ofEpochMilli(millis);
  }
}

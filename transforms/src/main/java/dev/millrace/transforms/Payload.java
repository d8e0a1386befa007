package dev.millrace.transforms;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The bytes a record was read from, as they may leave the process: those of a contract with private
 * fields are encrypted. That is done when they are asked for, once; most records are never refused,
 * and never cross to another task, and so nobody asks. Thread-safe.
 */
public final class Payload {

  private static final Payload NONE = of(new byte[0]);

  private byte[] bytes;
  private @Nullable UnaryOperator<byte[]> encryption;

  private Payload(byte[] bytes, @Nullable UnaryOperator<byte[]> encryption) {
    this.bytes = bytes;
    this.encryption = encryption;
  }

  /** Bytes that may leave as they are; nobody may change them. */
  public static Payload of(byte[] bytes) {
    return new Payload(bytes, null);
  }

  /**
   * Bytes that may not leave as they are.
   *
   * @param encryption of them, which always gives the same; called from any thread
   */
  public static Payload encrypted(byte[] plain, UnaryOperator<byte[]> encryption) {
    return new Payload(plain, encryption);
  }

  /** No bytes: no stage that follows refuses the record. */
  public static Payload none() {
    return NONE;
  }

  /** The bytes; nobody may change them. */
  public synchronized byte[] bytes() {
    if (encryption != null) {
      bytes = encryption.apply(bytes);
      encryption = null;
    }
    return bytes;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Payload that && Arrays.equals(bytes(), that.bytes());
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes());
  }

  /** Says nothing of what they are: they can be private. */
  @Override
  public String toString() {
    return "Payload";
  }
}

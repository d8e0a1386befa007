package dev.millrace.transforms.refine;

import com.google.crypto.tink.subtle.AesSiv;
import com.google.crypto.tink.subtle.Hkdf;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Objects;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Keeps private values private: tokens (HMAC-SHA256) and deterministic authenticated encryption
 * (AES-SIV, RFC 5297), both with keys derived (HKDF, RFC 5869) from one secret. The same value
 * gives the same result in every run with the same secret, so that batch and stream, and a run
 * repeated, agree.
 *
 * <p>A secret is named by a reference, {@code env:NAME} or {@code file:PATH}, and resolved where it
 * is used. Bytes are encrypted and decrypted from any thread; the rest is not thread-safe.
 */
public final class Vault {

  private static final int SECRET_BYTES = 64;
  private static final byte[] NO_ASSOCIATED_DATA = new byte[0];

  /**
   * How many tokens are remembered, in some 10 MB: visitors come back, and a hash costs more than
   * to look. Each has two places, the one of them that was asked for last and the one before.
   */
  private static final int REMEMBERED = 1 << 16;

  private final AesSiv cipher;
  private final Mac mac;

  /** A value, its token, the value of the same place that was asked for before, its token. */
  private final String[] remembered = new String[2 * REMEMBERED];

  private Vault(byte[] secret) throws GeneralSecurityException {
    this.cipher = new AesSiv(derive(secret, "millrace encrypt", 64));
    this.mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(derive(secret, "millrace tokenize", 32), "HmacSHA256"));
  }

  /**
   * The vault of a secret.
   *
   * @throws IllegalArgumentException that says what is wrong with the reference, without the secret
   */
  public static Vault open(String reference) {
    try {
      byte[] secret = resolve(reference).strip().getBytes(StandardCharsets.UTF_8);
      if (secret.length < 32) {
        throw new IllegalArgumentException(
            "the secret at "
                + reference
                + " has "
                + secret.length
                + " characters; it needs at least 32");
      }
      return new Vault(secret);
    } catch (GeneralSecurityException missing) {
      throw new IllegalStateException("this Java lacks AES or HMAC-SHA256", missing);
    }
  }

  /**
   * The reference, if it has the form of one.
   *
   * @throws IllegalArgumentException that does not repeat what was given: it may be a secret
   */
  public static String requireReference(String reference) {
    if (!reference.matches("(?s)(env|file):.+")) {
      throw new IllegalArgumentException(
          "a secret is given as a reference, env:NAME or file:PATH, not as a value");
    }
    return reference;
  }

  /**
   * Makes a secret of 64 random bytes in a file that only its owner can read, if there is none yet.
   */
  public static void createIfAbsent(Path file) throws IOException {
    if (Files.exists(file)) {
      return;
    }
    byte[] secret = new byte[SECRET_BYTES];
    new SecureRandom().nextBytes(secret);
    Path directory = Objects.requireNonNull(file.toAbsolutePath().getParent());
    Files.createDirectories(directory);
    // Readable by its owner only, and whole before it has its name.
    Path fresh = Files.createTempFile(directory, ".secret", null);
    try {
      Files.writeString(fresh, Base64.getEncoder().encodeToString(secret) + "\n");
      Files.createLink(file, fresh);
    } catch (FileAlreadyExistsException other) {
      // Another run made it at the same moment; its secret is as good.
      return;
    } catch (UnsupportedOperationException noLinks) {
      Files.move(fresh, file);
    } finally {
      Files.deleteIfExists(fresh);
    }
  }

  /** A stable token of a value: 32 hexadecimal digits. */
  public String token(String value) {
    int mixed = value.hashCode() * 0x9E3779B9;
    int at = (mixed ^ mixed >>> 16) << 2 & (2 * REMEMBERED - 1);
    if (!value.equals(remembered[at])) {
      String token = value.equals(remembered[at + 2]) ? remembered[at + 3] : hash(value);
      remembered[at + 2] = remembered[at];
      remembered[at + 3] = remembered[at + 1];
      remembered[at] = value;
      remembered[at + 1] = token;
    }
    return remembered[at + 1];
  }

  private String hash(String value) {
    byte[] hash = mac.doFinal(value.getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(hash, 0, 16);
  }

  /** The value, encrypted, in Base64. */
  public String encrypt(String value) {
    return Base64.getEncoder().encodeToString(encrypt(value.getBytes(StandardCharsets.UTF_8)));
  }

  /** The value that {@link #encrypt(String)} was given. */
  public String decrypt(String encrypted) {
    return new String(decrypt(Base64.getDecoder().decode(encrypted)), StandardCharsets.UTF_8);
  }

  /** The bytes, encrypted. */
  public byte[] encrypt(byte[] plain) {
    try {
      return cipher.encryptDeterministically(plain, NO_ASSOCIATED_DATA);
    } catch (GeneralSecurityException broken) {
      throw new IllegalStateException("encryption failed", broken);
    }
  }

  /**
   * The bytes that {@link #encrypt(byte[])} was given.
   *
   * @throws IllegalArgumentException if they were encrypted with another secret
   */
  public byte[] decrypt(byte[] encrypted) {
    try {
      return cipher.decryptDeterministically(encrypted, NO_ASSOCIATED_DATA);
    } catch (GeneralSecurityException otherSecret) {
      throw new IllegalArgumentException("encrypted with another secret, or damaged", otherSecret);
    }
  }

  @Override
  public String toString() {
    return "Vault[…]";
  }

  private static String resolve(String reference) {
    if (requireReference(reference).startsWith("env:")) {
      String value = System.getenv(reference.substring(4));
      if (value == null) {
        throw new IllegalArgumentException(
            "the environment variable of the secret reference " + reference + " is not set");
      }
      return value;
    }
    try {
      return Files.readString(Path.of(reference.substring(5)));
    } catch (IOException unreadable) {
      throw new IllegalArgumentException(
          "the secret file of " + reference + " cannot be read", unreadable);
    }
  }

  private static byte[] derive(byte[] secret, String purpose, int bytes)
      throws GeneralSecurityException {
    return Hkdf.computeHkdf(
        "HMACSHA256", secret, new byte[0], purpose.getBytes(StandardCharsets.UTF_8), bytes);
  }
}

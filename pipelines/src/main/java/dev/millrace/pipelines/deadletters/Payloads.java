package dev.millrace.pipelines.deadletters;

import dev.millrace.pipelines.UserError;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.transforms.refine.Vault;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;

/** The bytes of dead letters. */
final class Payloads {

  private Payloads() {}

  /** The bytes as they are kept; none if they were left out. */
  static byte[] kept(DeadLetter letter) {
    ByteBuffer payload = letter.getPayload();
    if (payload == null) {
      return new byte[0];
    }
    byte[] bytes = new byte[payload.remaining()];
    payload.duplicate().get(bytes);
    return bytes;
  }

  /**
   * The record's own bytes.
   *
   * @throws UserError if they were encrypted with another key
   */
  static byte[] plain(DeadLetter letter, String secret) {
    byte[] kept = kept(letter);
    if (!letter.getPayloadState().equals("ENCRYPTED")) {
      return kept;
    }
    try {
      return Vault.open(secret).decrypt(kept);
    } catch (IllegalArgumentException refused) {
      throw new UserError(
          "The payload of "
              + letter.getId()
              + " cannot be decrypted: "
              + refused.getMessage()
              + "; name the key of the run that refused it with --secret=env:NAME or"
              + " --secret=file:PATH.",
          refused);
    }
  }

  /**
   * Bytes as text that shows what no eye sees: {@code \xFF} for a byte that is not UTF-8, {@code
   * \n}, {@code \t}, and {@code \\u001B} for a character that would move the cursor or hide. A
   * backslash stays as it is.
   */
  static String visible(byte[] bytes) {
    CharsetDecoder utf8 = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length + 1);
    StringBuilder text = new StringBuilder();
    while (true) {
      CoderResult result = utf8.decode(in, out, true);
      out.flip();
      out.codePoints().forEach(character -> append(character, text));
      out.clear();
      if (!result.isError()) {
        return text.toString();
      }
      for (int i = 0; i < result.length(); i++) {
        text.append(String.format("\\x%02X", in.get()));
      }
      utf8.reset();
    }
  }

  private static void append(int character, StringBuilder text) {
    switch (character) {
      case '\n' -> text.append("\\n");
      case '\r' -> text.append("\\r");
      case '\t' -> text.append("\\t");
      default -> {
        if (isVisible(character)) {
          text.appendCodePoint(character);
        } else {
          text.append(String.format("\\u%04X", character));
        }
      }
    }
  }

  private static boolean isVisible(int character) {
    return switch (Character.getType(character)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.UNASSIGNED,
          Character.PRIVATE_USE,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}

package dev.millrace.pipelines.io.warehouse;

import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * Where a password is found: {@code env:NAME} or {@code file:PATH}. Travels to workers as this
 * reference and is resolved there. Its text form never holds the password.
 */
public final class Secret implements Serializable {

  private static final String INLINE = "inline:";

  private final String reference;

  private Secret(String reference) {
    this.reference = reference;
  }

  /** The secret a reference names; a {@link UserError} says what a reference looks like. */
  public static Secret of(String reference) {
    if (reference.matches("(env|file):.+")) {
      return new Secret(reference);
    }
    // The text is not repeated: it may be the password itself.
    throw new UserError(
        "The password of the warehouse must be a reference, not the password itself: give"
            + " env:NAME for an environment variable or file:PATH for a file.");
  }

  /** A password that stood in the URL of a local database. */
  static Secret inline(String password) {
    return new Secret(INLINE + password);
  }

  /** Looks the password up, here and now. */
  String resolve() {
    String name = reference.substring(reference.indexOf(':') + 1);
    if (reference.startsWith(INLINE)) {
      return name;
    }
    if (reference.startsWith("env:")) {
      String value = System.getenv(name);
      if (value == null) {
        throw new UserError(
            "The password of the warehouse is to be read from the environment variable "
                + name
                + ", which is not set on this machine. Set it, or give file:PATH.");
      }
      return value;
    }
    try {
      // Editors end a file with a line end, which is no part of the password.
      return Files.readString(Path.of(name)).stripTrailing();
    } catch (IOException | InvalidPathException unreadable) {
      throw new UserError(
          "The password of the warehouse is to be read from the file "
              + name
              + ", which cannot be read on this machine. Check its path and who may read it.",
          unreadable);
    }
  }

  @Override
  public boolean equals(@org.jspecify.annotations.Nullable Object other) {
    return other instanceof Secret that && reference.equals(that.reference);
  }

  @Override
  public int hashCode() {
    return reference.hashCode();
  }

  /** The reference; three stars for a password that stood in a URL. */
  @Override
  public String toString() {
    return reference.startsWith(INLINE) ? "***" : reference;
  }
}

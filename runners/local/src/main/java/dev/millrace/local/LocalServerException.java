package dev.millrace.local;

import org.jspecify.annotations.Nullable;

/** A local server cannot be had; the message says which, why, and what to do. */
public final class LocalServerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  LocalServerException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}

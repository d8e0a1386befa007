package dev.millrace.local;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A local server cannot be had; the message says which, why, and what to do. */
public final class LocalServerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  @SuppressWarnings("serial") // made by List.copyOf or List.of
  private final List<String> lastLines;

  LocalServerException(String message, @Nullable Throwable cause) {
    this(message, List.of(), cause);
  }

  LocalServerException(String message, List<String> lastLines, @Nullable Throwable cause) {
    super(message, cause);
    this.lastLines = List.copyOf(lastLines);
  }

  /** The last lines of the server's log, if they help. */
  public List<String> lastLines() {
    return lastLines;
  }
}

package dev.millrace.pipelines;

/** Something the user can mend: the message says what, where and what to do. */
public final class UserError extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A message of one sentence or two. */
  public UserError(String message) {
    super(message);
  }

  /** The same with its cause. */
  public UserError(String message, Throwable cause) {
    super(message, cause);
  }
}

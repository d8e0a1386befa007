package dev.millrace.pipelines;

import java.io.EOFException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

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

  /**
   * Why a file or a directory could not be used, for brackets in a sentence that names it. What
   * exceptions of files say themselves is often no more than the path, or nothing.
   */
  public static String reason(Exception refused) {
    if (refused instanceof FileSystemException file && file.getReason() != null) {
      return file.getReason();
    }
    if (refused instanceof AccessDeniedException) {
      return "no permission";
    }
    if (refused instanceof NoSuchFileException missing) {
      return "there is no " + missing.getFile();
    }
    if (refused instanceof FileAlreadyExistsException other) {
      return other.getFile() + " is a file";
    }
    if (refused.getMessage() != null) {
      return refused.getMessage();
    }
    return refused instanceof EOFException
        ? "it ends too early"
        : refused.getClass().getSimpleName();
  }
}

package dev.millrace.pipelines.io;

import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Holds a lake for one run at a time, until it is closed or the process ends, however it ends: two
 * runs would sweep each other's files.
 */
public final class LakeLock implements AutoCloseable {

  private final FileChannel channel;

  private LakeLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Takes the lake.
   *
   * @param lake a directory that exists
   * @throws UserError if another run has it
   */
  public static LakeLock of(Path lake) {
    try {
      FileChannel channel =
          FileChannel.open(
              lake.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (isFree(channel)) {
        return new LakeLock(channel);
      }
      channel.close();
    } catch (IOException failed) {
      throw new UserError(
          "--lake: '" + lake + "' cannot be locked (" + failed + "); name another directory.",
          failed);
    }
    throw new UserError(
        "--lake: another run is writing '"
            + lake
            + "'; wait until it ends, or give this one a lake of its own.");
  }

  private static boolean isFree(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException inThisProcess) {
      return false;
    }
  }

  /** Lets the lake go. */
  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException failed) {
      throw new java.io.UncheckedIOException(failed);
    }
  }
}

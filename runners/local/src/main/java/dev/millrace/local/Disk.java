package dev.millrace.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether there is room. A program that finds none often ends without being able to say so. */
public final class Disk {

  private Disk() {}

  /** Whether a directory's disk has less than so many bytes left; no, if it does not say. */
  public static boolean lacks(Path directory, long bytes) {
    try {
      return Files.getFileStore(directory).getUsableSpace() < bytes;
    } catch (IOException unknown) {
      return false;
    }
  }
}

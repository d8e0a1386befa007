package dev.millrace.it.programs;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * How tests start Java: quick to begin, which pays for all data there is. Classes are compiled once
 * and not for speed, and are not verified, for the compiler of this build made them.
 */
public final class JavaInHaste {

  /** Options that make it so. */
  public static final List<String> OPTIONS =
      List.of(
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1",
          "-XX:+UnlockDiagnosticVMOptions",
          "-XX:-BytecodeVerificationRemote");

  private JavaInHaste() {}

  /**
   * The beginning of a command, to which more can be added.
   *
   * @param heap at most, such as {@code 512m}
   */
  public static List<String> command(String heap) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx" + heap);
    command.addAll(OPTIONS);
    return command;
  }
}

package dev.millrace.it.programs;

import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarFile;
import java.util.stream.Stream;

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

  /** What the program of a jar may look into, as options: Java heeds its manifest only alone. */
  public static List<String> opens(Path jar) throws IOException {
    try (JarFile file = new JarFile(jar.toFile())) {
      String opens = file.getManifest().getMainAttributes().getValue("Add-Opens");
      return opens == null
          ? List.of()
          : Stream.of(opens.split(" ", -1))
              .map(opened -> "--add-opens=" + opened + "=ALL-UNNAMED")
              .toList();
    }
  }

  /** Where a class is, for a class path. */
  public static String placeOf(Class<?> type) {
    URL place = type.getProtectionDomain().getCodeSource().getLocation();
    return Path.of(URI.create(place.toString())).toString();
  }
}

package dev.millrace.it.programs;

import dev.millrace.runners.Engine;
import dev.millrace.runners.Millrace;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.ProcessBuilder.Redirect;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarFile;

/**
 * The program of a runner that carries out one command after another in one process: most of what a
 * small run costs is the start of Java. Each command has the working directory, the standard output
 * and the standard error that it would have alone.
 *
 * <p>For tests of what commands do. What a start, an end or a death of the program does is seen
 * only in a process of its own.
 */
public final class WarmProgram implements AutoCloseable {

  private final Process process;
  private final DataOutputStream commands;
  private final DataInputStream answers;

  private WarmProgram(Process process) {
    this.process = process;
    this.commands = new DataOutputStream(process.getOutputStream());
    this.answers = new DataInputStream(process.getInputStream());
  }

  /**
   * Starts it.
   *
   * @param heap at most, such as {@code 512m}
   * @param jar the runner's jar, which names its libraries
   * @param directory the working directory
   * @param environment added to that of the tests
   */
  public static WarmProgram start(
      String heap, Path jar, Path directory, Map<String, String> environment) throws IOException {
    List<String> command = JavaInHaste.command(heap);
    Attributes manifest = manifest(jar);
    String opens = manifest.getValue("Add-Opens");
    for (String opened : opens == null ? new String[0] : opens.split(" ", -1)) {
      command.add("--add-opens=" + opened + "=ALL-UNNAMED");
    }
    command.add("-cp");
    command.add(jar + File.pathSeparator + place());
    command.add(Commands.class.getName());
    command.add(manifest.getValue(Attributes.Name.MAIN_CLASS));
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(directory.toFile()).redirectError(Redirect.INHERIT);
    builder.environment().putAll(environment);
    return new WarmProgram(builder.start());
  }

  private static Attributes manifest(Path jar) throws IOException {
    try (JarFile file = new JarFile(jar.toFile())) {
      return file.getManifest().getMainAttributes();
    }
  }

  private static String place() {
    URL place = WarmProgram.class.getProtectionDomain().getCodeSource().getLocation();
    return Path.of(URI.create(place.toString())).toString();
  }

  /**
   * Carries out a command to its end.
   *
   * @return its exit status
   * @throws EOFException if the program ended itself
   */
  public synchronized int run(Path out, Path err, String... arguments) throws IOException {
    commands.writeUTF(out.toString());
    commands.writeUTF(err.toString());
    commands.writeInt(arguments.length);
    for (String argument : arguments) {
      commands.writeUTF(argument);
    }
    commands.flush();
    return answers.readInt();
  }

  @Override
  public void close() {
    process.destroy();
  }

  /** What runs in the process. */
  public static final class Commands {

    private Commands() {}

    /** Carries out what standard input says, until its end. */
    public static void main(String[] arguments) throws Exception {
      Engine engine = (Engine) Class.forName(arguments[0]).getMethod("engine").invoke(null);
      DataInputStream commands = new DataInputStream(System.in);
      DataOutputStream answers = new DataOutputStream(System.out);
      PrintStream before = System.err;
      while (true) {
        String out;
        try {
          out = commands.readUTF();
        } catch (EOFException noMore) {
          // Threads that a runner has left would hold the process.
          System.exit(0);
          return;
        }
        try (PrintStream printed = new PrintStream(out, StandardCharsets.UTF_8);
            PrintStream errors = new PrintStream(commands.readUTF(), StandardCharsets.UTF_8)) {
          String[] words = new String[commands.readInt()];
          for (int i = 0; i < words.length; i++) {
            words[i] = commands.readUTF();
          }
          System.setOut(printed);
          System.setErr(errors);
          int status = Millrace.on(engine, printed, errors).run(words);
          System.setErr(before);
          printed.flush();
          errors.flush();
          answers.writeInt(status);
          answers.flush();
        }
      }
    }
  }
}

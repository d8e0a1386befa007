package dev.millrace.it.programs;

import dev.millrace.runners.Engine;
import dev.millrace.runners.Millrace;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
  private final Path directory;
  private final Duration limit;

  private WarmProgram(Process process, Path directory, Duration limit) {
    this.process = process;
    this.directory = directory;
    this.limit = limit;
    this.commands = new DataOutputStream(process.getOutputStream());
    this.answers = new DataInputStream(process.getInputStream());
  }

  /**
   * Starts it.
   *
   * @param heap at most, such as {@code 512m}
   * @param jar the runner's jar, which names its libraries
   * @param directory the working directory
   * @param limit how long a command may take
   * @param environment added to that of the tests
   */
  public static WarmProgram start(
      String heap, Path jar, Path directory, Duration limit, Map<String, String> environment)
      throws IOException {
    List<String> command = JavaInHaste.command(heap);
    command.addAll(JavaInHaste.opens(jar));
    command.add("-cp");
    command.add(jar + File.pathSeparator + JavaInHaste.placeOf(WarmProgram.class));
    command.add(Commands.class.getName());
    command.add(main(jar));
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(directory.toFile()).redirectError(Redirect.INHERIT);
    builder.environment().putAll(environment);
    return new WarmProgram(builder.start(), directory, limit);
  }

  private static String main(Path jar) throws IOException {
    try (JarFile file = new JarFile(jar.toFile())) {
      return file.getManifest().getMainAttributes().getValue(Attributes.Name.MAIN_CLASS);
    }
  }

  /**
   * A command that ended.
   *
   * @param out what it printed on standard output
   * @param err and on standard error
   */
  public record Ended(int status, String out, String err) {}

  /**
   * Carries out a command to its end.
   *
   * @throws AssertionError if it does not end in time, or ended the program
   */
  public synchronized Ended run(String... arguments) throws IOException, InterruptedException {
    Path out = Files.createTempFile(directory, "out", ".txt");
    Path err = Files.createTempFile(directory, "err", ".txt");
    commands.writeUTF(out.toString());
    commands.writeUTF(err.toString());
    commands.writeInt(arguments.length);
    for (String argument : arguments) {
      commands.writeUTF(argument);
    }
    commands.flush();
    try {
      int status =
          CompletableFuture.supplyAsync(this::answer).get(limit.toSeconds(), TimeUnit.SECONDS);
      return new Ended(status, Files.readString(out), Files.readString(err));
    } catch (TimeoutException | ExecutionException none) {
      process.destroyForcibly();
      throw new AssertionError(
          "did not end: " + String.join(" ", arguments) + "\n" + Files.readString(err), none);
    }
  }

  private int answer() {
    try {
      return answers.readInt();
    } catch (IOException ended) {
      throw new UncheckedIOException(ended);
    }
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
        int status;
        try (PrintStream printed = new PrintStream(out, StandardCharsets.UTF_8);
            PrintStream errors = new PrintStream(commands.readUTF(), StandardCharsets.UTF_8)) {
          String[] words = new String[commands.readInt()];
          for (int i = 0; i < words.length; i++) {
            words[i] = commands.readUTF();
          }
          System.setOut(printed);
          System.setErr(errors);
          status = Millrace.on(engine, printed, errors).run(words);
          System.setErr(before);
        }
        answers.writeInt(status);
        answers.flush();
      }
    }
  }
}

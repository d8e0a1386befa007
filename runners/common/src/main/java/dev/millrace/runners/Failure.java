package dev.millrace.runners;

import dev.millrace.local.LocalServerException;
import dev.millrace.pipelines.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a user is told about an exception.
 *
 * @param sentence what went wrong and what to do
 * @param status exit status: 2 if the user can mend the command, else 1
 */
record Failure(String sentence, int status) {

  static final int USER = 2;
  static final int OTHER = 1;

  private static final Pattern REASON = Pattern.compile("(.+) \\(([A-Z][a-z-]+(?: [a-z-]+)+)\\)");
  private static final Pattern ADDRESS = Pattern.compile("Connection to ([^ ]+) refused");

  static Failure of(Throwable thrown) {
    // Runners wrap what a step threw; the step's own word is the one that helps.
    Set<Throwable> causes = causes(thrown);
    Optional<Failure> user =
        first(causes, UserError.class)
            .map(error -> new Failure(String.valueOf(error.getMessage()), USER));
    return user.orElseGet(() -> new Failure(known(causes).orElseGet(() -> unknown(causes)), OTHER));
  }

  private static Optional<String> known(Set<Throwable> causes) {
    return Stream.<Function<Set<Throwable>, Optional<String>>>of(
            all -> first(all, LocalServerException.class).map(Throwable::getMessage),
            all -> first(all, OutOfMemoryError.class).map(Failure::outOfMemory),
            all -> all.stream().filter(Failure::isDiskFull).findFirst().map(Failure::diskFull),
            Failure::sql,
            all ->
                first(all, UnknownHostException.class)
                    .map(e -> "The host " + e.getMessage() + " is not known; check its name."),
            all ->
                first(all, ConnectException.class)
                    .map(
                        e ->
                            "A server does not answer ("
                                + line(e)
                                + "); start it, or check its address."),
            all ->
                first(all, AccessDeniedException.class)
                    .map(
                        e ->
                            "No permission for "
                                + e.getFile()
                                + "; change its permissions, or name another place."),
            all ->
                first(all, NoSuchFileException.class)
                    .map(e -> "There is no file " + e.getFile() + "; check the path."),
            all ->
                first(all, FileAlreadyExistsException.class)
                    .map(
                        e ->
                            e.getFile()
                                + " is in the way"
                                + (e.getReason() == null ? "" : ": " + e.getReason())
                                + "; remove it, or name another place."),
            all ->
                first(all, FileSystemException.class)
                    .filter(e -> e.getReason() != null)
                    .map(e -> unusable(e.getFile(), e.getReason())),
            all -> first(all, FileNotFoundException.class).map(Failure::fileNotFound))
        .map(translate -> translate.apply(causes))
        .flatMap(Optional::stream)
        .findFirst();
  }

  private static String unknown(Set<Throwable> causes) {
    Throwable root = causes.stream().reduce(causes.iterator().next(), (before, after) -> after);
    String message = line(root);
    return "The run failed: "
        + (message.isEmpty() ? "" : message.replaceFirst("\\.$", "") + " ")
        + "("
        + root.getClass().getSimpleName()
        + ").";
  }

  private static Optional<String> sql(Set<Throwable> causes) {
    return first(causes, SQLException.class)
        .map(
            error -> {
              String state = error.getSQLState() == null ? "" : error.getSQLState();
              String said = line(error).replaceFirst("^(FATAL|ERROR): ", "");
              return switch (state) {
                case "08001" -> {
                  Matcher address = ADDRESS.matcher(line(error));
                  yield "PostgreSQL does not answer"
                      + (address.find()
                          ? " at " + address.group(1) + ": connection refused"
                          : ": " + said)
                      + "; start it, or check --warehouse.";
                }
                case "08000", "08003", "08004", "08006", "57P01", "57P02", "57P03" ->
                    "The connection to PostgreSQL was lost ("
                        + said
                        + "); check that it runs, and run again.";
                case "28000", "28P01" ->
                    "PostgreSQL refused the user ("
                        + said
                        + "); check --warehouse-user and --warehouse-password.";
                case "3D000" ->
                    "PostgreSQL has no such database ("
                        + said
                        + "); make it, or check --warehouse.";
                case "42501" ->
                    "PostgreSQL gave no permission (" + said + "); grant it, or use another user.";
                case "53100" ->
                    "The disk of PostgreSQL is full (" + said + "); free some space and run again.";
                case "53300" ->
                    "PostgreSQL takes no more connections ("
                        + said
                        + "); end others, or raise max_connections.";
                case "53200" ->
                    "PostgreSQL is out of memory (" + said + "); give it more, and run again.";
                default ->
                    "PostgreSQL refused a statement: "
                        + said
                        + (state.isEmpty() ? "." : " (" + state + ").");
              };
            });
  }

  private static String outOfMemory(Throwable error) {
    long mebibytes = Runtime.getRuntime().maxMemory() >> 20;
    return "Out of memory: Java may use "
        + mebibytes
        + " MB here; give it more, such as MILLRACE_JAVA_OPTS=-Xmx"
        + Math.max(2, mebibytes / 512)
        + "g.";
  }

  private static boolean isDiskFull(Throwable error) {
    return error instanceof IOException && line(error).contains("No space left on device");
  }

  private static String diskFull(Throwable error) {
    String where =
        line(error).replaceFirst(": No space left on device.*|No space left on device.*", "");
    return "The disk is full"
        + (where.isEmpty() ? "" : ": no space left for " + where)
        + "; free some space and run again.";
  }

  private static String unusable(String file, String reason) {
    return file
        + " cannot be used ("
        + reason
        + "); name another place, or run in a directory that you may write.";
  }

  private static String fileNotFound(FileNotFoundException error) {
    String message = line(error);
    if (message.endsWith("(Permission denied)")) {
      return "No permission for "
          + message.replace(" (Permission denied)", "")
          + "; change its permissions, or name another place.";
    }
    if (message.startsWith("No files matched spec: ")) {
      return "No file matches "
          + message.substring("No files matched spec: ".length())
          + "; check the path.";
    }
    // Java also says so of a file that cannot be made: "PATH (Read-only file system)".
    Matcher other = REASON.matcher(message);
    if (other.matches() && !other.group(2).equals("No such file or directory")) {
      return unusable(other.group(1), other.group(2));
    }
    return "There is no file "
        + message.replaceFirst(" \\((No such file or directory)\\)$", "")
        + "; check the path.";
  }

  /** The first line: what follows in PostgreSQL's messages can hold values of records. */
  private static String line(Throwable error) {
    String message = error.getMessage();
    return message == null ? "" : message.lines().findFirst().orElse("").strip();
  }

  private static <T extends Throwable> Optional<T> first(Set<Throwable> causes, Class<T> type) {
    return causes.stream().filter(type::isInstance).map(type::cast).findFirst();
  }

  /**
   * The exception, its causes and, of SQL exceptions, those that follow; from the outermost to the
   * root.
   */
  private static Set<Throwable> causes(Throwable thrown) {
    Set<Throwable> seen = new LinkedHashSet<>();
    Deque<Throwable> open = new ArrayDeque<>();
    open.add(thrown);
    while (!open.isEmpty()) {
      Throwable next = open.removeFirst();
      if (seen.add(next)) {
        if (next.getCause() != null) {
          open.add(next.getCause());
        }
        if (next instanceof SQLException sql && sql.getNextException() != null) {
          open.add(sql.getNextException());
        }
      }
    }
    return seen;
  }
}

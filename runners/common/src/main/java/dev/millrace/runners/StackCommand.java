package dev.millrace.runners;

import dev.millrace.local.LocalStack;
import dev.millrace.local.LocalStack.Server;
import dev.millrace.local.LocalStack.State;
import dev.millrace.local.LocalStack.Wanted;
import dev.millrace.pipelines.UserError;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** {@code millrace stack}: real servers on this machine. */
final class StackCommand {

  /** Exit status of {@code stack status} unless every server is up. */
  static final int NOT_UP = 3;

  private static final List<String> ACTIONS = List.of("up", "status", "down", "reset");
  private static final DateTimeFormatter SINCE =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT);

  private final Path directory;
  private final LocalStack stack;
  private final Narrator narrator;
  private final PrintStream out;

  StackCommand(Path directory, Narrator narrator, PrintStream out) {
    this.directory = directory;
    this.stack = new LocalStack(directory.resolve(".millrace"));
    this.narrator = narrator;
    this.out = out;
  }

  /** Carries out an action and returns the exit status. */
  int run(
      @Nullable String action,
      @Nullable Integer kafkaPort,
      boolean registry,
      @Nullable Integer registryPort,
      boolean flink,
      @Nullable Integer flinkPort) {
    if (action == null || !ACTIONS.contains(action)) {
      throw new UserError(
          (action == null
                  ? "Say what to do with the stack:"
                  : "There is no millrace stack "
                      + action
                      + "."
                      + Nearest.hint(action, ACTIONS)
                      + " There are")
              + " up, status, down and reset.");
    }
    check(action, "--kafka-port", kafkaPort);
    check(action, "--registry-port", registryPort);
    check(action, "--flink-port", flinkPort);
    if (registry && !action.equals("up")) {
      throw new UserError("--registry belongs to millrace stack up.");
    }
    if (flink && !action.equals("up")) {
      throw new UserError("--flink belongs to millrace stack up.");
    }
    return switch (action) {
      case "up" ->
          up(
              new Wanted(
                  Optional.ofNullable(kafkaPort),
                  registry || registryPort != null,
                  Optional.ofNullable(registryPort),
                  flink || flinkPort != null,
                  Optional.ofNullable(flinkPort)));
      case "status" -> status();
      case "down" -> down();
      default -> reset();
    };
  }

  private static void check(String action, String option, @Nullable Integer port) {
    if (port == null) {
      return;
    }
    if (!action.equals("up")) {
      throw new UserError(option + " belongs to millrace stack up.");
    }
    if (port < 1 || port > 65535) {
      throw new UserError(option + " is " + port + "; give a port from 1 to 65535.");
    }
  }

  private int up(Wanted wanted) {
    List<String> started = stack.up(wanted, narrator::phase);
    narrator.close();
    List<Server> servers = stack.status();
    out.println(started.isEmpty() ? "They are up already." : "Up: " + and(started) + ".");
    out.println();
    print(servers);
    out.println();
    out.println("Kafka makes no topics by itself. For clients:");
    for (Server server : servers) {
      switch (server.name()) {
        case "Kafka" -> out.println("  bootstrap.servers=" + server.address());
        case LocalStack.POSTGRES ->
            out.println("  jdbc:postgresql://" + server.address() + "/millrace?user=millrace");
        case LocalStack.REGISTRY ->
            out.println(
                "  schema.registry.url=http://" + server.address() + LocalStack.REGISTRY_PATH);
        case LocalStack.FLINK ->
            out.println(
                "  --flink=" + server.address() + ", and a web page: http://" + server.address());
        default -> {}
      }
    }
    out.println("Try next:");
    out.println("  millrace run sales       fills the warehouse, which is in this PostgreSQL");
    out.println("  millrace stack status    how they are; millrace stack down stops them");
    return 0;
  }

  private int status() {
    List<Server> servers = stack.status();
    print(servers);
    if (servers.stream().allMatch(server -> server.state() == State.UP)) {
      return 0;
    }
    out.println();
    out.println("To start what is not up: millrace stack up");
    return NOT_UP;
  }

  private int down() {
    stack.down().forEach(out::println);
    return 0;
  }

  private int reset() {
    List<Path> removed = stack.reset();
    if (removed.isEmpty()) {
      out.println("There is nothing to remove.");
    }
    for (Path path : removed) {
      out.println(
          "Removed "
              + (path.startsWith(directory) ? directory.relativize(path) : path)
              + (path.endsWith("kafka")
                  ? ": topics and offsets."
                  : path.endsWith("registry")
                      ? ": the schemas."
                      : path.endsWith("flink")
                          ? ": checkpoints and savepoints."
                          : ": the embedded warehouse."));
    }
    return 0;
  }

  private void print(List<Server> servers) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("server", "state", "address", "pid", "since", ""));
    for (Server server : servers) {
      rows.add(
          List.of(
              server.name(),
              server.state() == State.SILENT
                  ? "does not answer"
                  : server.state().name().toLowerCase(Locale.ROOT),
              server.address().isEmpty() ? "-" : server.address(),
              server.pid() == 0 ? "-" : Long.toString(server.pid()),
              since(server.since()),
              server.note()));
    }
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int column = 0; column < row.size(); column++) {
        int at = column;
        int width = rows.stream().mapToInt(cells -> cells.get(at).length()).max().orElse(0);
        line.append(row.get(column)).append(" ".repeat(width - row.get(column).length() + 2));
      }
      out.println(line.toString().stripTrailing());
    }
  }

  private static String since(@Nullable Instant start) {
    return start == null ? "-" : SINCE.format(start.atZone(ZoneId.systemDefault()));
  }

  private static String and(List<String> names) {
    int last = names.size() - 1;
    return last < 1
        ? String.join("", names)
        : String.join(", ", names.subList(0, last)) + " and " + names.get(last);
  }
}

package dev.millrace.runners;

import dev.millrace.pipelines.CatalogueEntry.Partition;
import dev.millrace.runners.ClusterLook.Checkpoints;
import dev.millrace.runners.ClusterLook.Failure;
import dev.millrace.runners.ClusterLook.Task;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Says in words why a live run is slow or stuck, of what its cluster, its topics and its warehouse
 * have answered. Asks nobody, and knows no clock but theirs.
 */
final class Doctor {

  /** How long a partition has to have nothing new. */
  static final Duration QUIET = Duration.ofSeconds(30);

  /** How long a failure is told of. */
  static final Duration RECENT = Duration.ofMinutes(5);

  /** How many intervals may go by without a checkpoint. */
  private static final int MISSED = 3;

  private static final String NO_SLOTS = "NoResourceAvailableException";
  private static final String NO_CHECKPOINT = "Exceeded checkpoint tolerable failure threshold";

  private static final double BUSY = 0.9;
  private static final double BLOCKED = 0.5;

  /** The share of one key, of all that a step reads, from which it is hot. */
  private static final double HOT = 0.4;

  /** Records below which a share means nothing. */
  private static final long MANY = 1_000;

  private static final double REFUSED = 0.1;

  private final ClusterLook cluster;
  private final @Nullable StreamLook before;
  private final @Nullable StreamLook stream;
  private final String page;
  private final List<Finding> findings = new ArrayList<>();

  private Doctor(
      ClusterLook cluster, @Nullable StreamLook before, @Nullable StreamLook stream, String page) {
    this.cluster = cluster;
    this.before = before;
    this.stream = stream;
    this.page = page;
  }

  /**
   * What is wrong.
   *
   * @param kind in two words
   * @param evidence what was seen
   * @param advice what to do
   */
  record Finding(String kind, String evidence, String advice) {
    @Override
    public String toString() {
      return kind + ": " + evidence + ". Do: " + advice + ".";
    }
  }

  /**
   * What is wrong, the cause before what follows from it; nothing if all is well.
   *
   * @param before what the stream was like some seconds before, and
   * @param stream is like now; null if it could not be seen
   * @param checkpointFailure why the last checkpoint failed, as the log of the cluster has it
   * @param page where the job's page is
   */
  static List<Finding> findings(
      ClusterLook cluster,
      @Nullable StreamLook before,
      @Nullable StreamLook stream,
      Optional<String> checkpointFailure,
      String page) {
    return new Doctor(cluster, before, stream, page).look(checkpointFailure);
  }

  private List<Finding> look(Optional<String> checkpointFailure) {
    if (List.of("FINISHED", "CANCELED", "FAILED").contains(cluster.state())) {
      ended();
      slots();
      return findings;
    }
    slots();
    restarts();
    if (stream != null) {
      waits(stream);
    }
    slow();
    checkpoints(checkpointFailure);
    if (stream != null && before != null) {
      if (cluster.state().equals("RUNNING") && cluster.tasksWithoutSlot() == 0) {
        reading(before, stream);
      }
      ledger(before, stream);
    }
    skew();
    return findings;
  }

  private void find(String kind, String evidence, String advice) {
    findings.add(new Finding(kind, evidence, advice));
  }

  // -------------------------------------------------------------------------------- the cluster

  private void ended() {
    String state = cluster.state().toLowerCase(Locale.ROOT);
    Optional<Failure> last = last();
    find(
        "ended",
        "the job is " + state + last.map(failure -> ": " + failure.cause()).orElse(""),
        last.isPresent()
            ? "mend that, then millrace resume CHECKPOINT "
                + cluster.name()
                + "; millrace jobs names its last checkpoint"
            : "millrace resume SAVEPOINT " + cluster.name() + " if it was to go on");
  }

  private Optional<Failure> last() {
    return cluster.failures().stream().max(Comparator.comparing(Failure::at));
  }

  private void slots() {
    boolean refused =
        !runs() && last().filter(failure -> failure.stack().contains(NO_SLOTS)).isPresent();
    if (refused || (cluster.tasksWithoutSlot() > 0 && cluster.slotsFree() == 0)) {
      find(
          "slots missing",
          "%s, and of the %d slots of the cluster %s free"
              .formatted(
                  refused
                      ? "the job has not got the slots it needs"
                      : "%d of %d tasks wait for a slot"
                          .formatted(cluster.tasksWithoutSlot(), cluster.tasks()),
                  cluster.slots(),
                  cluster.slotsFree() == 0 ? "none is" : cluster.slotsFree() + " are"),
          "start a TaskManager (here: millrace stack up), end another job (millrace jobs), or hand it over with a smaller --parallelism");
    }
  }

  private void restarts() {
    List<Failure> recent =
        cluster.failures().stream()
            .filter(failure -> isRecent(failure.at()))
            .filter(failure -> !failure.stack().contains(NO_SLOTS))
            .filter(failure -> !failure.stack().contains(NO_CHECKPOINT))
            .sorted(Comparator.comparing(Failure::at))
            .toList();
    if (recent.isEmpty()) {
      return;
    }
    Failure last = recent.get(recent.size() - 1);
    find(
        "restarting",
        "%s in the last %d min, the last at %s; the job is %s: %s"
            .formatted(
                recent.size() == 1 ? "1 failure" : recent.size() + " failures",
                RECENT.toMinutes(),
                seconds(last.at()),
                cluster.state().toLowerCase(Locale.ROOT),
                last.cause()),
        "mend what it names; the job goes on from its last checkpoint by itself, and ends if it fails too often. The whole trace: "
            + page);
  }

  private boolean isFound(String kind) {
    return findings.stream().anyMatch(finding -> finding.kind().equals(kind));
  }

  private void checkpoints(Optional<String> logged) {
    Checkpoints all = cluster.checkpoints();
    Instant last =
        all.lastCompleted()
            .filter(done -> done.isAfter(cluster.runningSince()))
            .orElse(cluster.runningSince());
    Duration without = Duration.between(last, cluster.now());
    boolean failed =
        Stream.concat(
                all.lastFailed().stream(),
                cluster.failures().stream()
                    .filter(failure -> isRecent(failure.at()))
                    .filter(failure -> failure.stack().contains(NO_CHECKPOINT))
                    .map(Failure::at))
            .anyMatch(at -> all.lastCompleted().map(at::isAfter).orElse(true));
    Duration patience = all.interval().multipliedBy(MISSED);
    if (patience.compareTo(QUIET) < 0) {
      patience = QUIET;
    }
    boolean missing = runs() && without.compareTo(patience) > 0;
    if (!failed && !missing) {
      return;
    }
    StringBuilder evidence = new StringBuilder();
    evidence.append(
        all.lastCompleted()
            .map(done -> "the last one that was completed is of " + seconds(done))
            .orElse("none was completed"));
    evidence.append(", %d of %d failed".formatted(all.failed(), all.failed() + all.completed()));
    all.pending()
        .ifPresent(
            pending ->
                evidence.append(
                    ", one is being made since %s, and %d of %d tasks have not done their part"
                        .formatted(
                            seconds(pending.since()),
                            pending.all() - pending.acknowledged(),
                            pending.all())));
    String cause = logged.orElse(all.lastFailure());
    if (failed && !cause.isEmpty()) {
      evidence.append(": ").append(cause.replaceFirst("\\.$", ""));
    }
    find(
        "checkpoint failing",
        evidence.toString(),
        failed
            ? "see that all processes of the cluster can write to state.checkpoints.dir and have room there; until then a failure repeats all since the last one"
            : "a checkpoint waits for the slowest step: look for what keeps that, above or on "
                + page);
  }

  /** A task that is busy and that those before it wait for. */
  private void slow() {
    for (Task task : cluster.steps()) {
      if (task.busy() < BUSY || task.blocked() >= BLOCKED) {
        continue;
      }
      List<Task> waiting =
          cluster.steps().stream()
              .filter(other -> task.before().contains(other.id()) && other.blocked() >= BLOCKED)
              .toList();
      if (waiting.isEmpty()) {
        continue;
      }
      List<String> tables =
          task.steps().stream()
              .filter(step -> step.startsWith("Warehouse_"))
              .map(step -> step.substring("Warehouse_".length()))
              .toList();
      String evidence =
          "%s is busy %.0f %% of the time, and %s waits for it %.0f %%"
              .formatted(
                  shown(task.steps()),
                  100 * task.busy(),
                  shown(waiting.get(0).steps()),
                  100 * waiting.get(0).blocked());
      if (tables.isEmpty()) {
        find(
            "step slow",
            evidence,
            "give it more: resume with a greater --parallelism and as many slots, or see what it waits for on "
                + page);
      } else if (!isFound("sink slow")) {
        find(
            "sink slow",
            evidence,
            "see what PostgreSQL does: its locks, its disk, its load (pg_stat_activity)");
      }
    }
  }

  private static String shown(List<String> steps) {
    return steps.size() <= 3
        ? String.join(", ", steps)
        : String.join(", ", steps.subList(0, 3)) + " and " + (steps.size() - 3) + " more";
  }

  /** A part of a task that reads more than its share. */
  private void skew() {
    long most =
        cluster.steps().stream().filter(Task::keyed).mapToLong(Task::readInAll).max().orElse(0);
    for (Task task : cluster.steps()) {
      int parts = task.read().size();
      long all = task.readInAll();
      // What was added up before is little: that one part has it all means nothing.
      if (!task.keyed() || parts < 2 || all < MANY || all < most / 5) {
        continue;
      }
      long one = task.read().stream().mapToLong(Long::longValue).max().orElse(0);
      double share = (double) one / all;
      double key = (share - 1.0 / parts) / (1 - 1.0 / parts);
      if (key >= HOT) {
        find(
            "hot key",
            "one of %d parts of %s has read %.0f %% of %,d records, as if a single key had %.0f %%"
                .formatted(parts, shown(task.steps()), 100 * share, all, 100 * key),
            "more parallelism does not help; look for the key in the data, such as one user_id of a robot, and keep it out or split it");
      }
    }
  }

  // -------------------------------------------------------------------- topics and the warehouse

  private void waits(StreamLook look) {
    look.waits().stream()
        .findFirst()
        .ifPresent(
            wait ->
                find(
                    "sink slow",
                    "a write to %s waits since %s for session %d of PostgreSQL (%s, %s), which holds a lock"
                        .formatted(
                            wait.table(),
                            seconds(wait.since()),
                            wait.blocker(),
                            wait.program().isEmpty() ? "unnamed" : wait.program(),
                            wait.state()),
                    "let that session commit, or end it: SELECT pg_terminate_backend("
                        + wait.blocker()
                        + ")"));
  }

  private void reading(StreamLook before, StreamLook now) {
    long unread = now.partitions().stream().mapToLong(now::unread).sum();
    long unreadBefore = before.partitions().stream().mapToLong(before::unread).sum();
    long read = now.partitions().stream().mapToLong(now::read).sum();
    long more = read - before.partitions().stream().mapToLong(before::read).sum();
    double seconds = Math.max(0.001, Duration.between(before.at(), now.at()).toMillis() / 1000.0);
    String topics =
        now.partitions().stream()
            .map(Partition::topic)
            .distinct()
            .collect(Collectors.joining(", "));
    if (unread > 0 && unreadBefore > 0 && more == 0) {
      if (findings.isEmpty()) {
        find(
            "not reading",
            "%,d records of %s are unread, and none was read in %.0f s"
                .formatted(unread, topics, seconds),
            "see what the steps wait for on " + page + ", and the logs of the TaskManagers");
      }
      return;
    }
    if (unread > MANY && unread > 10 * more / seconds) {
      find(
          "behind",
          "%,d records of %s are unread; %,.0f a second are read, %,.0f come"
              .formatted(unread, topics, more / seconds, (more + unread - unreadBefore) / seconds),
          unread < unreadBefore
              ? "wait: it catches up"
              : "give it more: resume with a greater --parallelism and as many slots");
    }
    quiet(now, topics);
  }

  private void quiet(StreamLook now, String topics) {
    List<Partition> idle =
        now.partitions().stream()
            .filter(partition -> now.unread(partition) == 0)
            .filter(partition -> isQuiet(partition, now.at()))
            .toList();
    if (idle.isEmpty()) {
      return;
    }
    String since =
        idle.stream()
            .map(Partition::newest)
            .filter(Objects::nonNull)
            .max(Comparator.naturalOrder())
            .map(newest -> "since " + seconds(newest))
            .orElse("yet");
    if (idle.size() == now.partitions().size()) {
      find(
          "no input",
          "no record has come to any partition of %s %s, and all that came are read"
              .formatted(topics, since),
          "look at the producer: the run waits for it, and its windows close by the clock");
    } else {
      find(
          "idle partition",
          "%s of %s %s had no record %s, while others have"
              .formatted(
                  (idle.size() == 1 ? "partition " : "partitions ")
                      + idle.stream()
                          .map(partition -> Integer.toString(partition.partition()))
                          .collect(Collectors.joining(", ")),
                  idle.get(0).topic(),
                  idle.size() == 1 ? "has" : "have",
                  since),
          "look at how the producer chooses partitions; no window is held open by it");
    }
  }

  private static boolean isQuiet(Partition partition, Instant now) {
    Instant newest = partition.newest();
    return newest == null || newest.isBefore(now.minus(QUIET));
  }

  private void ledger(StreamLook before, StreamLook now) {
    Map<String, Long> stays = now.residues();
    stays.entrySet().retainAll(before.residues().entrySet());
    stays.entrySet().stream()
        .findFirst()
        .ifPresent(
            residue ->
                find(
                    "ledger unbalanced",
                    "%s: %,d records have no outcome"
                        .formatted(residue.getKey(), residue.getValue()),
                    "records are lost or counted twice, which is a fault of the program: keep the topic, and compute the windows again with millrace backfill"));
    for (Partition partition : now.partitions()) {
      long read = now.read(partition);
      long refused =
          now.ledger().stream()
              .filter(count -> count.source().equals(partition.source()))
              .mapToLong(StreamLook.Count::refused)
              .sum();
      if (read >= MANY && refused > REFUSED * read) {
        find(
            "many rejects",
            "%.0f %% of the records of %s were refused"
                .formatted(100.0 * refused / read, partition.source()),
            "millrace dead-letters list says why");
        return;
      }
    }
  }

  // ----------------------------------------------------------------------------------- all well

  /** What is well, in one line. */
  static String healthy(ClusterLook cluster, @Nullable StreamLook stream) {
    List<String> parts = new ArrayList<>();
    if (stream != null) {
      long unread = stream.partitions().stream().mapToLong(stream::unread).sum();
      long read = stream.partitions().stream().mapToLong(stream::read).sum();
      parts.add(
          "%,d records of %d partitions read, %s"
              .formatted(
                  read,
                  stream.partitions().size(),
                  unread == 0 ? "none unread" : "%,d just come".formatted(unread)));
      parts.add("the ledger balances");
    }
    cluster
        .checkpoints()
        .lastCompleted()
        .ifPresent(
            done ->
                parts.add(
                    "the last checkpoint is %d s old"
                        // What is told of the job can be some seconds older.
                        .formatted(
                            Math.max(0, Duration.between(done, cluster.now()).toSeconds()))));
    cluster.steps().stream()
        .max(Comparator.comparingDouble(Task::busy))
        .ifPresent(
            busiest ->
                parts.add(
                    "the busiest step is %s, %.0f %% of the time"
                        .formatted(shown(busiest.steps()), 100 * busiest.busy())));
    return "nothing is wrong: " + String.join("; ", parts) + ".";
  }

  private boolean runs() {
    return cluster.state().equals("RUNNING");
  }

  private boolean isRecent(Instant time) {
    return time.isAfter(cluster.now().minus(RECENT));
  }

  private static String seconds(Instant time) {
    return time.truncatedTo(ChronoUnit.SECONDS).toString();
  }
}

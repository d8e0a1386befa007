package dev.millrace.runners;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;

/** How a job is, as its cluster tells: one look, that changes no more. */
record ClusterLook(
    String name,
    String state,
    Instant now,
    Instant runningSince,
    int slotsFree,
    int slots,
    int tasksWithoutSlot,
    int tasks,
    List<Failure> failures,
    Checkpoints checkpoints,
    List<Task> steps) {

  private static final Pattern STEP =
      Pattern.compile("(?:^(?:Source: )?|-> \\(?|, )(\\w+)(?=[/ ]|$)");

  /**
   * Why the job, or a part of it, failed.
   *
   * @param stack as the cluster prints it
   */
  record Failure(Instant at, String stack) {
    String cause() {
      return FlinkRest.cause(stack);
    }
  }

  /**
   * The job's checkpoints.
   *
   * @param failed since it was submitted
   * @param lastCompleted when the last one was done, if there was one
   * @param lastFailed when the last one failed, if one has
   * @param lastFailure what is told of it
   * @param pending what the oldest that is being made waits for, if there is one
   */
  record Checkpoints(
      Duration interval,
      long completed,
      long failed,
      Optional<Instant> lastCompleted,
      Optional<Instant> lastFailed,
      String lastFailure,
      Optional<Pending> pending) {}

  /** A checkpoint that is being made. */
  record Pending(Instant since, int acknowledged, int all) {}

  /**
   * Steps that run as one task.
   *
   * @param keyed whether records come to its parts by their keys
   * @param before ids of the tasks that it reads of
   * @param read records that each part has read
   * @param busy of the last second, of the part that was busiest; 0 if it is not known
   * @param blocked of the last second, that a part waited for those after it
   */
  record Task(
      String id,
      String name,
      boolean keyed,
      Set<String> before,
      List<Long> read,
      double busy,
      double blocked) {

    long readInAll() {
      return read.stream().mapToLong(Long::longValue).sum();
    }

    /** The steps of the pipeline that it carries out, by their names there. */
    List<String> steps() {
      List<String> steps = new ArrayList<>();
      Matcher step = STEP.matcher(name);
      while (step.find()) {
        if (!steps.contains(step.group(1))) {
          steps.add(step.group(1));
        }
      }
      return steps.isEmpty() ? List.of(name) : steps;
    }
  }

  /** What a cluster is asked: a path of its REST interface. */
  interface Cluster {
    JsonNode get(String path);
  }

  /** Looks at a job. */
  static ClusterLook at(Cluster cluster, String job) {
    String path = "/jobs/" + job;
    JsonNode details = cluster.get(path);
    String state = details.path("state").asText();
    boolean runs = state.equals("RUNNING");
    List<Task> steps = new ArrayList<>();
    int waiting = 0;
    int tasks = 0;
    for (JsonNode vertex : details.path("vertices")) {
      tasks += vertex.path("parallelism").asInt();
      for (String without : List.of("CREATED", "SCHEDULED")) {
        waiting += vertex.path("tasks").path(without).asInt();
      }
      if (runs && vertex.path("status").asText().equals("RUNNING")) {
        steps.add(task(cluster, path, details, vertex));
      }
    }
    JsonNode overview = cluster.get("/overview");
    return new ClusterLook(
        details.path("name").asText(),
        state,
        time(details.path("now")).orElse(Instant.EPOCH),
        time(details.path("timestamps").path("RUNNING")).orElse(Instant.EPOCH),
        overview.path("slots-available").asInt(),
        overview.path("slots-total").asInt(),
        waiting,
        tasks,
        failures(cluster.get(path + "/exceptions")),
        checkpoints(cluster.get(path + "/checkpoints"), cluster.get(path + "/checkpoints/config")),
        List.copyOf(steps));
  }

  private static Task task(Cluster cluster, String path, JsonNode details, JsonNode vertex) {
    String id = vertex.path("id").asText();
    boolean keyed = false;
    Set<String> before = new HashSet<>();
    for (JsonNode node : details.path("plan").path("nodes")) {
      if (node.path("id").asText().equals(id)) {
        for (JsonNode input : node.path("inputs")) {
          before.add(input.path("id").asText());
          keyed |= input.path("ship_strategy").asText().equals("HASH");
        }
      }
    }
    List<Long> read = new ArrayList<>();
    cluster
        .get(path + "/vertices/" + id)
        .path("subtasks")
        .forEach(part -> read.add(part.path("metrics").path("read-records").asLong()));
    JsonNode pressure = cluster.get(path + "/vertices/" + id + "/backpressure").path("subtasks");
    return new Task(
        id,
        vertex.path("name").asText(),
        keyed,
        Set.copyOf(before),
        List.copyOf(read),
        most(pressure, "busyRatio"),
        most(pressure, "ratio"));
  }

  private static double most(JsonNode parts, String ratio) {
    return StreamSupport.stream(parts.spliterator(), false)
        .mapToDouble(part -> part.path(ratio).asDouble(0))
        .filter(value -> !Double.isNaN(value))
        .max()
        .orElse(0);
  }

  private static List<Failure> failures(JsonNode exceptions) {
    List<Failure> failures = new ArrayList<>();
    for (JsonNode entry : exceptions.path("exceptionHistory").path("entries")) {
      failures.add(
          new Failure(
              time(entry.path("timestamp")).orElse(Instant.EPOCH),
              entry.path("stacktrace").asText()));
    }
    return List.copyOf(failures);
  }

  private static Checkpoints checkpoints(JsonNode all, JsonNode config) {
    JsonNode failed = all.path("latest").path("failed");
    Optional<Pending> pending = Optional.empty();
    for (JsonNode one : all.path("history")) {
      if (one.path("status").asText().equals("IN_PROGRESS")) {
        pending =
            time(one.path("trigger_timestamp"))
                .map(
                    since ->
                        new Pending(
                            since,
                            one.path("num_acknowledged_subtasks").asInt(),
                            one.path("num_subtasks").asInt()));
      }
    }
    return new Checkpoints(
        Duration.ofMillis(config.path("interval").asLong()),
        all.path("counts").path("completed").asLong(),
        all.path("counts").path("failed").asLong(),
        time(all.path("latest").path("completed").path("latest_ack_timestamp")),
        time(failed.path("failure_timestamp")),
        failed.path("failure_message").asText(""),
        pending);
  }

  private static Optional<Instant> time(JsonNode millis) {
    return millis.asLong(0) <= 0
        ? Optional.empty()
        : Optional.of(Instant.ofEpochMilli(millis.asLong()));
  }
}

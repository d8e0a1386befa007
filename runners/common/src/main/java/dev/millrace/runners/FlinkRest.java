package dev.millrace.runners;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What a Flink cluster is asked and told, over its REST interface. */
final class FlinkRest {

  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Duration SAVEPOINT_PATIENCE = Duration.ofMinutes(10);

  /** For how long a job that was handed over is watched until it runs. */
  private static final Duration BEGINNING = Duration.ofMinutes(1);

  /** So long all its tasks must have run: what they read is opened after they began. */
  private static final Duration STEADY = Duration.ofSeconds(3);

  /** Slots that another job gives back are there after this. */
  private static final Duration FOR_SLOTS = Duration.ofSeconds(10);

  private static final ObjectMapper JSON = new ObjectMapper();

  /** The beginning of an event in a log. */
  private static final Pattern EVENT = Pattern.compile("^\\d{4}-\\d\\d-\\d\\d[ T]");

  /** In a stack trace, what a user can mend. */
  private static final Pattern USER_ERROR =
      Pattern.compile(
          "^(?:Caused by: )?" + Pattern.quote(UserError.class.getName()) + ": (.+)$",
          Pattern.MULTILINE);

  private static final Pattern CHECKPOINT_FAILED =
      Pattern.compile("Failed to trigger or complete checkpoint");

  private final HttpClient http = HttpClient.newBuilder().connectTimeout(PATIENCE).build();
  private final String address;

  /**
   * @param address host and port
   */
  FlinkRest(String address) {
    if (!address.matches("[^/:@\\s]+:\\d{1,5}|\\[[0-9a-fA-F:.]+]:\\d{1,5}")) {
      throw new UserError(
          "--flink is '" + address + "'; give host and port, such as --flink=127.0.0.1:8081.");
    }
    this.address = address;
  }

  /**
   * A job.
   *
   * @param state as Flink calls it, such as {@code RUNNING}
   */
  record Job(String id, String name, String state, Instant since) {

    boolean hasEnded() {
      return List.of("FINISHED", "CANCELED", "FAILED").contains(state);
    }
  }

  String address() {
    return address;
  }

  /** Where the page of a job is. */
  String page(String job) {
    return "http://" + address + "/#/job/running/" + job + "/overview";
  }

  /** Whether it is a cluster of this machine, which has the same files. */
  boolean isHere() {
    return address.matches("(localhost|127\\.\\d+\\.\\d+\\.\\d+|\\[::1]):\\d+");
  }

  /** The version of Flink there. */
  String version() {
    return get("/config").path("flink-version").asText();
  }

  /** The cluster's configuration. */
  Map<String, String> configuration() {
    Map<String, String> configuration = new LinkedHashMap<>();
    for (JsonNode setting : get("/jobmanager/config")) {
      configuration.put(setting.path("key").asText(), setting.path("value").asText());
    }
    return configuration;
  }

  /** How many slices of pipelines it has room for, taken ones included. */
  int slots() {
    return get("/overview").path("slots-total").asInt();
  }

  /** All that it knows of, the latest first. */
  List<Job> jobs() {
    List<Job> jobs = new ArrayList<>();
    for (JsonNode job : get("/jobs/overview").path("jobs")) {
      jobs.add(
          new Job(
              job.path("jid").asText(),
              job.path("name").asText(),
              job.path("state").asText(),
              Instant.ofEpochMilli(job.path("start-time").asLong())));
    }
    jobs.sort((one, other) -> other.since().compareTo(one.since()));
    return jobs;
  }

  /**
   * The job that a user means.
   *
   * @param said its id, the beginning of it, or its name if one of that name runs
   */
  Job job(String said) {
    List<Job> jobs = jobs();
    List<Job> meant =
        jobs.stream().filter(job -> !said.isEmpty() && job.id().startsWith(said)).toList();
    if (meant.isEmpty()) {
      meant = jobs.stream().filter(job -> job.name().equals(said) && !job.hasEnded()).toList();
    }
    if (meant.size() == 1) {
      return meant.get(0);
    }
    throw new UserError(
        (meant.isEmpty() ? "There is no job '" : "There are several jobs '")
            + said
            + "' on the cluster at "
            + address
            + (meant.isEmpty() ? "; " : ", so give an id; ")
            + "which there are: millrace jobs.");
  }

  /** The job that a user means: if none of that name runs, the latest that has ended. */
  Job anyJob(String said) {
    return jobs().stream()
        .filter(job -> !said.isEmpty() && job.name().equals(said))
        .min(Comparator.comparing(Job::hasEnded)) // the first of the least
        .orElseGet(() -> job(said));
  }

  /** How a job is. */
  ClusterLook look(Job job) {
    return ClusterLook.at(this::get, job.id());
  }

  /** The options that a job was made with, by property. */
  Map<String, String> options(Job job) {
    Map<String, String> options = new LinkedHashMap<>();
    get("/jobs/" + job.id() + "/config")
        .path("execution-config")
        .path("user-config")
        .properties()
        .forEach(option -> options.put(option.getKey(), option.getValue().asText()));
    return options;
  }

  /** Why the latest checkpoint of a job failed, as the log of the JobManager has it. */
  Optional<String> checkpointFailure(Job job) {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://" + address + "/jobmanager/log"))
            .timeout(PATIENCE)
            .build();
    try (Stream<String> log = http.send(request, HttpResponse.BodyHandlers.ofLines()).body()) {
      return checkpointFailure(log, job.id());
    } catch (IOException silent) {
      return Optional.empty();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  static Optional<String> checkpointFailure(Stream<String> log, String job) {
    List<String> stack = new ArrayList<>();
    boolean within = false;
    for (String line : (Iterable<String>) log::iterator) {
      if (EVENT.matcher(line).find()) {
        within = CHECKPOINT_FAILED.matcher(line).find() && line.contains(job);
        if (within) {
          stack.clear();
        }
      } else if (within) {
        stack.add(line);
      }
    }
    return stack.isEmpty() ? Optional.empty() : Optional.of(cause(String.join("\n", stack)));
  }

  /** Why a job failed, in one line, if the cluster knows. */
  Optional<String> failure(String job) {
    String stack = get("/jobs/" + job + "/exceptions").path("root-exception").asText("");
    return stack.isEmpty() ? Optional.empty() : Optional.of(cause(stack));
  }

  /**
   * Waits until all of a job that was handed over runs.
   *
   * @return what to tell of one that does not yet, while the cluster goes on trying
   * @throws UserError why it cannot run. What the user has to mend no restart mends: such a job is
   *     ended
   */
  Optional<String> begun(String id) {
    long began = System.nanoTime();
    long ranAll = 0;
    boolean steady = false;
    while (!steady) {
      JsonNode details = get("/jobs/" + id);
      Job job =
          new Job(id, details.path("name").asText(), details.path("state").asText(), Instant.EPOCH);
      String stack = get("/jobs/" + id + "/exceptions").path("root-exception").asText("");
      Matcher sentence = USER_ERROR.matcher(stack);
      if (sentence.find()) {
        if (!job.hasEnded()) {
          cancel(job);
        }
        throw new UserError(sentence.group(1));
      }
      String why = stack.isEmpty() ? "" : ": " + cause(stack);
      if (job.hasEnded()) {
        throw new UserError("The job ended before it ran" + why + "; see " + page(id) + ".");
      }
      int tasks = 0;
      int run = 0;
      int waiting = 0;
      for (JsonNode step : details.path("vertices")) {
        JsonNode states = step.path("tasks");
        tasks += step.path("parallelism").asInt();
        run += states.path("RUNNING").asInt() + states.path("FINISHED").asInt();
        waiting += states.path("CREATED").asInt() + states.path("SCHEDULED").asInt();
      }
      long now = System.nanoTime();
      if (run < tasks || !job.state().equals("RUNNING")) {
        ranAll = 0;
      } else if (ranAll == 0) {
        ranAll = now;
      }
      steady = ranAll != 0 && now - ranAll >= STEADY.toNanos();
      // No task is begun before there are slots for all.
      boolean noSlots =
          waiting == tasks
              && now - began >= FOR_SLOTS.toNanos()
              && get("/overview").path("slots-available").asInt() == 0;
      if (!steady && (noSlots || now - began >= BEGINNING.toNanos())) {
        return Optional.of(
            (noSlots ? "It waits for slots" : "Not all of it runs yet")
                + why
                + "; more: millrace doctor "
                + id
                + ".");
      }
      pause();
    }
    return Optional.empty();
  }

  /** Makes a savepoint and returns where it is. */
  String savepoint(Job job) {
    return savepoint(job, "savepoints", "{\"cancel-job\":false}");
  }

  /** Makes a savepoint, ends the job with it, and returns where it is. */
  String stop(Job job) {
    return savepoint(job, "stop", "{\"drain\":false}");
  }

  private String savepoint(Job job, String verb, String body) {
    JsonNode asked = send("POST", "/jobs/" + job.id() + "/" + verb, body);
    String request = asked.path("request-id").asText();
    long end = System.nanoTime() + SAVEPOINT_PATIENCE.toNanos();
    while (true) {
      JsonNode answer = get("/jobs/" + job.id() + "/savepoints/" + request);
      JsonNode operation = answer.path("operation");
      if (operation.has("location")) {
        return operation.path("location").asText();
      }
      if (operation.has("failure-cause")) {
        throw new UserError(
            "The savepoint of "
                + job.name()
                + " failed: "
                + cause(operation.path("failure-cause").path("stack-trace").asText())
                + ". The job "
                + (verb.equals("stop")
                    ? "goes on; try again, or end it with millrace cancel."
                    : "goes on."));
      }
      if (System.nanoTime() > end) {
        throw new UserError(
            "The savepoint of "
                + job.name()
                + " was not there after "
                + SAVEPOINT_PATIENCE.toMinutes()
                + " min; see "
                + page(job.id())
                + ".");
      }
      pause();
    }
  }

  /** Ends a job without a savepoint; its retained checkpoints stay. */
  void cancel(Job job) {
    send("PATCH", "/jobs/" + job.id() + "?mode=cancel", "");
    while (!job(job.id()).hasEnded()) {
      pause();
    }
  }

  /** The latest checkpoint that a job has made and that lives outside of it, if there is one. */
  Optional<String> checkpoint(String job) {
    return latest(job, "completed");
  }

  /** The savepoint or checkpoint that a job went on from, if it did. */
  Optional<String> restored(String job) {
    return latest(job, "restored");
  }

  private Optional<String> latest(String job, String kind) {
    String path =
        get("/jobs/" + job + "/checkpoints")
            .path("latest")
            .path(kind)
            .path("external_path")
            .asText("");
    return path.isEmpty() ? Optional.empty() : Optional.of(path);
  }

  private JsonNode get(String path) {
    return send("GET", path, "");
  }

  private JsonNode send(String method, String path, String body) {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://" + address + path))
            .timeout(PATIENCE)
            .header("Content-Type", "application/json")
            .method(
                method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
            .build();
    try {
      HttpResponse<String> response =
          http.send(request, HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
      JsonNode answer = JSON.readTree(response.body());
      if (response.statusCode() < 300) {
        return answer;
      }
      StringBuilder said = new StringBuilder();
      answer.path("errors").forEach(error -> said.append(error.asText()).append('\n'));
      throw new UserError(
          "The cluster at "
              + address
              + " refuses: "
              + (said.isEmpty() ? "HTTP status " + response.statusCode() : cause(said.toString()))
              + ".");
    } catch (JsonProcessingException foreign) {
      throw new UserError(
          "What answers at " + address + " is no Flink cluster; name one with --flink=host:port.",
          foreign);
    } catch (IOException silent) {
      throw new UserError(
          "No Flink cluster answers at "
              + address
              + "; start one on this machine with millrace stack up --flink, or name another with"
              + " --flink=host:port.",
          silent);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while a Flink cluster was asked", interrupted);
    }
  }

  /** The innermost cause that a stack trace tells. */
  static String cause(String stack) {
    String cause = "";
    for (String line : stack.lines().toList()) {
      String text = line.strip();
      if (cause.isEmpty() || text.startsWith("Caused by: ")) {
        cause = text.replaceFirst("^Caused by: ", "");
      }
    }
    String message = cause.replaceFirst("^(?:[\\w.$]+\\.)?[\\w$]+(?:Exception|Error): ", "");
    // A path alone says nothing without the name of its exception.
    return (message.contains(" ") ? message : cause.replaceFirst("^(?:\\w+\\.)+(?=\\w+: )", ""))
        .replaceFirst("\\.$", "");
  }

  private static void pause() {
    try {
      Thread.sleep(200);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while a Flink cluster was awaited", interrupted);
    }
  }
}

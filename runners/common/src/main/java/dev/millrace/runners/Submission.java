package dev.millrace.runners;

import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.CatalogueEntry.Job;
import dev.millrace.pipelines.UserError;
import dev.millrace.pipelines.job.EdgeOptions;
import dev.millrace.transforms.refine.Vault;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptions;

/**
 * Hands a run to a cluster. A live one runs on there without this process: the tables are made
 * ready here, and what they hold is written there; it has no report, as it has no end. A batch is
 * waited for, since its answers are published at its end: see {@link Launch}.
 */
public final class Submission {

  private final Engine engine;
  private final ClusterEngine cluster;
  private final Map<String, String> configuration;
  private final Optional<Path> sharedFiles;

  /**
   * @param engine that has a cluster
   * @param configuration of the cluster
   * @param sharedFiles what relative paths are below of, if the cluster is on this machine
   */
  Submission(Engine engine, Map<String, String> configuration, Optional<Path> sharedFiles) {
    this.engine = engine;
    this.cluster = engine.cluster().orElseThrow();
    this.configuration = Map.copyOf(configuration);
    this.sharedFiles = sharedFiles;
  }

  /** Options, of what a user gave. */
  interface Parser {
    PipelineOptions parse(List<String> given) throws IOException;
  }

  /**
   * Hands over a pipeline that Flink's own command line, or a cluster for one job, has called.
   *
   * @param arguments the pipeline's name, then its options
   * @param configuration of the cluster
   */
  public static String of(Engine engine, List<String> arguments, Map<String, String> configuration)
      throws Exception {
    List<CatalogueEntry> pipelines =
        ServiceLoader.load(CatalogueEntry.class).stream().map(ServiceLoader.Provider::get).toList();
    CatalogueEntry entry = Millrace.named("pipeline", arguments, pipelines, CatalogueEntry::name);
    List<String> defaults = new ArrayList<>(engine.defaults());
    defaults.add("--jobName=" + entry.name());
    Surroundings surroundings =
        new Surroundings() {
          @Override
          public String embeddedWarehouse() {
            throw noWarehouse();
          }
        };
    Parser parser = given -> arguments(entry, engine).parse(entry.optionsClass(), defaults, given);
    List<String> given = arguments.subList(1, arguments.size());
    // Before anything else is asked of a run that cannot be.
    if (!entry.job(parser.parse(given), surroundings).isLive()) {
      throw new UserError(
          "Every input of this run has an end, so it is a batch, whose answers are published by a command that waits for its end: millrace submit "
              + entry.name()
              + ".");
    }
    Submission submission = new Submission(engine, configuration, Optional.empty());
    PipelineOptions options = submission.options(entry, given, parser, surroundings);
    return submission.submit(entry, options, surroundings);
  }

  /** Takes a pipeline that was built to be looked at. */
  public interface Look {
    void at(String name, Pipeline pipeline) throws Exception;
  }

  /** Builds each pipeline that has live runs as one of those, with default options; none runs. */
  public static void outlines(Engine engine, Look look) throws Exception {
    for (CatalogueEntry entry : ServiceLoader.load(CatalogueEntry.class)) {
      if (entry.outline().isEmpty()) {
        continue;
      }
      List<String> defaults = new ArrayList<>(engine.defaults());
      defaults.add("--jobName=" + entry.name());
      PipelineOptions options =
          arguments(entry, engine).parse(entry.optionsClass(), defaults, entry.outline());
      options.setRunner(engine.runner());
      Job job =
          entry.job(
              options,
              new Surroundings() {
                @Override
                public String embeddedWarehouse() {
                  throw noWarehouse();
                }

                @Override
                public boolean isConnected() {
                  return false;
                }
              });
      job.prepare();
      Pipeline pipeline = Pipeline.create(options);
      job.build(pipeline);
      look.at(entry.name(), pipeline);
    }
  }

  private static Arguments arguments(CatalogueEntry entry, Engine engine) {
    return new Arguments(entry.name(), List.of(entry.optionsClass(), engine.optionsClass()));
  }

  static UserError noWarehouse() {
    return new UserError(
        "The embedded warehouse is on this machine and belongs to commands of it; name one that the"
            + " cluster reaches: --warehouse=jdbc:postgresql://host/database.");
  }

  /** A run that says nothing while it is prepared. */
  abstract static class Surroundings implements CatalogueEntry.Surroundings {
    @Override
    public void phase(String name) {}
  }

  /** The options of a pipeline, with files named so that the cluster finds them. */
  PipelineOptions options(
      CatalogueEntry entry,
      List<String> given,
      Parser parser,
      CatalogueEntry.Surroundings surroundings)
      throws IOException {
    PipelineOptions asked = parser.parse(given);
    Map<String, String> absolute = absolute(files(entry.job(asked, surroundings), asked));
    PipelineOptions options =
        absolute.isEmpty() ? asked : parser.parse(with(absolute, entry, given));
    options.setRunner(engine.runner());
    return options;
  }

  /** Hands a live run over and returns the job's id. */
  String submit(
      CatalogueEntry entry, PipelineOptions options, CatalogueEntry.Surroundings surroundings)
      throws Exception {
    Job job = entry.job(options, surroundings);
    if (job.runFor().isPresent()) {
      throw new UserError(
          "--run-for is kept by a command that waits, and this one does not; end the run with"
              + " millrace stop.");
    }
    cluster.check(options, configuration);
    cluster.stage(options);
    try {
      job.prepare();
      Pipeline pipeline = Pipeline.create(options);
      job.build(pipeline);
      String id = cluster.submit(pipeline);
      job.handedOver();
      return id;
    } catch (Throwable failed) {
      try {
        job.abandon(failed);
      } catch (Exception alsoFailed) {
        failed.addSuppressed(alsoFailed);
      }
      throw failed;
    }
  }

  /** What the user gave, with these options instead. */
  private List<String> with(Map<String, String> instead, CatalogueEntry entry, List<String> given) {
    Arguments arguments = arguments(entry, engine);
    Map<String, String> values = arguments.values(given);
    values.putAll(
        arguments.values(
            instead.entrySet().stream()
                .map(option -> option.getKey() + "=" + option.getValue())
                .toList()));
    return values.entrySet().stream()
        .map(option -> "--" + option.getKey() + "=" + option.getValue())
        .toList();
  }

  /**
   * Options whose files are named from here, with names that hold wherever the cluster's processes
   * run.
   */
  private Map<String, String> absolute(Map<String, String> files) throws IOException {
    Map<String, String> absolute = new LinkedHashMap<>();
    for (Map.Entry<String, String> option : files.entrySet()) {
      if (Arrays.stream(option.getValue().split(",", -1)).allMatch(Submission::holdsEverywhere)) {
        continue;
      }
      if (sharedFiles.isEmpty()) {
        throw fromHere(option.getKey(), option.getValue());
      }
      Path directory = sharedFiles.get();
      if (option.getValue().equals(EdgeOptions.DEFAULT_SECRET)) {
        Vault.createIfAbsent(directory.resolve(path(EdgeOptions.DEFAULT_SECRET)));
      }
      absolute.put(
          option.getKey(),
          Arrays.stream(option.getValue().split(",", -1))
              .map(
                  part ->
                      holdsEverywhere(part) ? part : scheme(part) + directory + "/" + path(part))
              .collect(Collectors.joining(",")));
    }
    return absolute;
  }

  private static UserError fromHere(String option, String value) {
    return new UserError(
        option
            + " is "
            + value
            + ", a path from here, and the cluster runs elsewhere; give an absolute path that all its machines have"
            + switch (option) {
              case "--secret" -> ", or env:NAME.";
              case "--lake" -> ".";
              default -> ", or a topic, such as kafka://host:port/topic?until=end.";
            });
  }

  /**
   * Refuses a run on a cluster whose machines would not find what it reads and writes.
   *
   * @throws UserError that names the option
   */
  static void refuseFilesFromHere(Job job, PipelineOptions options) {
    files(job, options)
        .forEach(
            (option, value) -> {
              if (!Arrays.stream(value.split(",", -1)).allMatch(Submission::holdsEverywhere)) {
                throw fromHere(option, value);
              }
            });
  }

  /** What the processes of a cluster read and write, by option. */
  private static Map<String, String> files(Job job, PipelineOptions options) {
    Map<String, String> files = new LinkedHashMap<>(job.files());
    if (!job.isLive()) {
      files.put("--lake", options.as(EdgeOptions.class).getLake());
    }
    return files;
  }

  private static boolean holdsEverywhere(String part) {
    String path = path(part);
    return path.isBlank()
        || path.startsWith("/")
        || part.startsWith("env:")
        || path.contains("://");
  }

  private static String scheme(String part) {
    return part.startsWith("file:") ? "file:" : "";
  }

  private static String path(String part) {
    return part.replaceFirst("^file:(//)?", "");
  }
}

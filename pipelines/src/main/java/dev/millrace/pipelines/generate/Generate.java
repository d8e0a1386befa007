package dev.millrace.pipelines.generate;

import dev.millrace.contract.Contract;
import dev.millrace.pipelines.GeneratorEntry;
import dev.millrace.pipelines.UserError;
import dev.millrace.pipelines.io.PlayTopic;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.apache.beam.sdk.options.PipelineOptions;
import org.jspecify.annotations.Nullable;

/** A generator on the command line: its records go into files, or are played into a topic. */
abstract class Generate implements GeneratorEntry {

  /** Where to, as {@code --out} says. */
  abstract String out(PipelineOptions given);

  /** The option of the pipeline that reads what is made, such as {@code --sales}. */
  abstract String readBy();

  /** The contract of what is made. */
  abstract Contract contract();

  /** Writes a set of files into a directory. */
  abstract AnswerKey write(
      GenerateOptions options, int files, Compression compression, Path directory)
      throws IOException;

  @Override
  public final String generate(PipelineOptions given) throws IOException {
    return generate(given, records -> {});
  }

  @Override
  public final String generate(PipelineOptions given, LongConsumer progress) throws IOException {
    GenerateOptions options = given.as(GenerateOptions.class);
    String out = out(given);
    try {
      if (PlayTopic.isMeantBy(out)) {
        return intoTopic(out, options, progress);
      }
      if (atTheClock(options).isPresent()) {
        throw new UserError(
            "generate " + name() + ": --live is for a topic, --out=kafka://host:port/topic.");
      }
      if (options.getKeyOut() != null
          || options.getRate() != 0
          || options.getIdlePartition() != null) {
        throw new UserError(
            "generate "
                + name()
                + ": --rate, --idle-partition and --key-out are for a topic; with --out='"
                + out
                + "', leave them out.");
      }
      return intoFiles(out, options);
    } catch (IllegalArgumentException refused) {
      throw new UserError("generate " + name() + ": --" + refused.getMessage() + ".", refused);
    }
  }

  private String intoFiles(String out, GenerateOptions options) throws IOException {
    Compression compression =
        Compression.valueOf(options.getCompression().toUpperCase(Locale.ROOT));
    AnswerKey key = write(options, options.getFiles(), compression, Path.of(out));
    return "%,d records in %,d files under %s: %s%nAnswer key: %s"
        .formatted(
            key.total().read(),
            key.files().size(),
            out,
            key.total().words(),
            Path.of(out, AnswerKey.FILE_NAME));
  }

  /** What moves each line to the time at which it is written, if that is wanted. */
  Optional<UnaryOperator<byte[]>> atTheClock(PipelineOptions options) {
    return Optional.empty();
  }

  private String intoTopic(String out, GenerateOptions options, LongConsumer progress)
      throws IOException {
    PlayTopic topic =
        PlayTopic.to("--out", out, contract())
            .withRate(options.getRate())
            .withSeed(options.getSeed());
    if (options.getIdlePartition() != null) {
      topic = topic.withIdle(options.getIdlePartition(), options.getRecords() / 2);
    }
    Optional<UnaryOperator<byte[]>> atTheClock = atTheClock(options);
    if (atTheClock.isPresent()) {
      if (options.getKeyOut() != null) {
        throw new UserError(
            "generate " + name() + ": with --live there is no answer key; leave --key-out out.");
      }
      topic = topic.withLines(atTheClock.get());
    }
    topic.prepare();
    Path directory = Files.createTempDirectory("millrace-generate");
    try {
      AnswerKey key = write(options, 1, Compression.NONE, directory).inOne();
      PlayTopic.Played played = topic.play(linesIn(directory), progress);
      if (atTheClock.isPresent()) {
        String parameters = topic.sourceParameters("");
        return "%,d records in the %d partitions of %s, as they happened%nRead them with %s='%s%s'"
            .formatted(
                played.records(),
                played.partitions(),
                topic.source(),
                readBy(),
                topic.source(),
                parameters.isEmpty() ? "" : "?" + parameters);
      }
      return "%,d records in the %d partitions of %s: %s%n%s%s%nRead them with %s='%s?%s'"
          .formatted(
              played.records(),
              played.partitions(),
              topic.source(),
              key.total().words(),
              played.before() == 0
                  ? ""
                  : "The topic held %,d before; the key is for the new ones alone.%n"
                      .formatted(played.before()),
              keep(key, options.getKeyOut()),
              readBy(),
              topic.source(),
              topic.sourceParameters("until=end&arrival=record"));
    } finally {
      try (Stream<Path> files = Files.list(directory)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(directory);
    }
  }

  private static List<Path> linesIn(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> !file.endsWith(AnswerKey.FILE_NAME)).sorted().toList();
    }
  }

  private static String keep(AnswerKey key, @Nullable String keyOut) throws IOException {
    if (keyOut == null) {
      return "Answer key:%n%s".formatted(key.toJson().stripTrailing());
    }
    Path file = Path.of(keyOut);
    if (file.getParent() != null) {
      Files.createDirectories(file.getParent());
    }
    Files.writeString(file, key.toJson());
    return "Answer key: " + file;
  }
}

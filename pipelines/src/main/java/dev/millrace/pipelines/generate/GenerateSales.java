package dev.millrace.pipelines.generate;

import dev.millrace.pipelines.GeneratorEntry;
import dev.millrace.pipelines.UserError;
import dev.millrace.pipelines.io.PlayTopic;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import org.apache.beam.sdk.options.PipelineOptions;
import org.jspecify.annotations.Nullable;

/** {@code generate sales} on the command line. */
public final class GenerateSales implements GeneratorEntry {

  /** The one file of a set of one. */
  private static final String FILE = "sales-00000.jsonl";

  /** For the service loader. */
  public GenerateSales() {}

  @Override
  public String name() {
    return "sales";
  }

  @Override
  public String summary() {
    return "FoodMart-like sales with known faults, and the answer key";
  }

  @Override
  public Class<? extends PipelineOptions> optionsClass() {
    return GenerateSalesOptions.class;
  }

  @Override
  public String generate(PipelineOptions given) throws IOException {
    return generate(given, records -> {});
  }

  @Override
  public String generate(PipelineOptions given, LongConsumer progress) throws IOException {
    GenerateSalesOptions options = given.as(GenerateSalesOptions.class);
    try {
      if (PlayTopic.isMeantBy(options.getOut())) {
        return intoTopic(options, progress);
      }
      if (options.getKeyOut() != null || options.getRate() != 0) {
        throw new UserError(
            "generate sales: --rate and --key-out are for a topic; with --out='"
                + options.getOut()
                + "', leave them out.");
      }
      return intoFiles(options);
    } catch (IllegalArgumentException refused) {
      throw new UserError("generate sales: --" + refused.getMessage() + ".", refused);
    }
  }

  private static String intoFiles(GenerateSalesOptions options) throws IOException {
    AnswerKey key =
        SalesGenerator.with(
                SalesGenerator.Config.of(options.getRecords(), options.getSeed())
                    .withFiles(options.getFiles())
                    .withCompression(
                        Compression.valueOf(options.getCompression().toUpperCase(Locale.ROOT))))
            .writeTo(Path.of(options.getOut()));
    return "%,d records in %,d files under %s: %s%nAnswer key: %s"
        .formatted(
            key.total().read(),
            key.files().size(),
            options.getOut(),
            words(key.total()),
            Path.of(options.getOut(), AnswerKey.FILE_NAME));
  }

  private static String intoTopic(GenerateSalesOptions options, LongConsumer progress)
      throws IOException {
    PlayTopic topic =
        PlayTopic.to("--out", options.getOut())
            .withRate(options.getRate())
            .withSeed(options.getSeed());
    SalesGenerator.Config config =
        SalesGenerator.Config.of(options.getRecords(), options.getSeed()).withFiles(1);
    topic.prepare();
    Path directory = Files.createTempDirectory("millrace-generate");
    try {
      AnswerKey key = SalesGenerator.with(config).writeTo(directory).inOne();
      PlayTopic.Played played = topic.play(List.of(directory.resolve(FILE)), progress);
      return "%,d records in the %d partitions of %s: %s%n%s%s%nRead them with --sales='%s?until=end&arrival=record'"
          .formatted(
              played.records(),
              played.partitions(),
              topic.source(),
              words(key.total()),
              played.before() == 0
                  ? ""
                  : "The topic held %,d before; the key is for the new ones alone.%n"
                      .formatted(played.before()),
              keep(key, options.getKeyOut()),
              topic.source());
    } finally {
      try (Stream<Path> files = Files.list(directory)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(directory);
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

  private static String words(AnswerKey.Counts total) {
    return "%,d good, %,d copies, %,d late or from the future, %,d invalid."
        .formatted(
            total.written(),
            total.duplicate(),
            total.late() + total.future(),
            total.invalid().values().stream().mapToLong(Long::longValue).sum());
  }
}

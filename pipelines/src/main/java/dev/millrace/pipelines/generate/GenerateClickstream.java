package dev.millrace.pipelines.generate;

import dev.millrace.pipelines.GeneratorEntry;
import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.apache.beam.sdk.options.PipelineOptions;

/** {@code generate clickstream} on the command line. */
public final class GenerateClickstream implements GeneratorEntry {

  /** For the service loader. */
  public GenerateClickstream() {}

  @Override
  public String name() {
    return "clickstream";
  }

  @Override
  public String summary() {
    return "Visits to a web shop that sells the FoodMart products, with known faults, and the answer key";
  }

  @Override
  public Class<? extends PipelineOptions> optionsClass() {
    return GenerateClickstreamOptions.class;
  }

  @Override
  public String generate(PipelineOptions given) throws IOException {
    GenerateClickstreamOptions options = given.as(GenerateClickstreamOptions.class);
    try {
      AnswerKey key =
          ClickstreamGenerator.with(
                  ClickstreamGenerator.Config.of(options.getRecords(), options.getSeed())
                      .withFiles(options.getFiles())
                      .withCompression(
                          Compression.valueOf(options.getCompression().toUpperCase(Locale.ROOT))))
              .writeTo(Path.of(options.getOut()));
      return key.summary(Path.of(options.getOut()));
    } catch (IllegalArgumentException refused) {
      throw new UserError("generate clickstream: --" + refused.getMessage() + ".", refused);
    }
  }
}

package dev.millrace.pipelines.generate;

import dev.millrace.pipelines.GeneratorEntry;
import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.apache.beam.sdk.options.PipelineOptions;

/** {@code generate sales} on the command line. */
public final class GenerateSales implements GeneratorEntry {

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
    GenerateSalesOptions options = given.as(GenerateSalesOptions.class);
    try {
      AnswerKey key =
          SalesGenerator.with(
                  SalesGenerator.Config.of(options.getRecords(), options.getSeed())
                      .withFiles(options.getFiles())
                      .withCompression(
                          Compression.valueOf(options.getCompression().toUpperCase(Locale.ROOT))))
              .writeTo(Path.of(options.getOut()));
      return key.summary(Path.of(options.getOut()));
    } catch (IllegalArgumentException refused) {
      throw new UserError("generate sales: --" + refused.getMessage() + ".", refused);
    }
  }
}

package dev.millrace.pipelines.generate;

import dev.millrace.contract.Contract;
import dev.millrace.schemas.retail.Sale;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.beam.sdk.options.PipelineOptions;

/** {@code generate sales} on the command line. */
public final class GenerateSales extends Generate {

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
  String out(PipelineOptions given) {
    return given.as(GenerateSalesOptions.class).getOut();
  }

  @Override
  String readBy() {
    return "--sales";
  }

  @Override
  Contract contract() {
    return Contract.of(Sale.class);
  }

  @Override
  AnswerKey write(GenerateOptions options, int files, Compression compression, Path directory)
      throws IOException {
    return SalesGenerator.with(
            SalesGenerator.Config.of(options.getRecords(), options.getSeed())
                .withFiles(files)
                .withCompression(compression)
                .withHotKey(options.getHotKey()))
        .writeTo(directory);
  }
}

package dev.millrace.pipelines.generate;

import dev.millrace.contract.Contract;
import dev.millrace.schemas.web.ShopEvent;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.apache.beam.sdk.options.PipelineOptions;

/** {@code generate clickstream} on the command line. */
public final class GenerateClickstream extends Generate {

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
  String out(PipelineOptions given) {
    return given.as(GenerateClickstreamOptions.class).getOut();
  }

  @Override
  String readBy() {
    return "--events";
  }

  @Override
  Optional<UnaryOperator<byte[]>> atTheClock(PipelineOptions given) {
    return given.as(GenerateClickstreamOptions.class).getLive()
        ? Optional.of(new AtTheClock(Clock.systemUTC()))
        : Optional.empty();
  }

  @Override
  Contract contract() {
    return Contract.of(ShopEvent.class);
  }

  @Override
  AnswerKey write(GenerateOptions options, int files, Compression compression, Path directory)
      throws IOException {
    return ClickstreamGenerator.with(
            ClickstreamGenerator.Config.of(options.getRecords(), options.getSeed())
                .withFiles(files)
                .withCompression(compression)
                .withHotKey(options.getHotKey()))
        .writeTo(directory);
  }
}

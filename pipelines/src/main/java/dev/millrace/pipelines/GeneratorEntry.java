package dev.millrace.pipelines;

import java.util.function.LongConsumer;
import org.apache.beam.sdk.options.PipelineOptions;

/**
 * A generator of test data that the command line offers. Implementations have a public constructor
 * without arguments and stand in {@code META-INF/services/dev.millrace.pipelines.GeneratorEntry}.
 */
public interface GeneratorEntry {

  /** The name as it is typed, that of the pipeline the data is for. */
  String name();

  /** What is generated, in one line without a full stop. */
  String summary();

  /** The options, described as those of a {@link CatalogueEntry} are. */
  Class<? extends PipelineOptions> optionsClass();

  /**
   * Generates.
   *
   * @return the lines to show the user at the end
   * @throws UserError if an option is refused
   */
  String generate(PipelineOptions options) throws Exception;

  /**
   * Generates, and tells how it gets on.
   *
   * @param progress is told now and then how many records there are
   */
  default String generate(PipelineOptions options, LongConsumer progress) throws Exception {
    return generate(options);
  }
}

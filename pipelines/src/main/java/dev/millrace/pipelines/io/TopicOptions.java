package dev.millrace.pipelines.io;

import java.util.Map;
import org.apache.beam.sdk.options.Description;
import org.apache.beam.sdk.options.Hidden;
import org.apache.beam.sdk.options.PipelineOptions;
import org.jspecify.annotations.Nullable;

/** What a run tells the sources that it takes out of a savepoint. Set when it is built. */
@Hidden
public interface TopicOptions extends PipelineOptions {

  @Description("What is read without an end, by topic.")
  @Nullable Map<String, String> getTopicReads();

  void setTopicReads(@Nullable Map<String, String> reads);
}

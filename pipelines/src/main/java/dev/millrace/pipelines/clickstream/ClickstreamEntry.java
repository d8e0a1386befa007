package dev.millrace.pipelines.clickstream;

import dev.millrace.pipelines.CatalogueEntry;
import java.util.List;
import org.apache.beam.sdk.options.PipelineOptions;

/** {@code clickstream} in the catalogue. */
public final class ClickstreamEntry implements CatalogueEntry {

  /** For the service loader. */
  public ClickstreamEntry() {}

  @Override
  public String name() {
    return "clickstream";
  }

  @Override
  public String summary() {
    return "Events of a web shop, live from Kafka or from files: windows, a dashboard, visits";
  }

  @Override
  public Class<? extends PipelineOptions> optionsClass() {
    return ClickstreamOptions.class;
  }

  @Override
  public List<String> outline() {
    return List.of("--events=kafka://127.0.0.1:9092/events");
  }

  @Override
  public Job job(PipelineOptions options, Surroundings surroundings) {
    return new ClickstreamJob(options.as(ClickstreamOptions.class), surroundings);
  }
}

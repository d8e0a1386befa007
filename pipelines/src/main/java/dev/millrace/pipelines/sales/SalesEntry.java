package dev.millrace.pipelines.sales;

import dev.millrace.pipelines.CatalogueEntry;
import org.apache.beam.sdk.options.PipelineOptions;

/** {@code sales} in the catalogue. */
public final class SalesEntry implements CatalogueEntry {

  /** For the service loader. */
  public SalesEntry() {}

  @Override
  public String name() {
    return "sales";
  }

  @Override
  public String summary() {
    return "Retail sales from raw files to a Parquet lake and a star-schema warehouse, every record accounted for";
  }

  @Override
  public Class<? extends PipelineOptions> optionsClass() {
    return SalesOptions.class;
  }

  @Override
  public Job job(PipelineOptions options, Surroundings surroundings) {
    return new SalesJob(options.as(SalesOptions.class), surroundings);
  }
}

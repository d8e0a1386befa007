package dev.millrace.pipelines.generate;

import org.apache.beam.sdk.options.Default;
import org.apache.beam.sdk.options.Description;

/** Options of {@code generate clickstream}. The help text is made from these descriptions. */
public interface GenerateClickstreamOptions extends GenerateOptions {

  @Description(OUT)
  @Default.String("out/generated/clickstream")
  String getOut();

  void setOut(String value);
}

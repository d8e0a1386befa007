package dev.millrace.pipelines.generate;

import org.apache.beam.sdk.options.Default;
import org.apache.beam.sdk.options.Description;

/** Options of {@code generate sales}. The help text is made from these descriptions. */
public interface GenerateSalesOptions extends GenerateOptions {

  @Description(OUT)
  @Default.String("out/generated/sales")
  String getOut();

  void setOut(String value);
}

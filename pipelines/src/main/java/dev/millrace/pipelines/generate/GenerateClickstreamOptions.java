package dev.millrace.pipelines.generate;

import org.apache.beam.sdk.options.Default;
import org.apache.beam.sdk.options.Description;

/** Options of {@code generate clickstream}. The help text is made from these descriptions. */
public interface GenerateClickstreamOptions extends GenerateOptions {

  @Description(OUT)
  @Default.String("out/generated/clickstream")
  String getOut();

  void setOut(String value);

  @Description(
      "Into a topic: events happen while they are written, at the clock's time, and not on a morning of 2024. So a live run finds them"
          + " as on time, as late and as early as they are meant, but for a few at the very edge; therefore there is no answer key")
  @Default.Boolean(false)
  boolean getLive();

  void setLive(boolean value);
}

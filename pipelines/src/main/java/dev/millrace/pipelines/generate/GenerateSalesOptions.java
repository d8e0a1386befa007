package dev.millrace.pipelines.generate;

import org.apache.beam.sdk.options.Default;
import org.apache.beam.sdk.options.Description;
import org.apache.beam.sdk.options.PipelineOptions;

/** Options of {@code generate sales}. The help text is made from these descriptions. */
public interface GenerateSalesOptions extends PipelineOptions {

  @Description("How many records to make")
  @Default.Long(100_000)
  long getRecords();

  void setRecords(long value);

  @Description("Seed: the same seed makes the same bytes")
  @Default.Long(1)
  long getSeed();

  void setSeed(long value);

  @Description(
      "Directory to write to; the answer key is put beside the data, and what an earlier one put there is replaced")
  @Default.String("out/generated/sales")
  String getOut();

  void setOut(String value);

  @Description("How many files to spread the records over")
  @Default.Integer(4)
  int getFiles();

  void setFiles(int value);

  @Description("Compression of the files: none, gzip or zstd")
  @Default.String("none")
  String getCompression();

  void setCompression(String value);
}

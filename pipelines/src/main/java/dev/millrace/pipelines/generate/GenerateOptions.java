package dev.millrace.pipelines.generate;

import org.apache.beam.sdk.options.Default;
import org.apache.beam.sdk.options.Description;
import org.apache.beam.sdk.options.PipelineOptions;

/** Options of every generator; each adds where it writes to. */
public interface GenerateOptions extends PipelineOptions {

  /** What {@code --out} is for. */
  String OUT =
      "Directory to write to; the answer key is put beside the data, and what an earlier one put there is replaced";

  @Description("How many records to make")
  @Default.Long(100_000)
  long getRecords();

  void setRecords(long value);

  @Description("Seed: the same seed makes the same bytes")
  @Default.Long(1)
  long getSeed();

  void setSeed(long value);

  @Description("How many files to spread the records over")
  @Default.Integer(4)
  int getFiles();

  void setFiles(int value);

  @Description("Compression of the files: none, gzip or zstd")
  @Default.String("none")
  String getCompression();

  void setCompression(String value);
}

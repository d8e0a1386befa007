package dev.millrace.pipelines.generate;

import dev.millrace.pipelines.Example;
import org.apache.beam.sdk.options.Default;
import org.apache.beam.sdk.options.Description;
import org.apache.beam.sdk.options.PipelineOptions;
import org.jspecify.annotations.Nullable;

/** Options of every generator; each adds where it writes to. */
public interface GenerateOptions extends PipelineOptions {

  /** What {@code --out} is for. */
  String OUT =
      "Directory to write to; the answer key is put beside the data, and what an earlier one put there is replaced. Or a"
          + " Kafka topic, kafka://host:port/topic?partitions=3, which is made if it is not there; with &format=avro&registry=host:port/apis/ccompat/v7 as Avro";

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

  @Description("Records a second that a topic is given; 0 is as fast as it goes")
  @Default.Long(0)
  long getRate();

  void setRate(long value);

  @Description(
      "Share of the records that are of one and the same visitor, or customer, from 0 to 1: most work falls on one key")
  @Default.Double(0)
  double getHotKey();

  void setHotKey(double value);

  @Description(
      "Into a topic: this partition gets none of the first half of the records, which go to the others")
  @Example("1")
  @Nullable Integer getIdlePartition();

  void setIdlePartition(@Nullable Integer value);

  @Description(
      "File for the answer key of what a topic is given; it is printed if this is not said")
  @Example("out/answer-key.json")
  @Nullable String getKeyOut();

  void setKeyOut(@Nullable String value);
}

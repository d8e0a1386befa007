package dev.millrace.pipelines.io;

import dev.millrace.pipelines.io.Lake.Table;
import dev.millrace.transforms.AtRest;
import dev.millrace.transforms.RecordWriter;
import dev.millrace.transforms.combine.Zipped;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.GlobalWindow;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.jspecify.annotations.Nullable;

/**
 * Turns records into rows of a table of the lake, packed per bundle and partition into blocks of
 * compressed bytes: what waits to be written is small.
 *
 * <p><b>Output:</b> (directory of the partition below the lake, block).
 *
 * @param <T> element
 */
final class LakeRows<T> extends PTransform<PCollection<T>, PCollection<KV<String, byte[]>>> {

  private final Table<T> table;

  LakeRows(Table<T> table) {
    this.table = table;
  }

  @Override
  public PCollection<KV<String, byte[]>> expand(PCollection<T> input) {
    return input
        .apply("Pack", ParDo.of(new Pack<>(table)))
        .setCoder(KvCoder.of(StringUtf8Coder.of(), ByteArrayCoder.of()))
        .apply("AtRest", AtRest.window());
  }

  private static final class Pack<T> extends DoFn<T, KV<String, byte[]>> {
    private final Table<T> table;
    private transient @Nullable FlatRows rows;
    private transient @Nullable RecordWriter<GenericRecord> writer;
    private transient Map<String, ByteArrayOutputStream> blocks = new HashMap<>();
    private transient @Nullable BinaryEncoder encoder;
    private transient @Nullable String lastPartition;
    private transient String directory = "";
    private transient @Nullable BoundedWindow window;

    private Pack(Table<T> table) {
      this.table = table;
    }

    @StartBundle
    public void start() {
      if (rows == null) {
        rows = table.rows();
        writer = new RecordWriter<>(rows.schema());
      }
      blocks = new HashMap<>();
    }

    @ProcessElement
    public void process(
        @Element T element, BoundedWindow of, OutputReceiver<KV<String, byte[]>> out)
        throws IOException {
      FlatRows flat = java.util.Objects.requireNonNull(rows);
      GenericRecord row = flat.of(table.record().apply(element));
      table.more().put(element, row);
      String partition = table.partition().apply(element);
      // Those that follow each other are mostly of one.
      if (!partition.equals(lastPartition)) {
        lastPartition = partition;
        directory =
            table.layer() + "/" + table.name() + (partition.isEmpty() ? "" : "/" + partition);
      }
      ByteArrayOutputStream block =
          blocks.computeIfAbsent(directory, d -> new ByteArrayOutputStream(1 << 12));
      encoder = EncoderFactory.get().directBinaryEncoder(block, encoder);
      java.util.Objects.requireNonNull(writer).write(row, encoder);
      window = of;
      if (block.size() >= Zipped.FULL) {
        out.output(KV.of(directory, Zipped.zip(block.toByteArray())));
        blocks.remove(directory);
      }
    }

    @FinishBundle
    public void finish(FinishBundleContext context) throws IOException {
      BoundedWindow last = window == null ? GlobalWindow.INSTANCE : window;
      for (Map.Entry<String, ByteArrayOutputStream> block : blocks.entrySet()) {
        context.output(
            KV.of(block.getKey(), Zipped.zip(block.getValue().toByteArray())),
            last.maxTimestamp(),
            last);
      }
      blocks = new HashMap<>();
    }
  }

  Schema schema() {
    return table.rows().schema();
  }
}

package dev.millrace.pipelines.io.warehouse;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.transforms.AtRest;
import dev.millrace.transforms.combine.Zipped;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.coders.ByteArrayCoder;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.io.jdbc.JdbcIO;
import org.apache.beam.sdk.io.range.OffsetRange;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.GroupByKey;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.splittabledofn.RestrictionTracker;
import org.apache.beam.sdk.transforms.windowing.GlobalWindow;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollection.IsBounded;

/**
 * Writes rows into the staging table of a run, where they wait for {@link PublishWarehouse}.
 *
 * <p><b>Input:</b> records of the table's contract, one for each key. <b>Output:</b> nothing but
 * the signal that all rows are written, to wait for. <b>Bounded/unbounded:</b> bounded; windows do
 * not matter. <b>State and timers:</b> none; one shuffle, see below. <b>Reasons:</b> none. What the
 * table cannot hold was refused before: contracts check lengths and digits. <b>Guarantee:</b>
 * retries of a bundle do no harm: a row that is written again replaces itself, and of two rows of
 * one key the last written counts. How often that happened is in {@link TableChange#repeated}: more
 * than retries explain means that the input was not unique. <b>Runners:</b> all.
 *
 * <p>The shuffle gathers rows into few large bundles. After a grouping a runner may make a bundle
 * for each key, and every bundle is a transaction of its own.
 *
 * @param <T> type of the records
 */
public final class WriteTable<T extends SpecificRecord>
    extends PTransform<PCollection<T>, PCollection<Void>> {

  /** Writers of one table. PostgreSQL uses no more from one table's inserts on a small server. */
  private static final int WRITERS = 4;

  /** Rows of one statement batch and transaction; larger ones are no faster. */
  private static final int BATCH = 1000;

  /** Compressed bytes that are unpacked at a time: some ten thousand rows. */
  private static final int STEP_BYTES = 1 << 18;

  private final WarehouseConfig config;
  private final Run run;
  private final Contract contract;

  WriteTable(WarehouseConfig config, Run run, Contract contract) {
    this.config = config;
    this.run = run;
    this.contract = contract;
  }

  @Override
  public PCollection<Void> expand(PCollection<T> input) {
    if (input.isBounded() == IsBounded.UNBOUNDED) {
      throw new IllegalArgumentException(
          "table " + contract.table() + " is written by batch runs only; the input is unbounded");
    }
    return input
        .apply("InGlobalWindow", AtRest.window())
        .apply("Pack", ParDo.of(new Pack<>(contract, input.getCoder())))
        .setCoder(KvCoder.of(VarIntCoder.of(), ByteArrayCoder.of()))
        .apply("Gather", GroupByKey.create())
        .apply("Unpack", ParDo.of(new Unpack<>(input.getCoder())))
        .setCoder(input.getCoder())
        .apply(
            "Stage",
            JdbcIO.<T>write()
                .withDataSourceProviderFn(new WarehouseConnections(config))
                .withStatement(new TableSql(contract, run.stagingSchema()).insertIntoStaging())
                .withPreparedStatementSetter(new RowSetter<>(contract))
                .withBatchSize(BATCH)
                .withResults());
  }

  /** Many rows in one block of bytes: a shuffle costs by the element. */
  private static final class Pack<T extends SpecificRecord> extends DoFn<T, KV<Integer, byte[]>> {
    private final Contract contract;
    private final Coder<T> coder;
    private transient Block[] blocks = {};

    private Pack(Contract contract, Coder<T> coder) {
      this.contract = contract;
      this.coder = coder;
    }

    @StartBundle
    public void start() {
      blocks = new Block[WRITERS];
      for (int i = 0; i < WRITERS; i++) {
        blocks[i] = new Block();
      }
    }

    @ProcessElement
    public void process(@Element T row, OutputReceiver<KV<Integer, byte[]>> out)
        throws IOException {
      int writer = writerOf(row);
      Block block = blocks[writer];
      coder.encode(row, block.bytes);
      if (++block.rows == BATCH || block.bytes.size() >= Zipped.FULL) {
        out.output(KV.of(writer, block.take()));
      }
    }

    @FinishBundle
    public void finish(FinishBundleContext context) {
      for (int i = 0; i < WRITERS; i++) {
        if (blocks[i].rows > 0) {
          context.output(
              KV.of(i, blocks[i].take()),
              GlobalWindow.INSTANCE.maxTimestamp(),
              GlobalWindow.INSTANCE);
        }
      }
    }

    /** By key, not at random: a retried bundle must send each row the same way. */
    private int writerOf(T row) {
      int hash = 1;
      for (FieldContract field : contract.key()) {
        hash = 31 * hash + Objects.hashCode(field.valueIn(row));
      }
      return Math.floorMod(hash, WRITERS);
    }
  }

  private static final class Block {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private int rows;

    private byte[] take() {
      byte[] taken = Zipped.zip(bytes.toByteArray());
      bytes.reset();
      rows = 0;
      return taken;
    }
  }

  /** Block by block: a runner may pause between two, so that not all rows are in memory. */
  @DoFn.BoundedPerElement
  static final class Unpack<T> extends DoFn<KV<Integer, Iterable<byte[]>>, T> {
    private final Coder<T> coder;

    Unpack(Coder<T> coder) {
      this.coder = coder;
    }

    /** Steps of blocks: a step ends with the block that makes it large enough. */
    @GetInitialRestriction
    public OffsetRange steps(@Element KV<Integer, Iterable<byte[]>> blocks) {
      long steps = 0;
      for (Iterator<byte[]> rest = blocks.getValue().iterator(); rest.hasNext(); steps++) {
        step(rest);
      }
      return new OffsetRange(0, steps);
    }

    private static List<byte[]> step(Iterator<byte[]> rest) {
      List<byte[]> step = new ArrayList<>();
      for (int bytes = 0; rest.hasNext() && bytes < STEP_BYTES; ) {
        byte[] block = rest.next();
        step.add(block);
        bytes += block.length;
      }
      return step;
    }

    @GetRestrictionCoder
    public Coder<OffsetRange> restrictionCoder() {
      return OffsetRange.Coder.of();
    }

    @ProcessElement
    public void process(
        @Element KV<Integer, Iterable<byte[]>> blocks,
        RestrictionTracker<OffsetRange, Long> tracker,
        OutputReceiver<T> out)
        throws IOException {
      long from = tracker.currentRestriction().getFrom();
      Iterator<byte[]> rest = blocks.getValue().iterator();
      for (long skipped = 0; skipped < from; skipped++) {
        step(rest);
      }
      for (long next = from; tracker.tryClaim(next); next++) {
        List<byte[]> step = step(rest);
        for (byte[] block : step) {
          ByteArrayInputStream bytes = new ByteArrayInputStream(Zipped.unzip(block));
          while (bytes.available() > 0) {
            out.output(coder.decode(bytes));
          }
        }
      }
    }
  }
}

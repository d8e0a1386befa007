package dev.millrace.pipelines.io;

import com.github.luben.zstd.ZstdInputStream;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import de.siegmar.fastcsv.writer.CsvWriter;
import de.siegmar.fastcsv.writer.LineDelimiter;
import dev.millrace.contract.Contract;
import dev.millrace.pipelines.UserError;
import dev.millrace.pipelines.io.FileSlice.Compression;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.refine.Vault;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.apache.avro.file.DataFileReader;
import org.apache.avro.file.SeekableInput;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.IndexedRecord;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.io.FileSystems;
import org.apache.beam.sdk.io.range.OffsetRange;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.splittabledofn.RestrictionTracker;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.avro.AvroParquetReader;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.Type;
import org.jspecify.annotations.Nullable;

/**
 * Reads the records of slices, one slice after the other. A runner may pause between two slices:
 * the Direct runner does, so that what follows takes up a slice's records before the next is read.
 */
@DoFn.BoundedPerElement
final class ReadSlice extends DoFn<List<FileSlice>, RawRecord> {

  /** Bytes that are kept of a record, whatever its limit: one that is too large is to be mended. */
  private static final int KEPT = 16 << 20;

  private final Contract contract;
  private final int maxBytes;
  private final @Nullable String secret;
  private transient @Nullable Vault vault;

  ReadSlice(Contract contract, int maxBytes, @Nullable String secret) {
    this.contract = contract;
    this.maxBytes = maxBytes;
    this.secret = secret;
  }

  @GetInitialRestriction
  public OffsetRange all(@Element List<FileSlice> slices) {
    return new OffsetRange(0, slices.size());
  }

  @GetRestrictionCoder
  public Coder<OffsetRange> restrictionCoder() {
    return OffsetRange.Coder.of();
  }

  @ProcessElement
  public void process(
      @Element List<FileSlice> slices,
      RestrictionTracker<OffsetRange, Long> tracker,
      OutputReceiver<RawRecord> out)
      throws IOException {
    for (long i = tracker.currentRestriction().getFrom(); tracker.tryClaim(i); i++) {
      read(slices.get((int) i), out::output);
    }
  }

  void read(FileSlice slice, Consumer<RawRecord> out) throws IOException {
    try (ReadableByteChannel channel =
        FileSystems.open(FileSystems.matchNewResource(slice.path(), false))) {
      switch (slice.format()) {
        case JSON_LINES -> lines(slice, channel, out);
        case CSV -> csv(slice, Channels.newInputStream(channel), out);
        case AVRO -> avro(slice, (SeekableByteChannel) channel, out);
        case PARQUET -> parquet(slice, out);
      }
    } catch (EOFException damaged) {
      throw damaged(slice, damaged);
    } catch (IOException failed) {
      // Decompressors have no type of their own for damage; a device that fails is to be retried.
      if (slice.compression() != Compression.NONE) {
        throw damaged(slice, failed);
      }
      throw failed;
    }
  }

  static InputStream decompressed(InputStream in, Compression compression) throws IOException {
    return switch (compression) {
      case NONE -> in;
      // That of the JDK takes a damaged second member for the end of the file.
      case GZIP ->
          GzipCompressorInputStream.builder()
              .setInputStream(new BufferedInputStream(in, 1 << 16))
              .setDecompressConcatenated(true)
              .get();
      case ZSTD -> new ZstdInputStream(new BufferedInputStream(in, 1 << 16));
    };
  }

  private void lines(FileSlice slice, ReadableByteChannel channel, Consumer<RawRecord> out)
      throws IOException {
    long start = slice.start();
    if (start > 0) {
      ((SeekableByteChannel) channel).position(start - 1);
    }
    boolean whole = slice.compression() != Compression.NONE;
    Lines lines =
        new Lines(
            decompressed(Channels.newInputStream(channel), slice.compression()),
            Math.max(0, start - 1),
            Math.max(KEPT, maxBytes));
    if (start > 0) {
      // The line this begins in belongs to the slice before; if it begins here, this skips an empty
      // rest.
      lines.next();
    }
    while (true) {
      long position = lines.position();
      if (!whole && position >= slice.end()) {
        return;
      }
      byte[] line = lines.next();
      if (line == null) {
        return;
      }
      if (position == 0 && startsWithByteOrderMark(line)) {
        line = Arrays.copyOfRange(line, 3, line.length);
      }
      if (!isBlank(line)) {
        out.accept(record(slice, position, line));
      }
    }
  }

  private void csv(FileSlice slice, InputStream in, Consumer<RawRecord> out) throws IOException {
    // Latin-1 keeps the bytes as they are; what they mean is decided per record.
    InputStreamReader text =
        new InputStreamReader(
            withoutByteOrderMark(decompressed(in, slice.compression())),
            StandardCharsets.ISO_8859_1);
    CharsetDecoder utf8 = StandardCharsets.UTF_8.newDecoder();
    try (CsvReader<CsvRecord> reader =
        CsvReader.builder()
            .maxBufferSize(KEPT)
            .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
            .extraFieldStrategy(FieldMismatchStrategy.IGNORE)
            .skipEmptyLines(true)
            .detectBomHeader(false)
            .ofCsvRecord(text)) {
      List<String> header = null;
      Iterator<CsvRecord> rows = reader.iterator();
      while (guarded(slice, rows::hasNext)) {
        CsvRecord row = guarded(slice, rows::next);
        List<String> columns = utf8(row.getFields(), utf8);
        if (header == null) {
          header =
              (columns == null ? row.getFields() : columns).stream().map(String::strip).toList();
          continue;
        }
        byte[] payload =
            columns != null && columns.size() == header.size()
                ? JsonRows.ofColumns(header, columns, contract)
                : csv(row.getFields());
        out.accept(record(slice, row.getStartingLineNumber(), payload));
      }
    }
  }

  /** The fields as a row again, quoted where they have to be. */
  private static byte[] csv(List<String> fields) {
    StringWriter row = new StringWriter();
    CsvWriter.builder()
        .bufferSize(0)
        .lineDelimiter(LineDelimiter.LF)
        .build(row)
        .writeRecord(fields);
    return row.getBuffer()
        .substring(0, row.getBuffer().length() - 1)
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  private static InputStream withoutByteOrderMark(InputStream in) throws IOException {
    BufferedInputStream text = new BufferedInputStream(in, 1 << 16);
    text.mark(3);
    if (!startsWithByteOrderMark(text.readNBytes(3))) {
      text.reset();
    }
    return text;
  }

  /** The texts whose bytes are these characters; null if they are not UTF-8. */
  private static @Nullable List<String> utf8(List<String> latin, CharsetDecoder decoder) {
    if (latin.stream().allMatch(text -> text.chars().allMatch(c -> c < 0x80))) {
      return latin;
    }
    List<String> texts = new ArrayList<>(latin.size());
    for (String text : latin) {
      try {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        texts.add(decoder.decode(ByteBuffer.wrap(bytes)).toString());
      } catch (CharacterCodingException notUtf8) {
        return null;
      }
    }
    return texts;
  }

  private void avro(FileSlice slice, SeekableByteChannel channel, Consumer<RawRecord> out)
      throws IOException {
    try (DataFileReader<GenericRecord> rows =
        guarded(
            slice,
            () -> new DataFileReader<>(new ChannelInput(channel), new GenericDatumReader<>()))) {
      GenericRecord reused = guarded(slice, () -> new GenericData.Record(rows.getSchema()));
      for (long number = 0; guarded(slice, rows::hasNext); number++) {
        long at = number;
        out.accept(guarded(slice, () -> rowRecord(slice, at, rows.next(reused), Map.of())));
      }
      // Avro takes a file that ends within a block for one that ends before it.
      if (rows.previousSync() != channel.size()) {
        throw damaged(slice, new EOFException("it ends within a block"));
      }
    }
  }

  private void parquet(FileSlice slice, Consumer<RawRecord> out) throws IOException {
    ChannelInputFile file = new ChannelInputFile(slice.path(), slice.end());
    Map<String, Integer> scales = guarded(slice, () -> scales(slice, file));
    try (ParquetReader<GenericRecord> rows =
        guarded(
            slice,
            () ->
                AvroParquetReader.<GenericRecord>builder(file, new PlainParquetConfiguration())
                    // Values as they are stored: JsonRows converts them.
                    .withDataModel(new GenericData())
                    .build())) {
      for (long number = 0; ; number++) {
        GenericRecord row = guarded(slice, rows::read);
        if (row == null) {
          return;
        }
        long at = number;
        out.accept(guarded(slice, () -> rowRecord(slice, at, row, scales)));
      }
    }
  }

  /**
   * Takes one step in a file whose reader has no exception of its own for damage. Apart from what
   * is done with the records: the failure of a later step is no damage.
   */
  private static <R> R guarded(FileSlice slice, Step<R> step) {
    try {
      return step.take();
    } catch (UserError known) {
      throw known;
    } catch (IOException | RuntimeException damaged) {
      throw damaged(slice, damaged);
    }
  }

  private interface Step<R> {
    R take() throws IOException;
  }

  private record ChannelInput(SeekableByteChannel channel) implements SeekableInput {
    @Override
    public void seek(long position) throws IOException {
      channel.position(position);
    }

    @Override
    public long tell() throws IOException {
      return channel.position();
    }

    @Override
    public long length() throws IOException {
      return channel.size();
    }

    @Override
    public int read(byte[] bytes, int from, int length) throws IOException {
      return channel.read(ByteBuffer.wrap(bytes, from, length));
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  /**
   * Scales of the columns that keep decimals in whole numbers: as Avro they are whole numbers, and
   * no more.
   */
  private static Map<String, Integer> scales(FileSlice slice, ChannelInputFile file)
      throws IOException {
    Map<String, Integer> scales = new HashMap<>();
    try (ParquetFileReader reader =
        ParquetFileReader.open(
            file, ParquetReadOptions.builder(new PlainParquetConfiguration()).build())) {
      for (Type column : reader.getFileMetaData().getSchema().getFields()) {
        if (column.getLogicalTypeAnnotation()
                instanceof LogicalTypeAnnotation.TimestampLogicalTypeAnnotation time
            && time.getUnit() == LogicalTypeAnnotation.TimeUnit.NANOS) {
          throw new UserError(
              "The column '"
                  + column.getName()
                  + "' of '"
                  + slice.path()
                  + "' keeps its times in nanoseconds; write them in micro- or milliseconds.");
        }
        if (column.isPrimitive()
            && column.getLogicalTypeAnnotation()
                instanceof LogicalTypeAnnotation.DecimalLogicalTypeAnnotation decimal) {
          switch (column.asPrimitiveType().getPrimitiveTypeName()) {
            case INT32, INT64 -> scales.put(column.getName(), decimal.getScale());
            default -> {}
          }
        }
      }
    }
    return scales;
  }

  private RawRecord rowRecord(
      FileSlice slice, long number, IndexedRecord row, Map<String, Integer> scales)
      throws IOException {
    return row.getSchema().getName().equals("BronzeRecord")
        ? bronze(row)
        : record(slice, number, JsonRows.ofRecord(row, scales));
  }

  private RawRecord bronze(IndexedRecord row) {
    ByteBuffer buffer = ((ByteBuffer) field(row, "payload")).duplicate();
    byte[] payload = new byte[buffer.remaining()];
    buffer.get(payload);
    if (field(row, "payload_state").toString().equals("ENCRYPTED")) {
      payload = vault().decrypt(payload);
    }
    Object arrival = row.get(row.getSchema().getField("arrival_time").pos());
    return new RawRecord(
        payload,
        new Origin(
            field(row, "source").toString(),
            ((Number) field(row, "position")).longValue(),
            arrival == null ? Origin.NO_ARRIVAL : ((Number) arrival).longValue()));
  }

  private static Object field(IndexedRecord row, String name) {
    return Objects.requireNonNull(row.get(row.getSchema().getField(name).pos()), name);
  }

  private Vault vault() {
    if (vault == null) {
      if (secret == null) {
        throw new UserError("The records are encrypted; give the secret they were encrypted with.");
      }
      vault = Vault.open(secret);
    }
    return vault;
  }

  private static RawRecord record(FileSlice slice, long position, byte[] payload) {
    return new RawRecord(payload, new Origin(slice.source(), position, Origin.NO_ARRIVAL));
  }

  private static boolean startsWithByteOrderMark(byte[] line) {
    return line.length >= 3
        && line[0] == (byte) 0xEF
        && line[1] == (byte) 0xBB
        && line[2] == (byte) 0xBF;
  }

  static boolean isBlank(byte[] line) {
    for (byte b : line) {
      if (b != ' ' && b != '\t' && b != '\r') {
        return false;
      }
    }
    return true;
  }

  private static UserError damaged(FileSlice slice, Exception cause) {
    return new UserError(
        "The file '"
            + slice.path()
            + "' is damaged or cut off ("
            + (cause.getMessage() == null ? "it ends too early" : UserError.reason(cause))
            + "); fetch it again. Nothing was published.",
        cause);
  }
}

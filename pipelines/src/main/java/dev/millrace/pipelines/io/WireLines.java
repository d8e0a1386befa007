package dev.millrace.pipelines.io;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Released;
import dev.millrace.transforms.refine.ContractReader;
import dev.millrace.transforms.refine.Limits;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.ToIntFunction;
import org.apache.avro.Conversions;
import org.apache.avro.Schema;
import org.apache.avro.data.TimeConversions;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;
import org.jspecify.annotations.Nullable;

/**
 * Turns lines of JSON into the wire format that {@link WireValues} reads: each with the schema of
 * the version of the contract it came in. A line that is no record of the contract stays as it is.
 */
final class WireLines {

  private static final GenericData MODEL = new GenericData();

  static {
    MODEL.addLogicalTypeConversion(new Conversions.DecimalConversion());
    MODEL.addLogicalTypeConversion(new TimeConversions.DateConversion());
    MODEL.addLogicalTypeConversion(new TimeConversions.TimestampMillisConversion());
    MODEL.addLogicalTypeConversion(new TimeConversions.TimestampMicrosConversion());
  }

  private final ContractReader<SpecificRecord> reader;
  private final TreeMap<Integer, Version> versions = new TreeMap<>();
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 10);
  private @Nullable BinaryEncoder encoder;

  private record Version(int id, Schema schema, GenericDatumWriter<IndexedRecord> writer) {}

  /**
   * Registers the versions of a contract, the oldest first.
   *
   * @param registry takes a schema and gives its id
   */
  WireLines(Contract contract, ToIntFunction<Schema> registry) {
    this.reader =
        new ContractReader<>(
            contract,
            () -> (SpecificRecord) SpecificData.get().newRecord(null, contract.schema()),
            Limits.DEFAULT);
    List<Contract> all = new ArrayList<>(Released.of(contract.name()));
    all.removeIf(version -> version.version() >= contract.version());
    all.add(contract);
    for (Contract version : all) {
      versions.put(
          version.version(),
          new Version(
              registry.applyAsInt(version.schema()),
              version.schema(),
              new GenericDatumWriter<>(version.schema(), MODEL)));
    }
  }

  /** The line in the wire format, or itself. */
  byte[] value(byte[] line) throws IOException {
    SpecificRecord record = reader.read(line);
    if (record == null) {
      return line;
    }
    Version version = versions.ceilingEntry(reader.version()).getValue();
    GenericData.Record written = new GenericData.Record(version.schema());
    for (Schema.Field field : version.schema().getFields()) {
      written.put(field.pos(), record.get(record.getSchema().getField(field.name()).pos()));
    }
    bytes.reset();
    bytes.writeBytes(
        ByteBuffer.allocate(WireValues.HEADER).put(WireValues.MAGIC).putInt(version.id()).array());
    encoder = EncoderFactory.get().directBinaryEncoder(bytes, encoder);
    version.writer().write(written, encoder);
    encoder.flush();
    return bytes.toByteArray();
  }
}

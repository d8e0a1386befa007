package dev.millrace.transforms;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Contracts;
import dev.millrace.contract.Samples;
import dev.millrace.schemas.retail.Sale;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DatumWriter;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.util.Utf8;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RecordWriterTest {

  static List<Contract> contracts() {
    return Contracts.all();
  }

  @ParameterizedTest
  @MethodSource("contracts")
  void aRecordHasTheBytesOfAvrosWriter(Contract contract) throws Exception {
    DatumWriter<IndexedRecord> writer = new RecordWriter<>(contract.schema());
    for (int seed = 0; seed < 50; seed++) {
      IndexedRecord record = Samples.valid(contract, new Random(seed));
      DatumWriter<IndexedRecord> avros =
          new SpecificDatumWriter<>(contract.schema(), SpecificData.getForClass(record.getClass()));

      assertThat(bytes(writer, record), equalTo(bytes(avros, record)));
    }
  }

  @Test
  void valuesOfTheTypesBeneathAreWrittenAndWhatContractsDoNotKnowAsAvroDoes() throws Exception {
    // Given
    Schema schema =
        SchemaBuilder.record("All")
            .fields()
            .requiredBoolean("truth")
            .requiredInt("number")
            .requiredLong("large")
            .requiredFloat("real")
            .requiredDouble("exact")
            .requiredString("text")
            .requiredString("utf8")
            .requiredBytes("bytes")
            .optionalString("none")
            .nullableLong("some", 5)
            .name("list")
            .type()
            .array()
            .items()
            .stringType()
            .noDefault()
            .name("one_of")
            .type()
            .unionOf()
            .nullType()
            .and()
            .stringType()
            .and()
            .longType()
            .endUnion()
            .noDefault()
            .endRecord();
    GenericRecord record = new GenericData.Record(schema);
    record.put("truth", true);
    record.put("number", -3);
    record.put("large", 1L << 40);
    record.put("real", 0.5f);
    record.put("exact", 1e300);
    record.put("text", "Zürich 🚲");
    record.put("utf8", new Utf8("Zürich"));
    record.put("bytes", ByteBuffer.wrap(new byte[] {0, 1, -1}));
    record.put("some", 7L);
    record.put("list", List.of("a", "b"));
    record.put("one_of", 9L);

    // When / Then
    assertThat(
        bytes(new RecordWriter<>(schema), record),
        equalTo(bytes(new GenericDatumWriter<>(schema), record)));
  }

  @Test
  void aFieldWithoutTheValueItMustHaveIsNamed() {
    Sale sale = Sales.sale(1, Sales.NEW_YEAR, 1, "1.5");
    sale.setStoreSales(null);

    NullPointerException refused =
        assertThrows(
            NullPointerException.class, () -> bytes(new RecordWriter<>(sale.getSchema()), sale));

    assertThat(refused.getMessage(), containsString("no value in Sale.store_sales"));
  }

  private static <T> byte[] bytes(DatumWriter<T> writer, T record) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(bytes, null);
    writer.write(record, encoder);
    encoder.flush();
    return bytes.toByteArray();
  }
}

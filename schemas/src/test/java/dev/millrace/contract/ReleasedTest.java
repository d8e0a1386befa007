package dev.millrace.contract;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasKey;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.nullValue;

import dev.millrace.schemas.retail.Sale;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.apache.avro.Conversions;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaCompatibility.SchemaCompatibilityType;
import org.apache.avro.SchemaValidationException;
import org.apache.avro.SchemaValidatorBuilder;
import org.apache.avro.data.TimeConversions;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DatumReader;
import org.apache.avro.io.DatumWriter;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Holds every contract against its released versions. With {@code -Dmillrace.release=NAME,...} the
 * current versions of those contracts are released first: written to {@code src/main/released},
 * unless it stands there already.
 */
final class ReleasedTest {

  private static final String COMMAND =
      "./mvnw -pl schemas test -Dtest=ReleasedTest -Dmillrace.release=";

  private static final Contract SALE = Contract.of(Sale.class);

  @BeforeAll
  static void releaseWhatWasAskedFor() throws IOException {
    for (String name : System.getProperty("millrace.release", "").split(",", -1)) {
      if (!name.isEmpty()) {
        Contract contract = Contracts.named(name);
        String file = name + "/v" + contract.version() + ".avsc";
        if (!Files.exists(SchemaFiles.released().resolve(file))) {
          // Beside the sources also where this run reads resources.
          for (Path root : List.of(SchemaFiles.released(), SchemaFiles.releasedOnClasspath())) {
            Files.createDirectories(root.resolve(file).getParent());
            Files.writeString(root.resolve(file), SchemaFiles.text(contract.schema()));
          }
        }
      }
    }
  }

  @Test
  void everyContractCanFollowAllItsReleasedVersions() {
    Map<String, Path> files = SchemaFiles.byName();
    List<String> problems = new ArrayList<>();

    for (Contract contract : Contracts.all()) {
      for (Contract released : Released.of(contract.name())) {
        for (String problem : Compatibility.problems(released, contract)) {
          problems.add(
              "%s: %s\n  When the version is final, release it: %s%s"
                  .formatted(files.get(contract.name()), problem, COMMAND, contract.name()));
        }
      }
    }

    assertThat(String.join("\n", problems), problems, is(empty()));
  }

  @Test
  void avroReadsEveryReleasedVersionWithTheCurrentContract() throws SchemaValidationException {
    var validator = new SchemaValidatorBuilder().canReadStrategy().validateAll();
    for (Contract contract : Contracts.all()) {
      List<Schema> released = schemas(Released.of(contract.name()));

      validator.validate(contract.schema(), released);

      for (Schema writer : released) {
        assertThat(
            contract.name(),
            SchemaCompatibility.checkReaderWriterCompatibility(contract.schema(), writer).getType(),
            is(SchemaCompatibilityType.COMPATIBLE));
      }
    }
  }

  @Test
  void theFilesOfReleasedVersionsAreNumberedWithoutGapsAndSayTheirVersion() throws IOException {
    try (Stream<Path> directories = Files.list(SchemaFiles.released())) {
      for (Path directory : directories.toList()) {
        String name = directory.getFileName().toString();
        assertThat(SchemaFiles.byName(), hasKey(name));
        try (Stream<Path> files = Files.list(directory)) {
          List<Contract> released = Released.of(name);
          assertThat(name, (long) released.size(), is(files.count()));
          for (int i = 0; i < released.size(); i++) {
            assertThat(released.get(i).version(), is(i + 1));
            assertThat(released.get(i).name(), is(name));
          }
        }
      }
    }
  }

  @Test
  void aContractThatWasNeverReleasedHasNoVersions() {
    assertThat(Released.of("NoSuchContract"), is(empty()));
  }

  @Test
  void bothVersionsOfSaleAreReleased() {
    List<Contract> released = Released.of("Sale");

    assertThat(released.stream().map(Contract::version).toList(), contains(1, 2));
    assertThat(released.get(0).fields().size(), is(8));
    assertThat(Compatibility.problems(released.get(0), released.get(1)), is(empty()));
  }

  @Test
  void aSaleOfVersion1IsReadAsTheCurrentOne() throws IOException {
    Contract first = Released.of("Sale").get(0);
    for (int seed = 0; seed < 50; seed++) {
      IndexedRecord written = Samples.valid(first, new SplittableRandom(seed));

      IndexedRecord read = recode(written, SALE.schema(), SpecificData.getForClass(Sale.class));

      assertThat(read instanceof Sale, is(true));
      for (FieldContract field : SALE.fields()) {
        assertThat(
            field.name(),
            field.valueIn(read),
            field.since() > 1 ? nullValue() : equalTo(first.field(field.name()).valueIn(written)));
      }
    }
  }

  @Test
  void aSaleOfTheCurrentVersionIsReadAsVersion1() throws IOException {
    Contract first = Released.of("Sale").get(0);
    for (int seed = 0; seed < 50; seed++) {
      IndexedRecord written = Samples.valid(SALE, new SplittableRandom(seed));

      IndexedRecord read = recode(written, first.schema(), generic());

      for (FieldContract field : first.fields()) {
        assertThat(field.valueIn(read), equalTo(SALE.field(field.name()).valueIn(written)));
      }
    }
  }

  @Test
  void everyContractIsReadFromAvroAsItWasWritten() throws IOException {
    for (Contract contract : Contracts.all()) {
      IndexedRecord written = Samples.valid(contract, new SplittableRandom(1));

      IndexedRecord read =
          recode(written, contract.schema(), SpecificData.getForClass(written.getClass()));

      assertThat(read, equalTo(written));
    }
  }

  private static IndexedRecord recode(IndexedRecord record, Schema reader, GenericData data)
      throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
    GenericData writing =
        record instanceof GenericData.Record
            ? generic()
            : SpecificData.getForClass(record.getClass());
    @SuppressWarnings("unchecked")
    DatumWriter<Object> writer = writing.createDatumWriter(record.getSchema());
    writer.write(record, encoder);
    encoder.flush();
    var decoder = DecoderFactory.get().binaryDecoder(bytes.toByteArray(), null);
    @SuppressWarnings("unchecked")
    DatumReader<Object> datumReader = data.createDatumReader(record.getSchema(), reader);
    return (IndexedRecord) datumReader.read(null, decoder);
  }

  private static GenericData generic() {
    GenericData data = new GenericData();
    data.addLogicalTypeConversion(new Conversions.DecimalConversion());
    data.addLogicalTypeConversion(new TimeConversions.DateConversion());
    data.addLogicalTypeConversion(new TimeConversions.TimestampMillisConversion());
    return data;
  }

  private static List<Schema> schemas(List<Contract> contracts) {
    return contracts.stream().map(Contract::schema).toList();
  }
}

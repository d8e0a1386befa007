package dev.millrace.pipelines.io;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.sameInstance;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.contract.Contract;
import dev.millrace.contract.Released;
import dev.millrace.contract.Samples;
import dev.millrace.schemas.retail.Sale;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.schemas.web.ShopEvent;
import dev.millrace.transforms.refine.ContractReader;
import dev.millrace.transforms.refine.Limits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;

/** Whatever the bytes: they are a record, or they stay as they are. */
class WireValuesLawTest {

  private static final List<Contract> CONTRACTS =
      List.of(Contract.of(Sale.class), Contract.of(ShopEvent.class), Contract.of(DeadLetter.class));

  private final List<Schema> registered = new ArrayList<>();
  private final WireValues values =
      new WireValues(
          id ->
              id < 0 || id >= registered.size()
                  ? Optional.empty()
                  : Optional.of(registered.get(id)));

  private WireLines lines(Contract contract) {
    return new WireLines(
        contract,
        schema -> {
          registered.add(schema);
          return registered.size() - 1;
        });
  }

  @Property(tries = 300)
  void aRecordIsTheSameOverTheWire(@ForAll Random random) throws IOException {
    for (Contract contract : CONTRACTS) {
      // Given
      byte[] line = Samples.validJson(contract, random).getBytes(StandardCharsets.UTF_8);

      // When
      byte[] value = lines(contract).value(line);
      byte[] json = values.json(value);

      // Then
      assertThat(value[0], is(WireValues.MAGIC));
      ContractReader<SpecificRecord> reader = reader(contract);
      SpecificRecord read = reader.read(json);
      int version = reader.version();
      assertThat(read, equalTo(reader.read(line)));
      assertThat(version, equalTo(reader.version()));
    }
  }

  @Property(tries = 2000)
  void anyBytesAreJsonOrStayAsTheyAre(
      @ForAll @IntRange(max = 4) int schema, @ForAll @Size(max = 80) byte[] bytes)
      throws IOException {
    // Given
    CONTRACTS.forEach(this::lines);
    byte[] value =
        ByteBuffer.allocate(WireValues.HEADER + bytes.length)
            .put(WireValues.MAGIC)
            .putInt(schema)
            .put(bytes)
            .array();

    // When
    byte[] json = values.json(value);

    // Then
    if (json != value) {
      assertThat(new ObjectMapper().readTree(json).isObject(), is(true));
    }
    assertThat(values.json(bytes), is(sameInstance(bytes)));
  }

  @Property(tries = 1000)
  void aDamagedRecordIsJsonOrStaysAsItIs(
      @ForAll Random random, @ForAll @IntRange(max = 1 << 20) int at, @ForAll byte other)
      throws IOException {
    // Given
    Contract contract = CONTRACTS.get(Math.floorMod(at, CONTRACTS.size()));
    byte[] value =
        lines(contract)
            .value(Samples.validJson(contract, random).getBytes(StandardCharsets.UTF_8))
            .clone();
    value[at % value.length] = other;

    // When
    byte[] json = values.json(value);

    // Then
    if (json != value) {
      assertThat(new ObjectMapper().readTree(json).isObject(), is(true));
    }
  }

  @Property(tries = 100)
  void aRecordOfAnOlderVersionIsWrittenWithItsSchema(@ForAll Random random) throws IOException {
    // Given
    Contract first = Released.of("Sale").get(0);
    byte[] line = Samples.validJson(first, random).getBytes(StandardCharsets.UTF_8);
    registered.clear();
    WireLines lines = lines(Contract.of(Sale.class));

    // When
    byte[] value = lines.value(line);

    // Then
    assertThat(ByteBuffer.wrap(value).getInt(1), equalTo(0));
    assertThat(registered, equalTo(List.of(first.schema(), Contract.of(Sale.class).schema())));
    assertThat(
        new WireValues(id -> Optional.of(registered.get(id))).json(value),
        is(not(sameInstance(value))));
  }

  private static ContractReader<SpecificRecord> reader(Contract contract) {
    return new ContractReader<>(
        contract,
        () -> (SpecificRecord) SpecificData.get().newRecord(null, contract.schema()),
        Limits.DEFAULT);
  }
}

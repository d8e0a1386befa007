package dev.millrace.pipelines.io;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Samples;
import dev.millrace.schemas.web.ShopEvent;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class WireRecordsTest {

  private static final int ID = 0x01020304;

  private final WireRecords<ShopEvent> records =
      new WireRecords<>(
          ShopEvent.class,
          id -> id == ID ? Optional.of(ShopEvent.getClassSchema()) : Optional.empty(),
          ID);

  /** As those write it that fill topics. */
  private static byte[] value(int seed) throws IOException {
    Contract contract = Contract.of(ShopEvent.class);
    String json = Samples.validJson(contract, new Random(seed));
    return new WireLines(contract, schema -> ID).value(json.getBytes(StandardCharsets.UTF_8));
  }

  private String refused(byte[] value) {
    return String.valueOf(assertThrows(IOException.class, () -> records.read(value)).getMessage());
  }

  @Test
  void aValueIsTheSameAfterItWasARecord() throws IOException {
    for (int seed = 0; seed < 200; seed++) {
      byte[] value = value(seed);
      assertThat(records.write(records.read(value)), equalTo(value));
    }
  }

  @Test
  void aRecordThatCannotBeWrittenLeavesNothingBehind() throws IOException {
    byte[] value = value(1);
    ShopEvent incomplete = records.read(value);
    incomplete.put(ShopEvent.getClassSchema().getField("url").pos(), null);

    assertThrows(NullPointerException.class, () -> records.write(incomplete));

    assertThat(records.write(records.read(value)), equalTo(value));
  }

  @Test
  void aValueThatIsNoRecordIsRefused() throws IOException {
    byte[] value = value(1);
    byte[] other = value.clone();
    other[4]++;

    assertThat(refused("{}".getBytes(StandardCharsets.UTF_8)), containsString("wire format"));
    assertThat(refused(new byte[0]), containsString("wire format"));
    assertThat(refused(other), containsString("no schema"));
    assertThat(refused(Arrays.copyOf(value, value.length + 1)), containsString("goes on"));
    for (int length = WireValues.HEADER; length < value.length; length++) {
      byte[] cut = Arrays.copyOf(value, length);
      assertThrows(IOException.class, () -> records.read(cut));
    }
  }
}

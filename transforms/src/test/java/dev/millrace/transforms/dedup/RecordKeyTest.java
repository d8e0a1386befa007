package dev.millrace.transforms.dedup;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.contract.Contract;
import dev.millrace.schemas.retail.Sale;
import dev.millrace.transforms.Sales;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;

class RecordKeyTest {

  private static final RecordKey<Sale> KEY = RecordKey.of(Sale.class);

  @Test
  void aKeyOfOneFieldIsItsText() {
    assertThat(KEY.apply(Sales.version("till-4/17", null, "1.5")), is("till-4/17"));
  }

  @Test
  void aNullKeyIsTheHashOfTheOtherFieldsAsAnyoneCanComputeIt() throws Exception {
    Sale sale = Sales.sale(337, 371, 2, "1.5000");

    String key = KEY.apply(sale);

    byte[] line = "337\t371\t7\t0\t2\t1.5\t0.5\t2".getBytes(StandardCharsets.UTF_8);
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(line);
    assertThat(key, is(HexFormat.of().formatHex(digest, 0, 16)));
  }

  @Test
  void theScaleOfADecimalDoesNotChangeTheIdentity() {
    Sale one = Sales.sale(1, 371, 2, "10.0000");
    Sale other = Sales.sale(1, 371, 2, "10.0000");
    other.setStoreSales(new BigDecimal("10"));

    assertThat(KEY.apply(one), is(KEY.apply(other)));
  }

  @Test
  void saleswhichDifferInAmountsOnlyAreDifferent() {
    assertThat(
        KEY.apply(Sales.sale(1, 371, 2, "1.5")), not(KEY.apply(Sales.sale(1, 371, 2, "1.6"))));
  }

  @Test
  void textsCannotBeShiftedFromOneFieldToTheNext() {
    Contract contract =
        contract(
            "'key': ['a', 'b']",
            "{'name': 'a', 'type': ['null', 'string']}, {'name': 'b', 'type': 'string'}",
            "'keyElse': ['a', 'b'],");
    RecordKey<GenericRecord> key = RecordKey.of(contract);

    assertThat(
        key.apply(record(contract, "x\ty", "z")), not(key.apply(record(contract, "x", "y\tz"))));
    assertThat(
        key.apply(record(contract, "\\N", "z")), not(key.apply(record(contract, null, "z"))));
  }

  @Test
  void aContractWithoutAKeyIsRefused() {
    Contract contract = contract("'version': 1", "{'name': 'a', 'type': 'string'}", "");

    var refused = assertThrows(IllegalArgumentException.class, () -> RecordKey.of(contract));

    assertThat(refused.getMessage(), is("contract Thing declares no key"));
  }

  @Test
  void aKeyThatCanBeNullNeedsKeyElse() {
    Contract contract = contract("'key': ['a']", "{'name': 'a', 'type': ['null', 'string']}", "");

    var refused = assertThrows(IllegalArgumentException.class, () -> RecordKey.of(contract));

    assertThat(refused.getMessage(), containsString("declare keyElse"));
  }

  private static Contract contract(String property, String fields, String more) {
    String schema =
        "{'type': 'record', 'name': 'Thing', %s %s, 'fields': [%s]}"
            .formatted(more, property, fields);
    return Contract.of(new Schema.Parser().parse(schema.replace('\'', '"')));
  }

  private static GenericRecord record(
      Contract contract, @org.jspecify.annotations.Nullable String a, String b) {
    GenericRecord record = new GenericData.Record(contract.schema());
    record.put("a", a);
    record.put("b", b);
    return record;
  }
}

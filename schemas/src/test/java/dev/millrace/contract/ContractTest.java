package dev.millrace.contract;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.nullValue;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.schemas.retail.ClassifiedProduct;
import dev.millrace.schemas.retail.Customer;
import dev.millrace.schemas.retail.EnrichedSale;
import dev.millrace.schemas.retail.Sale;
import dev.millrace.schemas.retail.StoreRevenue7d;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.time.Instant;
import java.util.List;
import java.util.SplittableRandom;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.IndexedRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ContractTest {

  private static final Contract SALE = Contract.of(Sale.class);

  @Test
  void aContractTellsWhatItsSchemaDeclares() {
    assertThat(SALE.name(), is("Sale"));
    assertThat(SALE.version(), is(2));
    assertThat(SALE.table(), is("sale"));
    assertThat(names(SALE.key()), contains("sale_id"));
    assertThat(SALE.keyElse().size(), is(8));
    assertThat(SALE.arrivalTime().orElseThrow().name(), is("arrived_at"));
    assertThat(SALE.recordVersion().orElseThrow().name(), is("updated_at"));
    assertThat(SALE.field("sale_id").since(), is(2));
    assertThat(SALE.field("store_sales").unit().orElseThrow(), is("USD"));
    assertThat(SALE.hasPrivateFields(), is(false));
    assertThat(Contract.of(Customer.class).hasPrivateFields(), is(true));
  }

  @Test
  void daysAreCountedFromTheOriginOfTheContract() {
    long millis = SALE.eventTime().orElseThrow().millis(367);

    assertThat(Instant.ofEpochMilli(millis), is(Instant.parse("1997-01-01T00:00:00Z")));
  }

  @Test
  void aTableIsNamedAfterTheRecordUnlessItSaysOtherwise() {
    assertThat(Contract.of(EnrichedSale.class).table(), is("enriched_sale"));
    assertThat(Contract.of(StoreRevenue7d.class).table(), is("store_revenue_7d"));
  }

  @Test
  void theFieldsOfNestedRecordsStandInPlaceAndTheFirstOfANameStays() {
    Contract product = Contract.of(ClassifiedProduct.class);

    assertThat(product.fields().size(), is(13));
    assertThat(product.field("product_class_id").path(), contains(0, 1));
    assertThat(product.field("product_category").path(), contains(1, 2));
  }

  @Test
  void aValueIsReadThroughNestedRecords() {
    Contract contract = Contract.of(EnrichedSale.class);
    IndexedRecord record = Samples.valid(contract, new SplittableRandom(1));

    Object value = contract.field("product_id").valueIn(record);

    assertThat(value, is(((EnrichedSale) record).getSale().getProductId()));
  }

  @Test
  void theFieldsOfANestedRecordThatIsNullAreNull() {
    Contract contract =
        of(
            "",
            """
            {"name": "inner", "type": ["null", {"type": "record", "name": "Inner",
              "fields": [{"name": "id", "type": "int"}]}], "default": null}""");
    IndexedRecord record = new GenericData.Record(contract.schema());

    assertThat(contract.field("id").nullable(), is(true));
    assertThat(contract.field("id").valueIn(record), nullValue());
  }

  @Test
  void fieldsCannotBeTakenOutOfAContract() {
    assertThrows(UnsupportedOperationException.class, () -> SALE.fields().clear());
  }

  @Test
  void anUnknownFieldIsAnsweredWithTheNameOfTheContract() {
    var error = assertThrows(IllegalArgumentException.class, () -> SALE.field("price"));

    assertThat(error.getMessage(), is("contract Sale has no field price"));
  }

  @Test
  void aSchemaThatIsNoRecordIsRefused() {
    Schema text = Schema.create(Schema.Type.STRING);

    assertThrows(IllegalArgumentException.class, () -> Contract.of(text));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "kee": ["id"]                  | kee is unknown
          "key": ["other"]               | key names other
          "key": "id"                    | key is no list
          "version": "two"               | version is two
          "version": 0                   | version is 0
          "table": "a; drop table b"     | table is a; drop
          "arrivalTime": "other"         | arrivalTime names other
          "foreignKeys": ["id"]          | foreignKeys is no object
          "foreignKeys": {"other": "t"}  | foreignKeys names other
          "foreignKeys": {"id": "$ddl$"} | foreignKeys is $ddl$
          "indexes": [["other"]]         | indexes names other
          "disjoint": ["id"]             | disjoint is not two fields
          "disjoint": ["id", "other"]    | disjoint names other
          "eventTime": "id"              | which is no timestamp-millis
          "eventTime": {"field": "id", "unit": "weeks", "origin": "1995-12-31"} | needs "unit": "days"
          "eventTime": {"field": "id", "unit": "days", "origin": "yesterday"}   | origin yesterday
          """)
  void aDeclarationOfARecordThatMakesNoSenseIsRefusedWithItsName(String property, String message) {
    var error =
        assertThrows(
            IllegalArgumentException.class,
            () -> of(property + ",", "{\"name\": \"id\", \"type\": \"int\"}"));

    assertThat(error.getMessage(), allOf(containsString("contract T"), containsString(message)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "type": "int", "mim": 1                  | mim is unknown
          "type": "int", "min": "many"             | min is many, not a number
          "type": "string", "min": 1               | min does not fit a field of type STRING
          "type": "int", "maxLength": 3            | maxLength does not fit a field of type INT
          "type": "string", "maxLength": -1        | maxLength is -1
          "type": "string", "pattern": "["         | pattern is no regular expression
          "type": "string", "format": "time"       | format is time; it can be
          "type": "string", "oneOf": "A"           | oneOf is no list
          "type": "boolean", "oneOf": ["true"]     | oneOf does not fit a field of type BOOLEAN
          "type": "string", "pattern": "A+", "examples": ["B"] | examples has B, which must match A+
          "type": "int", "since": 2                | since is 2, but the record is in version 1
          "type": "string", "privacy": "hide"      | privacy is hide; it can be
          "type": "int", "privacy": "mask"         | mask needs a string
          "type": "string", "privacy": "drop"      | drop needs a nullable field
          "type": "float"                          | type is FLOAT, which contracts do not use
          "type": {"type": "long", "logicalType": "timestamp-micros"} | type is a timestamp-micros
          "type": ["int", "string"]                | no union but with null
          """)
  void aDeclarationOfAFieldThatMakesNoSenseIsRefusedWithItsName(String declared, String message) {
    var error =
        assertThrows(
            IllegalArgumentException.class, () -> of("", "{\"name\": \"id\", " + declared + "}"));

    assertThat(error.getMessage(), containsString(message));
  }

  @Property(tries = 50)
  void aContractComesBackFromSerializationAsItWas(@ForAll("contracts") Contract contract)
      throws IOException, ClassNotFoundException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(contract);
    }

    Object read;
    try (var in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      read = in.readObject();
    }

    assertThat(read, equalTo(contract));
    assertThat(List.copyOf(((Contract) read).fields()), equalTo(List.copyOf(contract.fields())));
    assertThat(read.hashCode(), is(contract.hashCode()));
  }

  @Provide
  Arbitrary<Contract> contracts() {
    return Arbitraries.of(Contracts.all());
  }

  static Contract of(String properties, String fields) {
    return Contract.of(
        new Schema.Parser()
            .parse(
                "{\"type\": \"record\", \"name\": \"T\", \"namespace\": \"t\", "
                    + properties
                    + " \"fields\": ["
                    + fields
                    + "]}"));
  }

  private static List<String> names(List<FieldContract> fields) {
    return fields.stream().map(FieldContract::name).toList();
  }
}

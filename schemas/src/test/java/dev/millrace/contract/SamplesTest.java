package dev.millrace.contract;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.anyOf;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThanOrEqualTo;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.instanceOf;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.lessThan;
import static org.hamcrest.Matchers.nullValue;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.millrace.schemas.retail.Sale;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.IndexedRecord;
import org.junit.jupiter.api.Test;

final class SamplesTest {

  private static final Contract SALE = Contract.of(Sale.class);

  /** Every rule, and every type, beside those of the real contracts. */
  private static final Contract EVERYTHING =
      ContractTest.of(
          "\"key\": [\"code\"], \"eventTime\": \"at\",",
          """
          {"name": "code", "type": "string", "pattern": "[A-Z]{2}[0-9]+", "maxLength": 6, "examples": ["AB1", "XY1234"]},
          {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "seen", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "day", "type": {"type": "int", "logicalType": "date"}},
          {"name": "uuid", "type": "string", "format": "uuid"},
          {"name": "instant", "type": "string", "format": "date-time", "maxLength": 40},
          {"name": "level", "type": "int", "oneOf": [1, 2, 5]},
          {"name": "few", "type": "int", "min": 3, "max": 4},
          {"name": "below", "type": "long", "max": -10},
          {"name": "ratio", "type": "double", "exclusiveMin": 0, "max": 1},
          {"name": "share", "type": {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 4}, "min": "0.00005", "max": 1},
          {"name": "big", "type": {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 6}, "max": "1E+30"},
          {"name": "flag", "type": "boolean"},
          {"name": "bytes", "type": ["null", "bytes"], "default": null},
          {"name": "text", "type": "string", "maxLength": 1}
          """);

  @Property(tries = 500)
  void aSampleKeepsAllRules(@ForAll("contracts") Contract contract, @ForAll long seed) {
    IndexedRecord sample = Samples.valid(contract, new SplittableRandom(seed));

    for (FieldContract field : contract.fields()) {
      Object value = field.valueIn(sample);
      if (value == null) {
        assertThat(field.name(), field.nullable());
      } else {
        for (Rule rule : field.rules()) {
          assertThat(field.name() + " must " + rule.words(), rule.holds(value));
        }
      }
    }
  }

  @Property(tries = 500)
  void aSampleInJsonKeepsAllRules(@ForAll("contracts") Contract contract, @ForAll long seed)
      throws JsonProcessingException {
    String json = Samples.validJson(contract, new SplittableRandom(seed));

    assertThat(json, Faults.of(contract, json), is(empty()));
  }

  @Property(tries = 100)
  void whatIsBrokenBreaksItsOneThing(@ForAll("contracts") Contract contract, @ForAll long seed)
      throws JsonProcessingException {
    for (Samples.Broken broken : Samples.broken(contract, new SplittableRandom(seed))) {
      assertThat(
          broken.toString(),
          Faults.of(contract, broken.json()),
          contains(broken.field() + " " + broken.reason()));
    }
  }

  @Property(tries = 100)
  void theSameSeedGivesTheSameSamples(@ForAll("contracts") Contract contract, @ForAll long seed) {
    IndexedRecord one = Samples.valid(contract, new SplittableRandom(seed));
    IndexedRecord other = Samples.valid(contract, new SplittableRandom(seed));

    for (FieldContract field : contract.fields()) {
      assertThat(field.name(), field.valueIn(other), equalTo(field.valueIn(one)));
    }
    assertThat(
        Samples.validJson(contract, new SplittableRandom(seed)),
        equalTo(Samples.validJson(contract, new SplittableRandom(seed))));
    assertThat(
        Samples.broken(contract, new SplittableRandom(seed)),
        equalTo(Samples.broken(contract, new SplittableRandom(seed))));
  }

  @Test
  void everyRuleThatCanBeBrokenAloneIsBroken() {
    Set<String> faults = new TreeSet<>();
    Samples.broken(SALE, new SplittableRandom(1)).forEach(b -> faults.add(b.fault()));

    assertThat(
        faults,
        hasItems(
            "time_id must be at least 1",
            "time_id must be at most 36524",
            "unit_sales must be greater than 0",
            "sale_id must have at most 40 characters",
            "store_sales overflows",
            "customer_id is absent",
            "customer_id is null",
            "updated_at is an array"));
  }

  @Test
  void aSampleIsOfTheGeneratedClassWhereThereIsOne() {
    Contract first = Released.of("Sale").get(0);

    assertThat(Samples.valid(SALE, new SplittableRandom(1)), instanceOf(Sale.class));
    assertThat(Samples.valid(first, new SplittableRandom(1)), instanceOf(GenericData.Record.class));
  }

  @Property(tries = 100)
  void aSampleArrivesWithinTheDayAfterItsEvent(@ForAll long seed) {
    Sale sale = (Sale) Samples.valid(SALE, new SplittableRandom(seed));
    long event = SALE.eventTime().orElseThrow().millis(sale.getTimeId());

    Instant arrived = sale.getArrivedAt();

    assertThat(
        arrived,
        anyOf(
            nullValue(),
            is(
                org.hamcrest.Matchers.both(greaterThanOrEqualTo(Instant.ofEpochMilli(event)))
                    .and(lessThan(Instant.ofEpochMilli(event + 86_400_000L))))));
  }

  @Test
  void aPatternWithoutExamplesIsAnsweredWithWhatToDo() {
    Contract contract =
        ContractTest.of("", "{\"name\": \"code\", \"type\": \"string\", \"pattern\": \"A+\"}");

    var error =
        assertThrows(
            IllegalArgumentException.class, () -> Samples.valid(contract, new SplittableRandom(1)));

    assertThat(error.getMessage(), containsString("field code"));
    assertThat(error.getMessage(), containsString("give it \"examples\""));
  }

  @Test
  void rulesThatNoNumberKeepsAreRefused() {
    Contract contract =
        ContractTest.of("", "{\"name\": \"n\", \"type\": \"int\", \"min\": 2, \"max\": 1}");

    var error =
        assertThrows(
            IllegalArgumentException.class, () -> Samples.valid(contract, new SplittableRandom(1)));

    assertThat(error.getMessage(), containsString("no number keeps all its rules"));
  }

  @Provide
  Arbitrary<Contract> contracts() {
    List<Contract> contracts = new java.util.ArrayList<>(Contracts.all());
    contracts.add(EVERYTHING);
    contracts.addAll(Released.of("Sale"));
    return Arbitraries.of(contracts);
  }
}

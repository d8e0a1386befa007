package dev.millrace.contract;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;

import dev.millrace.schemas.retail.EnrichedSale;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaCompatibility.SchemaCompatibilityType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class CompatibilityTest {

  private static final String RELEASED =
      """
      {"type": "record", "name": "T", "namespace": "t", "doc": "A thing.", "version": 1,
       "key": ["id"], "table": "thing", "fields": [
        {"name": "id", "type": "int", "doc": "Id.", "min": 1, "max": 100},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 4}, "unit": "USD"},
        {"name": "size", "type": "string", "oneOf": ["S", "M"], "maxLength": 3},
        {"name": "owner", "type": ["null", "string"], "default": null, "privacy": "mask"}
      ]}
      """;

  @Test
  void theSameContractIsCompatible() {
    assertThat(problems(RELEASED), is(empty()));
  }

  @Test
  void anotherDocIsNoChange() {
    assertThat(problems(RELEASED.replace("A thing.", "Some thing.")), is(empty()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # a new optional field
          ]}                 | , {"name": "note", "type": ["null", "string"], "default": null, "since": 2}]}
          # looser rules
          "max": 100         | "max": 1000
          ["S", "M"]         | ["S", "M", "L"]
          "maxLength": 3     | "maxLength": 5
          # more digits
          "precision": 12    | "precision": 14
          # a field that became optional
          "type": "string", "oneOf" | "type": ["null", "string"], "default": null, "oneOf"
          # an index
          "table": "thing"   | "table": "thing", "indexes": [["size"]]
          """)
  void whatOldRecordsSurviveIsCompatibleInANewVersion(String before, String after) {
    String candidate = RELEASED.replace(before, after);

    assertThat(problems(version2(candidate)), is(empty()));
    assertThat(Compatibility.warnings(contract(RELEASED), contract(version2(candidate))), empty());
    assertThat(avro(version2(candidate)), is(SchemaCompatibilityType.COMPATIBLE));
  }

  @Test
  void aChangeWithoutANewVersionIsRefusedAndNamed() {
    assertThat(
        problems(RELEASED.replace("\"max\": 100", "\"max\": 1000")),
        contains(
            "T v1: changed (field id), but its version is 1 and 1 is released. Set \"version\": 2,"
                + " and \"since\" of new fields to the same."));
  }

  @Test
  void aVersionThatWentBackIsRefused() {
    Contract released = contract(version2(RELEASED));

    assertThat(
        Compatibility.problems(released, contract(RELEASED)),
        contains(containsString("Set \"version\": 2.")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "name": "size"       | "name": "width"        | size: was removed or renamed
          "name": "size"       | "name": "width"        | Put it back under its name
          "name": "size"       | "name": "width"        | width: is new and required
          "name": "T"          | "name": "U"            | Keep the released name
          "type": "int"        | "type": "long"         | Keep its type
          "scale": 4           | "scale": 2             | Keep the scale
          "precision": 12      | "precision": 10        | the precision may only grow
          "type": ["null", "string"], "default": null, "privacy" | "type": "string", "privacy" | Leave it nullable
          , "privacy": "mask"  | , "unit": "persons"    | privacy was MASK and is none
          "privacy": "mask"    | "privacy": "tokenize"  | privacy was MASK and is TOKENIZE
          "unit": "USD"        | "unit": "EUR"          | old values would be misread
          "key": ["id"]        | "key": ["id", "size"]  | Keep the released key
          "table": "thing"     | "table": "things"      | table was thing and is things
          "max": 100}          | "max": 100, "since": 2}| Set "since": 1
          ]}                   | , {"name": "n", "type": ["null", "int"], "default": null}]} | Set "since": 2
          ]}                   | , {"name": "n", "type": ["null", "int"], "since": 2}]}      | "default": null
          "type": "int"        | "type": ["null", "int"], "default": null    | Leave it required
          """)
  void whatOldRecordsDoNotSurviveIsRefusedWithWhatToDo(
      String before, String after, String message) {
    String candidate = version2(RELEASED.replace(before, after));
    assertThat("the variant differs", candidate, is(not(version2(RELEASED))));

    assertThat(problems(candidate), hasItem(containsString(message)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "min": 1             | "min": 2               | must now be at least 2
          "min": 1             | "exclusiveMin": 1      | must now be greater than 1
          "max": 100           | "max": 99              | must now be at most 99
          ["S", "M"]           | ["S"]                  | must now be one of S
          "maxLength": 3       | "maxLength": 2         | must now have at most 2
          "privacy": "mask"    | "privacy": "mask", "format": "uuid" | must now be a UUID
          """)
  void aTighterRuleIsAllowedInANewVersionButSaidAloud(String before, String after, String words) {
    String candidate = RELEASED.replace(before, after);

    assertThat(problems(version2(candidate)), is(empty()));
    assertThat(
        Compatibility.warnings(contract(RELEASED), contract(version2(candidate))),
        contains(allOf(containsString(words), containsString("Tell producers"))));
    assertThat("not silently", problems(candidate), is(not(empty())));
  }

  @Test
  void aKeyOfNewOptionalFieldsLeavesOldRecordsTheirIdentity() {
    String released = RELEASED.replace("\"key\": [\"id\"]", "\"keyElse\": [\"id\"]");
    String candidate =
        version2(released)
            .replace("\"keyElse\"", "\"key\": [\"uid\"], \"keyElse\"")
            .replace(
                "]}",
                ", {\"name\": \"uid\", \"type\": [\"null\", \"string\"], \"default\": null,"
                    + " \"since\": 2}]}");

    assertThat(Compatibility.problems(contract(released), contract(candidate)), is(empty()));
  }

  @Test
  void aNestedRecordIsHeldAgainstItsOwnVersion() {
    Schema enriched = Contract.of(EnrichedSale.class).schema();
    Contract released = Contract.of(enriched);
    String text = enriched.toString();
    String newField =
        ",{\"name\":\"till\",\"type\":[\"null\",\"int\"],\"default\":null,\"since\":3}],\"version\":";

    Contract raised = contract(text.replace("],\"version\":2", newField + "3"));
    Contract forgotten =
        contract(text.replace("],\"version\":2", newField.replace("3}", "2}") + "2"));

    assertThat(Compatibility.problems(released, raised), is(empty()));
    assertThat(
        Compatibility.problems(released, forgotten),
        hasItem(containsString("Sale v2: changed (field till)")));
  }

  private static List<String> problems(String candidate) {
    return Compatibility.problems(contract(RELEASED), contract(candidate));
  }

  private static SchemaCompatibilityType avro(String candidate) {
    return SchemaCompatibility.checkReaderWriterCompatibility(
            contract(candidate).schema(), contract(RELEASED).schema())
        .getType();
  }

  private static String version2(String schema) {
    return schema.replace("\"version\": 1", "\"version\": 2");
  }

  private static Contract contract(String schema) {
    return Contract.of(new Schema.Parser().parse(schema));
  }
}

package dev.millrace.contract;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.is;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.schemas.retail.Sale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

final class ContractsTest {

  @Test
  void theCatalogueHoldsEverySchemaFile() {
    Set<String> listed =
        Contracts.all().stream().map(Contract::name).collect(Collectors.toCollection(TreeSet::new));

    assertThat(
        "List each contract of src/main/avro once in Contracts.",
        listed,
        equalTo(SchemaFiles.byName().keySet()));
    assertThat(Contracts.all().size(), is(listed.size()));
  }

  @Test
  void aContractIsFoundByItsName() {
    assertThat(Contracts.named("Sale"), equalTo(Contract.of(Sale.class)));
  }

  @Test
  void anUnknownNameIsAnsweredWithTheNamesThereAre() {
    var error = assertThrows(IllegalArgumentException.class, () -> Contracts.named("Sales"));

    assertThat(
        error.getMessage(), allOf(containsString("Sales;"), containsString("Sale, Customer")));
  }

  @Test
  void everyForeignKeyPointsToTheTableOfAnotherContract() {
    Set<String> tables = Contracts.all().stream().map(Contract::table).collect(Collectors.toSet());

    for (Contract contract : Contracts.all()) {
      for (String table : contract.foreignKeys().values()) {
        assertThat(contract + " points to " + table, tables, hasItem(table));
      }
    }
  }
}

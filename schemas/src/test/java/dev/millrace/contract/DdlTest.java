package dev.millrace.contract;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.endsWith;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.schemas.retail.Customer;
import dev.millrace.schemas.retail.LocatedCustomer;
import dev.millrace.schemas.retail.Product;
import dev.millrace.schemas.retail.RevenueDaily;
import dev.millrace.schemas.retail.Sale;
import dev.millrace.schemas.retail.SaleFact;
import dev.millrace.schemas.retail.TopProduct;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.apache.avro.Schema;
import org.junit.jupiter.api.Test;

final class DdlTest {

  private static final Contract TOP_PRODUCT = Contract.of(TopProduct.class);
  private static final Contract ALL_TYPES =
      ContractTest.of(
          "\"key\": [\"b\"],",
          """
          {"name": "b", "type": "boolean"}, {"name": "i", "type": "int"},
          {"name": "l", "type": "long"}, {"name": "d", "type": "double"},
          {"name": "y", "type": ["null", "bytes"], "default": null},
          {"name": "s", "type": "string"},
          {"name": "v", "type": "string", "maxLength": 7},
          {"name": "p", "type": "string", "maxLength": 7, "privacy": "encrypt"},
          {"name": "m", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
          {"name": "e", "type": {"type": "int", "logicalType": "date"}},
          {"name": "t", "type": {"type": "long", "logicalType": "timestamp-millis"}}
          """);

  @Test
  void aTableHasAColumnPerFieldAndTheKeyOfTheContract() {
    assertThat(
        Ddl.createTable(TOP_PRODUCT),
        is(
            "CREATE TABLE IF NOT EXISTS \"top_products\" (\"month\" DATE NOT NULL, \"rank\" INTEGER"
                + " NOT NULL, \"product_id\" INTEGER NOT NULL, \"product_name\" VARCHAR(60) NOT"
                + " NULL, \"revenue\" NUMERIC(20,4) NOT NULL, \"units\" NUMERIC(20,4) NOT NULL,"
                + " PRIMARY KEY (\"month\", \"rank\"))"));
  }

  @Test
  void everyTypeHasItsColumn() {
    assertThat(
        ALL_TYPES.fields().stream().map(Ddl::type).toList(),
        contains(
            "BOOLEAN",
            "INTEGER",
            "BIGINT",
            "DOUBLE PRECISION",
            "BYTEA",
            "TEXT",
            "VARCHAR(7)",
            "TEXT",
            "NUMERIC(9,2)",
            "DATE",
            "TIMESTAMPTZ"));
  }

  @Test
  void columnsOfPrivateFieldsHoldWhatMaskingMakesOfThem() {
    assertThat(Ddl.type(Contract.of(Customer.class).field("birthdate")), is("TEXT"));
    assertThat(Ddl.type(Contract.of(Customer.class).field("lname")), is("TEXT"));
    assertThat(Ddl.type(Contract.of(Customer.class).field("city")), is("VARCHAR(60)"));
  }

  @Test
  void namesAreInLowerCase() {
    assertThat(Ddl.columnDefinitions(Contract.of(Product.class)), containsString("\"sku\" BIGINT"));
  }

  @Test
  void aQuotedNameCannotLeaveItsQuotes() {
    assertThat(Ddl.quote("a\"; drop table b; --"), is("\"a\"\"; drop table b; --\""));
    assertThrows(IllegalArgumentException.class, () -> Ddl.quote("a\0b"));
    assertThrows(IllegalArgumentException.class, () -> Ddl.quote(""));
    assertThrows(IllegalArgumentException.class, () -> Ddl.quote("a".repeat(64)));
  }

  @Test
  void anIndexIsNamedAfterItsTableAndColumns() {
    assertThat(
        Ddl.createIndexes(Contract.of(RevenueDaily.class)),
        contains(
            "CREATE INDEX IF NOT EXISTS \"revenue_daily_product_category_idx\" ON"
                + " \"revenue_daily\" (\"product_category\")"));
  }

  @Test
  void namesThatPostgresWouldCutOffStayDistinct() {
    String one = "a".repeat(60);
    Contract contract =
        ContractTest.of(
            "\"key\": [\"id\"], \"indexes\": [[\"" + one + "1\"], [\"" + one + "2\"]],",
            """
            {"name": "id", "type": "int"}, {"name": "%1$s1", "type": "int"}, {"name": "%1$s2", "type": "int"}
            """
                .formatted(one));

    List<String> names = Ddl.indexNames(contract);

    assertThat(names.get(0).length(), is(63));
    assertThat(names.get(0), is(not(names.get(1))));
  }

  @Test
  void aForeignKeyIsAddedOnceAndCheckedAtCommit() {
    List<String> statements = Ddl.foreignKeys(Contract.of(LocatedCustomer.class));

    assertThat(
        statements,
        contains(
            "DO $ddl$ BEGIN\n"
                + "IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid ="
                + " '\"dim_customer\"'::regclass AND conname ="
                + " 'dim_customer_customer_region_id_fkey') THEN ALTER TABLE \"dim_customer\" ADD"
                + " CONSTRAINT \"dim_customer_customer_region_id_fkey\" FOREIGN KEY"
                + " (\"customer_region_id\") REFERENCES \"dim_region\" DEFERRABLE INITIALLY"
                + " DEFERRED; END IF;\n"
                + "END $ddl$"));
  }

  @Test
  void anOlderTableGetsTheNewOptionalColumnsAndNoRequiredOnes() {
    String migration = Ddl.migrate(Contract.of(SaleFact.class));

    assertThat(migration, containsString("ADD COLUMN \"sale_id\" VARCHAR(40); END IF;"));
    assertThat(migration, containsString("ADD COLUMN \"updated_at\" TIMESTAMPTZ; END IF;"));
    assertThat(migration, containsString("ALTER COLUMN \"sale_id\" DROP NOT NULL"));
    assertThat(migration, containsString("ALTER COLUMN \"store_sales\" TYPE NUMERIC(12,4)"));
    assertThat(migration, not(containsString("ADD COLUMN \"product_id\"")));
  }

  @Test
  void aRowIsReplacedOnlyIfItDiffers() {
    assertThat(
        Ddl.upsert(TOP_PRODUCT),
        is(
            "INSERT INTO \"top_products\" AS old (\"month\", \"rank\", \"product_id\","
                + " \"product_name\", \"revenue\", \"units\") VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT"
                + " (\"month\", \"rank\") DO UPDATE SET \"product_id\" = EXCLUDED.\"product_id\","
                + " \"product_name\" = EXCLUDED.\"product_name\", \"revenue\" ="
                + " EXCLUDED.\"revenue\", \"units\" = EXCLUDED.\"units\" WHERE"
                + " (old.\"product_id\", old.\"product_name\", old.\"revenue\", old.\"units\") IS"
                + " DISTINCT FROM (EXCLUDED.\"product_id\", EXCLUDED.\"product_name\","
                + " EXCLUDED.\"revenue\", EXCLUDED.\"units\")"));
  }

  @Test
  void aRowThatIsAllKeyIsWrittenOnce() {
    Contract pair =
        ContractTest.of(
            "\"key\": [\"a\", \"b\"],",
            "{\"name\": \"a\", \"type\": \"int\"}, {\"name\": \"b\", \"type\": \"int\"}");

    assertThat(Ddl.upsert(pair), endsWith("ON CONFLICT (\"a\", \"b\") DO NOTHING"));
  }

  @Test
  void commentsSayWhatColumnsMean() {
    List<String> comments = Ddl.comments(Contract.of(LocatedCustomer.class));

    assertThat(comments.get(0), startsWith("COMMENT ON TABLE \"dim_customer\" IS 'A customer"));
    assertThat(
        comments.get(3),
        is("COMMENT ON COLUMN \"dim_customer\".\"lname\" IS 'Family name. Privacy: mask.'"));
    assertThat(Ddl.comments(Contract.of(Sale.class)).get(11), containsString("the source''s own"));
  }

  @Test
  void aContractWithoutAKeyThatIsAlwaysThereHasNoTable() {
    var error =
        assertThrows(
            IllegalArgumentException.class, () -> Ddl.createTable(Contract.of(Sale.class)));

    assertThat(error.getMessage(), containsString("key field sale_id may be null"));
  }

  @Test
  void twoFieldsWithOneColumnAreRefused() {
    Contract contract =
        ContractTest.of(
            "\"key\": [\"id\"],",
            "{\"name\": \"id\", \"type\": \"int\"}, {\"name\": \"ID\", \"type\": \"int\"}");

    var error = assertThrows(IllegalArgumentException.class, () -> Ddl.createTable(contract));

    assertThat(error.getMessage(), containsString("share the column id"));
  }

  @Property(tries = 50)
  void theSameContractGivesTheSameText(@ForAll("tables") Contract contract) {
    Contract again = Contract.of(new Schema.Parser().parse(contract.schema().toString()));

    assertThat(script(again), equalTo(script(contract)));
  }

  @Property(tries = 50)
  void anUpsertHasOnePlaceholderPerField(@ForAll("tables") Contract contract) {
    long placeholders = Ddl.upsert(contract).chars().filter(c -> c == '?').count();

    assertThat(placeholders, is((long) contract.fields().size()));
  }

  @Provide
  Arbitrary<Contract> tables() {
    return Arbitraries.of(
        Contracts.all().stream()
            .filter(c -> c.key().stream().noneMatch(FieldContract::nullable))
            .toList());
  }

  private static List<Object> script(Contract contract) {
    return List.of(
        Ddl.createTable(contract),
        Ddl.migrate(contract),
        Ddl.createIndexes(contract),
        Ddl.foreignKeys(contract),
        Ddl.comments(contract),
        Ddl.upsert(contract));
  }
}

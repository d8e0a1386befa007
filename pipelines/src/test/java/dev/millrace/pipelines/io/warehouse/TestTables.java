package dev.millrace.pipelines.io.warehouse;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.schemas.web.ShopSession;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.IndexedRecord;
import org.jspecify.annotations.Nullable;

/** Small contracts, and rows of them written without a pipeline. */
final class TestTables {

  static final Contract SHELF =
      contract("Shelf", "shelf", "", int_("shelf_id"), "{'name':'room','type':['null','string']}");

  static final Contract ITEM =
      contract(
          "Item",
          "item",
          "'foreignKeys':{'shelf_id':'shelf'},'indexes':[['shelf_id'],['price','shelf_id']],",
          int_("item_id"),
          int_("shelf_id"),
          "{'name':'price','type':{'type':'bytes','logicalType':'decimal','precision':12,'scale':4}}");

  static final List<Contract> BOTH = List.of(ITEM, SHELF);

  private TestTables() {}

  /** A contract whose key is its first field. */
  static Contract contract(String name, String table, String properties, String... fields) {
    String key = fields[0].replaceFirst(".*?'name':'(\\w+)'.*", "$1");
    String json =
        "{'type':'record','name':'"
            + name
            + "','key':['"
            + key
            + "'],'table':'"
            + table
            + "',"
            + properties
            + "'fields':["
            + String.join(",", fields)
            + "]}";
    return Contract.of(new Schema.Parser().parse(json.replace('\'', '"')));
  }

  static String int_(String name) {
    return "{'name':'" + name + "','type':'int'}";
  }

  static IndexedRecord shelf(int id, @Nullable String room) {
    return row(SHELF, id, room);
  }

  static IndexedRecord item(int id, int shelf, String price) {
    return row(ITEM, id, shelf, new BigDecimal(price));
  }

  static IndexedRecord row(Contract contract, @Nullable Object... values) {
    GenericData.Record record = new GenericData.Record(contract.schema());
    int index = 0;
    for (FieldContract field : contract.fields()) {
      record.put(field.index(), values[index++]);
    }
    return record;
  }

  /** Writes rows the way the pipeline does: in one batch, through the shared pool. */
  static void stage(
      WarehouseConfig config, Run run, Contract contract, Collection<IndexedRecord> rows)
      throws SQLException {
    try (Connection connection = new WarehouseConnections(config).pool().getConnection();
        PreparedStatement statement =
            connection.prepareStatement(
                new TableSql(contract, run.stagingSchema()).insertIntoStaging())) {
      RowSetter<IndexedRecord> setter = new RowSetter<>(contract);
      for (IndexedRecord row : rows) {
        setter.setParameters(row, statement);
        statement.addBatch();
      }
      statement.executeBatch();
    }
  }

  static void stage(WarehouseConfig config, Run run, Contract contract, IndexedRecord... rows)
      throws SQLException {
    stage(config, run, contract, Arrays.asList(rows));
  }

  static List<TableChange> publish(WarehouseConfig config, Run run, List<Contract> contracts)
      throws InterruptedException {
    return new Publication(config, run, TableSql.parentsFirst(contracts))
        .publish(new WarehouseConnections(config).pool());
  }

  /** A visit on the day of the tests. */
  static ShopSession visit(String user, String from, String to, long events) {
    return new ShopSession(
        user,
        at(from),
        at(to),
        new BigDecimal("1.000"),
        events,
        events,
        false,
        new BigDecimal("0.0000"));
  }

  /** A time, such as 10:05, on the day of the tests. */
  static Instant at(String time) {
    return Instant.parse("2024-03-01T" + time + ":00Z");
  }
}
